"""Chance levels: what can be said without looking at the input.

``prior``: per pixel, the most frequent class, the median depth, the mean colour of the training images.
``majority``: the same over all pixels together. Every table shows them, so that chance level is seen for what it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mmbench.method import Batch, Context, Method, Stage
from mmbench.modality import Modality
from mmbench.task import Translation

NAME = "prior"
TITLE = "Per-pixel prior"
CLASS = "Prior"
ACCESS = "seen-groups"
GROUP = "chance"
KINDS = ("cross-modal", "cross-channel")
COST = 0.1
CITATION = "chance level"

BINS = 400  # of depth, 5 cm each: the median is exact to 2.5 cm
BIN_METRES = 0.05


class Prior(Method):
    """Histograms of classes and depths and means of images, as buffers, so that they resume."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        for modality in self.task.modalities:
            shape = (_channels(modality), context.size, context.size)
            self.register_buffer(f"sum_{modality.name}", torch.zeros(shape, dtype=torch.float64))

    def forward(self, batch: Batch, stage: Stage) -> None:
        """Count classes and depth bins, add up images and, as the last channel, how many there were."""
        for tensors in batch.values():
            for name, tensor in tensors.items():
                modality, total = self.task.modality(name), self.get_buffer(f"sum_{name}")
                if modality.kind in ("segmentation", "depth"):
                    bins = tensor if modality.kind == "segmentation" else _bin(tensor[:, 0])
                    valid = modality.valid(tensor).to(total.dtype)
                    total.scatter_add_(0, bins, valid)
                else:
                    total += torch.cat([tensor, torch.ones_like(tensor[:, :1])], 1).double().sum(0)

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The same image for every input."""
        output = translation.output
        modality, total = self.task.modality(output), self.get_buffer(f"sum_{output}")
        count = next(iter(inputs.values())).shape[0]
        if not self.context.settings["per_pixel"]:
            total = total.sum((1, 2), keepdim=True).expand_as(total)
        if modality.kind == "segmentation":
            return (total[1:].argmax(0) + 1).expand(count, -1, -1)
        if modality.kind == "depth":
            share = total.cumsum(0) / total.sum(0).clamp(min=1)
            median = (share < 0.5).sum(0) + 0.5
            return (median * BIN_METRES).float().expand(count, 1, -1, -1)
        mean = total[:-1] / total[-1:].clamp(min=1)
        return mean.float().expand(count, -1, -1, -1)


def _channels(modality: Modality) -> int:
    return {"segmentation": modality.channels, "depth": BINS}.get(modality.kind, modality.channels + 1)


def _bin(metres: Tensor) -> Tensor:
    return (metres / BIN_METRES).long().clamp(0, BINS - 1)
