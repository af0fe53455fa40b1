"""Sample translations while a method is trained, as pictures for a sink. No number can depend on them.

They are of validation images, which are neither trained on nor tested, and the guard holds for them as for training
images: they are dealt among the training groups, and of each only the modalities of its group are handed over or shown.
So the truth stands beside a seen translation, and nowhere that of an unseen one, by which nobody is to choose.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from mmbench.method import Method
from mmbench.pictures import grid, legend
from mmbench.task import Group, Task, Translation
from mmbench.training.cache import Cache
from mmbench.training.device import Compute

COUNT = 4  # images of each sheet
WIDTH = 144  # pixels of an image in it: captions need so many

Translate = Callable[[Method, Task, Sequence[Translation], Cache, np.ndarray, Compute], Iterator[torch.Tensor]]
"""Translates rows of a cache, as ``mmbench.evaluation.aligned.predictions`` does."""


@contextlib.contextmanager
def random_kept(compute: Compute) -> Iterator[None]:
    """Within, random numbers may be drawn: afterwards torch's generators are as they were."""
    devices = [compute.device] if compute.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


class Sheets:
    """Draws a sheet for each set of inputs in each group: these, all translations of them, and what is true.

    Args:
        validation: ids of validation images.
    """

    def __init__(
        self, task: Task, images: Cache, validation: Sequence[str], compute: Compute, translate: Translate
    ) -> None:
        self.task, self.images, self.compute, self.translate = task, images, compute, translate
        rows, count = images.index(validation), len(task.groups)
        # Of unpaired domains an image holds one modality, and there is no truth that could be shown.
        self.rows = {group: rows[number::count] if task.aligned else rows for number, group in enumerate(task.groups)}

    def __call__(self, trained: Method) -> dict[str, np.ndarray]:
        """``samples/<group>/<inputs>`` -> uint8 ``(H, W, 3)``.

        A copy of the method translates: its modes, statistics and whatever it keeps of its inputs stay what they are.
        """
        method = copy.deepcopy(trained).eval()
        together: dict[tuple[Group, tuple[str, ...]], list[Translation]] = {}
        for translation in method.translations():
            group = self._group(translation)
            if group and translation.bn == "trained":  # other statistics are estimated when training is over
                together.setdefault((group, translation.inputs), []).append(translation)
        sheets = {}
        for (group, inputs), translations in together.items():
            rows = self.rows[group][self.images.holding(self.rows[group], inputs)][:COUNT]
            if len(rows):
                sheets[f"samples/{group.name}/{'+'.join(inputs)}"] = self._sheet(method, group, rows, translations)
        return sheets

    def _group(self, translation: Translation) -> Group | None:
        """Where a translation is seen, else the first group that has its inputs; None where no group has them all."""
        inputs = set(translation.inputs)
        fitting = [group for group in self.task.groups if inputs <= set(group.modalities)]
        seen = [group for group in fitting if translation.output in group.modalities]
        return next(iter(seen + fitting), None)

    def _sheet(self, method: Method, group: Group, rows: np.ndarray, translations: Sequence[Translation]) -> np.ndarray:
        inputs, outputs = translations[0].inputs, [translation.output for translation in translations]
        columns = {name: self._real(name, rows) for name in inputs}
        for translation in translations:
            (made,) = self.translate(method, self.task, [translation], self.images, rows, self.compute)
            target = self.task.modality(translation.output)
            columns[_caption(translation)] = np.stack([target.picture(one) for one in target.to_array(made)])
        if self.task.aligned:
            true = [name for name in group.modalities if name in outputs and self.images.holding(rows, [name]).all()]
            columns |= {f"true {name}": self._real(name, rows) for name in true}
        sheet = grid(columns, WIDTH)
        shown = [self.task.modality(name) for name in dict.fromkeys([*inputs, *outputs])]
        legends = [legend(dict(m.swatches), sheet.shape[1]) for m in shown if m.swatches]
        return np.concatenate([sheet, *legends])

    def _real(self, name: str, rows: np.ndarray) -> np.ndarray:
        modality = self.task.modality(name)
        return np.stack([modality.picture(array) for array in self.images.read(name, rows)])


def _caption(translation: Translation) -> str:
    weights = "/".join(f"{weight:g}" for weight in translation.weights or ())
    by = f"by {translation.via}" if translation.via else ""
    return " ".join(filter(None, ["to", translation.output, weights, by]))
