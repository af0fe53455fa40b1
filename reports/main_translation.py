"""The translation that a data set is about: unseen, between the modalities that were never trained together."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from .rows import USABLE

GROUPS = ("zero-pair", "baselines", "oracle")  # the first of these that there is says which translation it is
MAIN = {"segmentation": ("miou", "mIoU", ".1f"), "depth": ("delta_1.25", "δ < 1.25", ".3f"),
        "rgb": ("psnr", "PSNR", ".2f"), "scalar": ("psnr", "PSNR", ".2f")}  # fmt: skip
JUDGED = ("classification_accuracy", "judge's accuracy, %", ".1f")


METRICS = frozenset([*(key for key, _, _ in MAIN.values()), JUDGED[0]])  # all that :func:`main_translation` looks at


class Main(NamedTuple):
    """Inputs and output, such as ``depth`` and ``segmentation``, and the rows of every method that translates them.

    ``rows`` has the columns of the table of results, one row per method and seed, with the value of ``metric``: of a
    method that has several rows the direct one or, of a cascade, the one with re-estimated BN statistics.
    """

    inputs: str
    output: str
    kind: str
    metric: str
    rows: pd.DataFrame

    @property
    def arrow(self) -> str:
        """Such as ``depth → segmentation``."""
        return f"{self.inputs} → {self.output}"


def main_translation(part: pd.DataFrame, judged: bool = False) -> Main | None:
    """The first zero-pair translation in the results of one data set and profile, which is the task's first.

    Args:
        judged: take the judge's accuracy, where there is one, instead of the output's own metric.
    """
    wanted = {kind: key for kind, (key, _, _) in MAIN.items()}
    usable = part["state"].isin(USABLE) & part["value"].notna() & part["selection"].isin(["", None, float("nan")])
    rows = part[usable & (part["metric"] == part["output_kind"].map(wanted)) & ~part["inputs"].eq("")]
    for group in GROUPS:
        first = rows[rows["group"] == group].head(1)
        if len(first):
            inputs, output, kind = first[["inputs", "output", "output_kind"]].iloc[0]
            break
    else:
        return None
    metric = wanted[kind]
    if judged and ((part["output"] == output) & (part["metric"] == JUDGED[0])).any():
        metric, rows = JUDGED[0], part[usable & (part["metric"] == JUDGED[0])]
    mine = rows[(rows["inputs"] == inputs) & (rows["output"] == output)]
    worse = mine["via"].fillna("").ne("").astype(int) + (mine["via"].fillna("").ne("") & mine["bn"].ne("re-estimated"))
    mine = mine.assign(_worse=worse).sort_values("_worse", kind="stable").drop_duplicates(["method", "seed"])
    return Main(str(inputs), str(output), str(kind), metric, mine.drop(columns="_worse").sort_index())
