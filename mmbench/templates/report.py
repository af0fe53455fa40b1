"""Plugin name: the main score of every method, by translation.

What a report is handed and may return stands in mmbench/reporting.py. Whether all promises are kept, and this one
alone, say and make

    mmbench check plugin-name
    mmbench report plugin-name
"""

from __future__ import annotations

import pandas as pd
from mmbench.modality import MAIN_KEYS
from mmbench.reporting import Figure, Results, Table

# The card: literals that are read without importing this file, so nothing here may be computed.
NAME = "plugin-name"
TITLE = "Plugin name"

ROW = ["dataset", "profile", "inputs", "output", "metric", "title"]


def build(results: Results, published: pd.DataFrame) -> list[Table | Figure]:
    """A table with a row per translation and method, the best first; none where there is nothing to show.

    Args:
        results: `results.rows` has a row per number, columns as docs/results.md lists them; it is to stay as it is.
        published: the papers' numbers in the same form.
    """
    rows = results.rows
    # Cascades have a row of their own per way, and each sweep over weights one per weight: they are no seeds.
    rows = rows[~(filled(rows["via"]) | filled(rows["selection"]))]
    main = rows[rows["metric"] == rows["output_kind"].map(MAIN_KEYS)]
    # A damaged result may hold a text where a number is expected: what is no number is left out.
    main = main.assign(value=pd.to_numeric(main["value"], errors="coerce")).dropna(subset=["value", *ROW])
    main = main[main["value"].abs() < float("inf")]
    if main.empty:
        return []
    groups = main.astype(dict.fromkeys(ROW, str)).groupby(ROW, as_index=False)
    means = groups.agg(score=("value", "mean"), seeds=("seed", "nunique"))
    order = means.sort_values([*ROW[:-1], "score"], ascending=[*[True] * (len(ROW) - 1), False], ignore_index=True)
    return [
        Table(
            name=NAME,
            title=TITLE,
            frame=order,
            note="Means over seeds of mIoU in percent, of the share of pixels with δ < 1.25, of PSNR in dB.",
            formats={"score": ".3f"},
        )
    ]


def filled(column: pd.Series) -> pd.Series:
    """Whether there is a text; what a row has not is nan, or empty."""
    return column.notna() & (column != "")
