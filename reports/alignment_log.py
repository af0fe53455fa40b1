"""Alignment factors (times 100) that cells logged, per seed: at a stage's end, and over its halves (thesis 4.6.2)."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .cell_files import entries
from .scores import Scores, Side

PREFIX = "alignment/"


class Point(NamedTuple):
    """What one line of a log says: steps into a stage, and the factor of each pair of encoders."""

    stage: str
    step: int
    factors: Mapping[str, float]

    @property
    def mean(self) -> float:
        """Over the pairs."""
        return sum(self.factors.values()) / len(self.factors)


def points(cell: Path) -> list[Point]:
    """The lines of a cell's log that hold alignment factors; those that cannot be read are left out."""
    found = []
    for entry in entries(cell, f'"{PREFIX}'):
        with contextlib.suppress(ValueError, TypeError):
            factors = {
                key.removeprefix(PREFIX): 100.0 * float(value) for key, value in entry.items() if key.startswith(PREFIX)
            }
            if factors:
                found.append(Point(entry["stage"], int(entry.get("step", 0)), factors))
    return found


@functools.lru_cache(maxsize=1)  # several claims in a row ask for the same
def log_of(scores: Scores) -> AlignmentLog:
    """The logs behind some scores."""
    return AlignmentLog(scores)


class AlignmentLog:
    """The logs of one data set and profile, each read once."""

    def __init__(self, scores: Scores) -> None:
        self._scores = scores
        self._read: dict[str, Mapping[int, Sequence[Point]]] = {}

    def of(self, method: str) -> Mapping[int, Sequence[Point]]:
        """What each seed of a method logged."""
        if method not in self._read:
            self._read[method] = {seed: points(cell) for seed, cell in self._scores.logs(method).items()}
        return self._read[method]

    def pairs(self, method: str) -> list[str]:
        """The pairs of encoders whose factors a method logged, such as ``rgb-depth``."""
        return sorted({pair for curve in self.of(method).values() for point in curve for pair in point.factors})

    def at_end(self, method: str, stage: str, pair: str = "") -> Side:
        """The factor at a stage's end: of a pair of encoders, or the mean over pairs."""
        found = {}
        for seed, curve in self.of(method).items():
            mine = [point for point in curve if point.stage == stage and (not pair or pair in point.factors)]
            if mine:
                found[seed] = mine[-1].factors[pair] if pair else mine[-1].mean
        return found

    def halves(self, method: str, stage: str, start: Side | None = None) -> tuple[Side, Side]:
        """How the mean over pairs changes over the first and over the second half of a stage's steps.

        Args:
            start: the factor before the stage; without it, what the stage logged first.

        Returns:
            Both without a seed whose log has no line between the start and the end of the stage.
        """
        first, second = {}, {}
        for seed, points_of_seed in self.of(method).items():
            curve = [(point.step, point.mean) for point in points_of_seed if point.stage == stage]
            if start is not None:
                curve = [(0, start[seed]), *curve] if seed in start else []
            middle = next((number for number, (step, _) in enumerate(curve) if 2 * step >= curve[-1][0]), 0)
            if 0 < middle < len(curve) - 1:
                first[seed] = curve[middle][1] - curve[0][1]
                second[seed] = curve[-1][1] - curve[middle][1]
        return first, second
