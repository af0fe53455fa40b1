"""Alignment factors (times 100) that cells logged, per seed: at a stage's end, and over its halves (thesis 4.6.2)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
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

    def factor(self, pair: str = "") -> float | None:
        """A pair's factor, or the mean over pairs; None where it was not logged."""
        if pair:
            return self.factors.get(pair)
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


def pairs(scores: Scores, method: str) -> list[str]:
    """The pairs of encoders whose factors a method logged, such as ``rgb-depth``."""
    return sorted({pair for cell in scores.logs(method).values() for point in points(cell) for pair in point.factors})


def at_end(scores: Scores, method: str, stage: str, pair: str = "") -> Side:
    """The factor at a stage's end: of a pair of encoders, or the mean over pairs."""
    found = {}
    for seed, cell in scores.logs(method).items():
        values = [point.factor(pair) for point in points(cell) if point.stage == stage]
        if values and values[-1] is not None:
            found[seed] = values[-1]
    return found


def halves(scores: Scores, method: str, stage: str, start: Side | None = None) -> tuple[Side, Side]:
    """How the mean over pairs changes over the first and over the second half of a stage's steps.

    Args:
        start: the factor before the stage; without it, what the stage logged first.

    Returns:
        Both empty for a seed whose log has no line between the start and the end of the stage.
    """
    first, second = {}, {}
    for seed, cell in scores.logs(method).items():
        curve = [(point.step, point.factor() or 0.0) for point in points(cell) if point.stage == stage]
        if start is not None and seed in start:
            curve.insert(0, (0, start[seed]))
        elif start is not None:
            continue
        if not curve:
            continue
        middle = next(number for number, (step, _) in enumerate(curve) if 2 * step >= curve[-1][0])
        if 0 < middle < len(curve) - 1:
            first[seed] = curve[middle][1] - curve[0][1]
            second[seed] = curve[-1][1] - curve[middle][1]
    return first, second
