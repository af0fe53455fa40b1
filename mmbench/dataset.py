"""The contract of a data set: one file in ``datasets/``, one class that knows the official layout.

The card stands at the top of the file as literal assignments, read without importing it::

    NAME = "flowers"
    TITLE = "Flowers-102, opponent channels"
    KIND = "cross-channel"            # which [[when]] overlays of the methods' settings apply
    CLASS = "Flowers"
    NEEDS_ROOT = True                 # reads files below --data-root
    JUDGE = "judge-classifier"          # optional: the judge that scores translated images
    SOURCE = "https://..."            # where to get it
    CITATION = "Nilsback & Zisserman 2008"
    SETTINGS = {"split": "official"}  # optional: choices of the protocol, changed by --set data.split=thesis
    CHOICES = {"split": ["official", "thesis"]}  # optional: all values that a setting may have
    REMARK = "Depth is relative."     # optional: printed below every table of this data set
    VARIANTS = {"x-51k": {"TITLE": "...", "SETTINGS": {"frames": 50}}}  # optional: more names, each with its settings

No torch at module level of an adapter: the plan reads manifests and must answer in under a second.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.modality.reading import Reading
from mmbench.resize import fit
from mmbench.schedule import DataLimits as DataLimits
from mmbench.task import Split, Task

Sample = dict[str, np.ndarray]


@dataclass(frozen=True)
class Problem:
    """Something missing or damaged, found by :meth:`Dataset.verify`."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


class Dataset(ABC):
    """A data set below ``root`` (the data root; None for embedded sets).

    Attributes:
        labels: names of the class labels, where samples have one.
        published: the name under which the papers' numbers of exactly this protocol are known; empty where they print
            none.
        settings: the card's SETTINGS, with what a variant or ``--set data.<key>`` changed. They enter every key.
    """

    task: Task
    labels: tuple[str, ...] = ()
    published: str = ""

    def __init__(self, root: Path | None, limits: DataLimits, settings: Mapping[str, Any] | None = None) -> None:
        """Find the files. Raises UserError naming what is missing, where it was looked for and where to get it.

        An adapter whose card has no SETTINGS is made without the third argument.
        """
        self.root = root
        self.limits = limits
        self.settings = dict(settings or {})

    @property
    def note(self) -> str:
        """What a user should know of what was found, such as how much of a subset is there; may be empty."""
        return ""

    @abstractmethod
    def split(self) -> Split:
        """Deterministic lists of ids, disjoint by scene where there are scenes."""

    @abstractmethod
    def manifest(self) -> str:
        """A digest of what the data consist of (names and sizes of files, or generator settings); never a path."""

    @abstractmethod
    def sample(self, sample_id: str) -> Sample:
        """Aligned arrays (see ``mmbench/modality/``) of what the sample holds, at native size.

        Raises UserError naming a file that is damaged.
        """

    def readings(self) -> Mapping[str, Reading]:
        """How its files of each modality are read, so that ``translate`` reads others alike; cells record it.

        Modalities without files of that form are left out: of colour images any 8-bit file will do, for others
        ``translate`` asks how files of them are to be read.
        """
        return {}

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """The modalities that a sample has; by default all. A translation is scored on the test samples that have
        its inputs and its output.
        """
        return tuple(modality.name for modality in self.task.modalities)

    def holding(self, ids: Sequence[str], modality: str) -> tuple[str, ...]:
        """Those of some samples that have a modality, in their order."""
        return tuple(sample_id for sample_id in ids if modality in self.holds(sample_id))

    def label(self, sample_id: str) -> int:
        """Class label as an index into :attr:`labels`."""
        raise NotImplementedError(f"{type(self).__name__} has no labels")

    def load(self, ids: Sequence[str], size: int) -> Iterator[Sample]:
        """Samples at ``size`` x ``size`` pixels in the order of ``ids``; sets that render override it to batch."""
        for sample_id in ids:
            yield fit(self.sample(sample_id), self.task.modalities, size)

    def verify(self) -> Iterator[Problem]:
        """Open every file and name what is damaged or missing."""
        for ids in self.split().parts().values():
            for sample_id in ids:
                try:
                    self.sample(sample_id)
                except Exception as error:
                    yield Problem(sample_id, str(error))
