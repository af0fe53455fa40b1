"""The contract of a metric: one file that says what is kept of each image, and what numbers follow from it.

The card stands at the top of the file as literal assignments, read without importing it::

    NAME = "sharpness"
    TITLE = "Sharpness of translated images"
    KINDS = ("rgb", "scalar")         # kinds of modality whose translations it scores
    SCORES = (Score("sharpness", "sharp", ".2f"),)

    def columns(modality) -> tuple[str, ...]: ...
    def update(prediction, truth, modality) -> numpy.ndarray: ...
    def compute(sums, images, modality) -> dict[str, numpy.ndarray]: ...

``columns`` names the statistics of an image; a modality for which there are none is not scored. ``update`` takes a
batch of translations and of what is true, in tensor representation, and gives float64 or int64 ``(B, len(columns))``.
``compute`` makes numbers of statistics that were summed over ``images`` images; its keys are those of ``SCORES``, or
``<key>/<class>``. It works along the last axis of ``sums`` ``(..., len(columns))`` and keeps the others, so that a
whole test set, thousands of resamples of it and its images one by one are scored by the same lines. What is not defined
is nan.

Optional: ``total(statistics)``, the sums over the images of ``(N, len(columns))``, for a metric that has to choose the
order in which it adds. Reports read these files too: import torch inside ``update``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.modality import Modality
from mmbench.modality import Score as Score

if TYPE_CHECKING:
    from torch import Tensor

FUNCTIONS = ("columns", "update", "compute")


def sums_of(statistics: np.ndarray) -> np.ndarray:
    """Sums over images, float64 ``(C,)`` from ``(N, C)``."""
    return np.asarray(statistics, np.float64).sum(axis=0)


@dataclass(frozen=True)
class Metric:
    """A metric that was read from its file; see the head of this one. What breaks the contract is a ValueError."""

    name: str
    title: str
    kinds: tuple[str, ...]
    scores: tuple[Score, ...]
    columns: Callable[[Modality], tuple[str, ...]]
    update: Callable[[Tensor, Tensor, Modality], np.ndarray]
    compute: Callable[[np.ndarray, Any, Modality], Mapping[str, Any]]
    total: Callable[[np.ndarray], np.ndarray] = sums_of

    def measure(self, prediction: Tensor, truth: Tensor, modality: Modality) -> np.ndarray:
        """Statistics of each image of a batch, held against the contract."""
        made = np.asarray(self.update(prediction, truth, modality))
        self.check(made, modality)
        if len(made) != len(truth):
            raise ValueError(f"metric {self.name!r}: update gave {len(made)} rows for {len(truth)} images")
        return made

    def check(self, statistics: np.ndarray, modality: Modality) -> None:
        """Raise ValueError where statistics are not this metric's."""
        width = len(self.columns(modality))
        if statistics.ndim != 2 or statistics.shape[1] != width or statistics.dtype not in (np.float64, np.int64):
            raise ValueError(
                f"{statistics.dtype} statistics of shape {statistics.shape} are not those of metric {self.name!r}: "
                f"expected float64 or int64 (images, {width}), as its columns"
            )

    def numbers(self, statistics: np.ndarray, modality: Modality) -> dict[str, float]:
        """Numbers of a test set from the statistics ``(N, C)`` of its images."""
        self.check(statistics, modality)
        made = self.score(self.total(statistics), len(statistics), modality)
        known = {score.key for score in self.scores}
        for key, value in made.items():
            if key.partition("/")[0] not in known:
                raise ValueError(f"metric {self.name!r}: compute gave {key!r}, which is none of SCORES")
            if np.ndim(value):
                raise ValueError(f"metric {self.name!r}: compute gave {key!r} more values than sums")
        return {key: float(value) for key, value in made.items()}

    def of_each(self, statistics: np.ndarray, modality: Modality) -> Mapping[str, np.ndarray]:
        """Numbers of each image alone, ``(N,)`` each."""
        self.check(statistics, modality)
        return self.score(np.asarray(statistics, np.float64), 1, modality)

    def score(self, sums: np.ndarray, images: Any, modality: Modality) -> Mapping[str, Any]:
        """As ``compute``, without numpy's warnings of what is not defined."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.compute(sums, images, modality)
