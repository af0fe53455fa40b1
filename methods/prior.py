"""Chance levels: what can be said without looking at the input.

``prior``: per pixel, the most frequent class, the median depth, the mean colour of the training images.
``majority``: the same over all pixels together, which ``prior`` says too where training never saw a value. Every table
shows them, so that chance level is seen for what it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mmbench.method import Batch, Context, Method, Stage
from mmbench.task import Translation

NAME = "prior"
TITLE = "Per-pixel prior"
CLASS = "Prior"
ACCESS = "seen-groups"
GROUP = "chance"
KINDS = ("cross-modal", "cross-channel")
COST = 0.1
CITATION = "chance level"


class Prior(Method):
    """Histograms of classes and depths and means of images, as buffers, so that they resume."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        for modality in self.task.modalities:
            shape = (modality.tally_channels, context.size, context.size)
            self.register_buffer(f"sum_{modality.name}", torch.zeros(shape, dtype=torch.float64))

    def forward(self, batch: Batch, stage: Stage) -> None:
        """Count what the batch holds, each modality in its own way."""
        for tensors in batch.values():
            for name, tensor in tensors.items():
                self.task.modality(name).tally(self.get_buffer(f"sum_{name}"), tensor)

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The same image for every input."""
        output = translation.output
        modality, total = self.task.modality(output), self.get_buffer(f"sum_{output}")
        count = next(iter(inputs.values())).shape[0]
        whole = total.sum((1, 2), keepdim=True).expand_as(total)
        if self.context.settings["per_pixel"]:
            # Of sparse depth or labels some pixels are never seen; nothing can be said of them but what holds of all.
            whole = torch.where(total.abs().sum(0) > 0, total, whole)
        guess = modality.typical(whole)
        return guess.expand(count, *guess.shape)
