"""The translation that a data set is about: unseen, between the modalities that were never trained together."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from mmbench.modality import MAIN_KEYS, Score, main_score

from .clean import USABLE

GROUPS = ("zero-pair", "baselines", "oracle")  # the first of these that there is says which translation it is
JUDGED = Score("classification_accuracy", "judge's accuracy, %", ".1f")

METRICS = frozenset([*MAIN_KEYS.values(), JUDGED.key])  # all that :func:`main_translation` looks at


class Main(NamedTuple):
    """Inputs and output, such as ``depth`` and ``segmentation``, and the rows of every method that translates them.

    ``rows`` has the columns of the table of results, one row per method and seed, with the value of ``score``: of a
    method that has several rows the direct one or, of a cascade, the one with re-estimated BN statistics.
    """

    inputs: str
    output: str
    score: Score
    rows: pd.DataFrame

    @property
    def arrow(self) -> str:
        """Such as ``depth → segmentation``."""
        return f"{self.inputs} → {self.output}"


def in_percent(score: Score) -> tuple[float, str]:
    """What a score's numbers are multiplied by to be in percent where they are shares, and what stands at an axis."""
    return (100.0, f"{score.header}, %") if score.unit == "share" else (1.0, score.axis)


def main_translation(part: pd.DataFrame, judged: bool = False) -> Main | None:
    """The first zero-pair translation in the results of one data set and profile, which is the task's first.

    Args:
        judged: take the judge's accuracy, where there is one, instead of the output's own metric.
    """
    usable = part["state"].isin(USABLE) & part["value"].notna() & part["selection"].isin(["", None, float("nan")])
    rows = part[usable & (part["metric"] == part["output_kind"].map(MAIN_KEYS)) & ~part["inputs"].eq("")]
    for group in GROUPS:
        first = rows[rows["group"] == group].head(1)
        if len(first):
            inputs, output, kind = first[["inputs", "output", "output_kind"]].iloc[0]
            break
    else:
        return None
    score = main_score(str(kind))
    assert score is not None  # its row has it
    if judged and ((part["output"] == output) & (part["metric"] == JUDGED.key)).any():
        score, rows = JUDGED, part[usable & (part["metric"] == JUDGED.key)]
    mine = rows[(rows["inputs"] == inputs) & (rows["output"] == output)]
    worse = mine["via"].fillna("").ne("").astype(int) + (mine["via"].fillna("").ne("") & mine["bn"].ne("re-estimated"))
    mine = mine.assign(_worse=worse).sort_values("_worse", kind="stable").drop_duplicates(["method", "seed"])
    return Main(str(inputs), str(output), score, mine.drop(columns="_worse").sort_index())
