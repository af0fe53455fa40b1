"""What the samples of a data set hold, modality by modality, in units: what `data verify` prints of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tabulate import tabulate

from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.modality import Modality
from mmbench.store.prepared import all_ids

LOOKED = 1000
"""Samples that are looked at where there are more; they are spread evenly over all parts."""

RENDERED = 24
"""The same of a data set that makes its images itself, which takes long."""


def facts(dataset: Dataset) -> list[str]:
    """Lines to print: per class its share of the labelled pixels, the share of void, and ranges of what is measured.

    A data set in whose files classes and values are other numbers says which by a method ``in_files``: modality's name
    -> ids or colours of the classes in their order, or the two values that became -1 and 1.
    """
    ids = all_ids(dataset)
    most = RENDERED if dataset.root is None else LOOKED
    some = ids if len(ids) <= most else [ids[index * len(ids) // most] for index in range(most)]
    in_files: Mapping[str, Sequence[Any]] = getattr(dataset, "in_files", dict)()
    tallies = {m.name: _Tally(m, in_files.get(m.name, ())) for m in dataset.task.modalities}
    read = 0
    for sample_id in some:
        try:
            sample = dataset.sample(sample_id)
        except UserError:
            continue  # named among the problems
        read += 1
        for name, array in sample.items():
            tallies[name].add(array)
    looked = f"in {read} of {len(ids)} samples" if read < len(ids) else f"in all {read} samples"
    return [line for name, tally in tallies.items() for line in tally.lines(f"{name}, {looked}")]


class _Tally:
    """Counts over the images of one modality."""

    def __init__(self, modality: Modality, in_files: Sequence[Any]) -> None:
        self.modality, self.in_files = modality, in_files
        self.pixels = self.counted = self.low_end = self.high_end = 0
        self.low, self.high = np.inf, -np.inf
        self.classes = np.zeros(256, np.int64)
        self.images = np.zeros(256, np.int64)

    def add(self, array: np.ndarray) -> None:
        self.pixels += array.size
        if self.modality.legend:
            counts = np.bincount(array.ravel(), minlength=256)
            self.classes += counts
            self.images += counts > 0
            return
        valid = array[~self.modality.missing(array)]
        self.counted += valid.size
        if valid.size:
            self.low, self.high = min(self.low, float(valid.min())), max(self.high, float(valid.max()))
        if limits := self.modality.limits:
            self.low_end += int((valid <= limits[0]).sum())
            self.high_end += int((valid >= limits[1]).sum())

    def lines(self, head: str) -> list[str]:
        if not self.pixels:
            return [f"{head}: nothing"]
        if self.modality.legend:
            return self._classes(head)
        if not self.counted:
            return [f"{head}: no pixel was measured"]
        if unit := self.modality.unit:
            missing = 100 * (1 - self.counted / self.pixels)
            return [f"{head}: {self.low:.3g} to {self.high:.3g} {unit}, {missing:.1f} % not measured"]
        if self.modality.limits:
            return [self._range(head)]
        return [f"{head}: {self.low:g} to {self.high:g}"]

    def _range(self, head: str) -> str:
        lowest, highest = (100 * count / self.pixels for count in (self.low_end, self.high_end))
        ends = f"{lowest:.1f} % at the lower end, {highest:.1f} % at the upper"
        if not self.in_files:
            return f"{head}: {self.low:.3g} to {self.high:.3g} of -1 to 1; {ends}"
        least, most = self.in_files
        low, high = (least + (value + 1) / 2 * (most - least) for value in (self.low, self.high))
        return f"{head}: {low:g} to {high:g} of a range from {least:g} to {most:g}; {ends}"

    def _classes(self, head: str) -> list[str]:
        names = [label for label, _ in self.modality.legend]
        labelled = max(1, int(self.classes[1:].sum()))
        void = f"{100 * self.classes[0] / self.pixels:.1f} % void"
        rows = [
            [number, name, f"{100 * self.classes[number] / labelled:.1f}", int(self.images[number])]
            for number, name in enumerate(names, start=1)
        ]
        for row, value in zip(rows, self.in_files, strict=False):
            row[0] = value
        return [f"{head}: {len(names)} classes, {void}", tabulate(rows, ["id", "class", "% of labelled", "images"])]
