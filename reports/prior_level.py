"""Shared: which rows are below the per-pixel prior, a guess that looks at no input, of their data set and profile."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from mmbench.modality import MAIN_KEYS, main_score

from .clean import USABLE, numbers

PRIOR, CHANCE = "prior", "chance"  # the method as it is without --set, and the group of all such guesses
BELOW = "below the prior"
MARK = "mark"  # the column, which stands in a table where one of its rows has a mark
HEADER = "note"
NOTE = f"{BELOW}: on average over the seeds, {{}} is below that of the per-pixel prior, which looks at no input."


class PriorLevels:
    """The main score of the per-pixel prior for each data set, profile and output.

    The prior is the same with every seed and whatever the input, so that one row of it stands beside all.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        """From the table of results."""
        self._levels: dict[tuple[str, str, str], tuple[str, float]] = {}
        if not {"method", "metric"} <= set(rows):
            return
        mine = rows[(rows["method"] == PRIOR) & rows["state"].isin(USABLE)]
        mine = mine[mine["metric"] == mine["output_kind"].map(MAIN_KEYS)]
        mine = mine.assign(value=numbers(mine["value"])).dropna(subset="value")
        for (dataset, profile, output), part in mine.groupby(["dataset", "profile", "output"]):
            level = float(part["value"].mean())
            self._levels[str(dataset), str(profile), str(output)] = str(part["output_kind"].iloc[0]), level

    def mark(self, dataset: str, profile: str, output: str, group: str, mean: float) -> str:
        """:data:`BELOW` or nothing, of a row's mean main score over its seeds; other guesses have none."""
        kind, level = self._levels.get((dataset, profile, output), ("", math.nan))
        score = main_score(kind)
        if score is None or group == CHANCE:
            return ""
        return BELOW if (mean > level if score.lower else mean < level) else ""


def marked(frame: pd.DataFrame, marks: Sequence[str], behind: str) -> pd.DataFrame:
    """A table's rows with their marks behind a column, where there are any."""
    if any(marks):
        frame.insert(list(frame).index(behind) + 1, MARK, list(marks))
    return frame


def note(frame: pd.DataFrame, score: str) -> str:
    """What the marks of a table mean, with the main score's header; empty where it has none."""
    return NOTE.format(score) if MARK in frame and (frame[MARK] == BELOW).any() else ""
