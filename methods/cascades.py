"""Cascades: two seen translations joined through a decoded image of the anchor (thesis 4.6.2, "D -> R -> S").

The second translator was trained on real images and reads generated ones, so that its running BN statistics do not fit.
Every cascade therefore has two rows: ``trained`` leaves the statistics as they are, ``re-estimated`` takes those of the
first translator's images over training data (``networks/bn.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Method
from mmbench.task import Task, Translation

from .networks.bn import StatisticsBank
from .networks.builder import evaluating


class Cascades(nn.ModuleDict):
    """The cascades of a method, each with a bank of BN statistics for its second translator.

    Args:
        task: its unseen translations are cascaded through its anchor.
        second: the networks that translate the anchor to a modality, by the modality's name.
    """

    def __init__(self, task: Task, second: Callable[[str], Sequence[nn.Module]]) -> None:
        rows = tuple(Translation(t.inputs, t.output, task.anchor) for t in task.unseen if t.output != task.anchor)
        super().__init__({_name(row): StatisticsBank(second(row.output)) for row in rows})
        self._rows = rows

    def rows(self) -> tuple[Translation, ...]:
        """Every cascade with trained statistics and, where the second translators have BN layers, re-estimated ones."""
        has_bn = any(True for _ in self.buffers())
        return (*self._rows, *(replace(row, bn="re-estimated") for row in self._rows if has_bn))

    def translate(self, method: Method, inputs: Mapping[str, Tensor], translation: Translation) -> Tensor:
        """Both translations of a row that has a ``via``, by the method's ``translate``.

        Raises:
            RuntimeError: re-estimated statistics are asked for, and none were observed yet.
        """
        via = str(translation.via)
        middle = method.translate(inputs, replace(translation, output=via, via=None, bn="trained"))
        with self._bank(translation).applied() if translation.bn == "re-estimated" else nullcontext():
            return method.translate({via: middle}, Translation((via,), translation.output))

    def observe(self, method: Method, batch: Batch) -> None:
        """Add the statistics of one batch to every cascade's bank; the method itself stays as it is."""
        for row in self.rows():
            (source,), via = row.inputs, str(row.via)
            for tensors in batch.values():
                if row.bn == "re-estimated" and source in tensors:
                    with evaluating(method):
                        middle = method.translate({source: tensors[source]}, Translation((source,), via))
                        with self._bank(row).observing():
                            method.translate({via: middle}, Translation((via,), row.output))

    def forget(self) -> None:
        """Drop all statistics: they belong to weights that are no longer the method's."""
        for buffer in self.buffers():
            buffer.zero_()

    def _bank(self, row: Translation) -> StatisticsBank:
        return cast(StatisticsBank, self[_name(row)])


def seen_pairs(task: Task) -> dict[str, tuple[str, str]]:
    """Source and target of every translation to or from the anchor that a cascade runs through, named ``depth>rgb``."""
    needed = [pair for t in task.unseen for pair in ((t.inputs[0], task.anchor), (task.anchor, t.output))]
    return {f"{source}>{target}": (source, target) for source, target in needed}


def from_anchor(task: Task) -> tuple[Translation, ...]:
    """The seen translations of the anchor to what unseen translations end in."""
    ends = {t.output for t in task.unseen}
    return tuple(t for t in task.seen if t.inputs == (task.anchor,) and t.output in ends)


def aligned_images(task: Task, batch: Batch, source: str, target: str) -> tuple[Tensor, Tensor]:
    """What a translator trains on, of all groups that hold both modalities.

    Returns:
        Images of ``source`` in network representation and, of the same scenes, of ``target`` in tensor representation.
    """
    views = [tensors for tensors in batch.values() if source in tensors and target in tensors]
    images = task.modality(source).to_network(torch.cat([tensors[source] for tensors in views]))
    return images, torch.cat([tensors[target] for tensors in views])


def _name(row: Translation) -> str:
    return f"{row.inputs[0]}>{row.output}"
