"""Unpaired domains: accuracy in the target domain, contours kept and kernel distance, seen and unseen pairs apart.

The judge's accuracy stands under its own on real test images. Thesis tables 6.3 and 6.4 print accuracies of other
experiments (four domains, all pairs trained), so no published number stands here.
"""

from __future__ import annotations

import pandas as pd

from mmbench.report import STD, Table

NAME = "domains"
TITLE = "Domains (judge's accuracy in %, SSIM of contours, KID on the judge's features)"

METRICS = {"classification_accuracy": "Accuracy", "content": "contours", "kid": "KID"}
FORMATS = {"Accuracy": ".1f", "contours": ".3f", "KID": ".3f", "chance": ".1f"}
PAIRS = {"ceiling": "real images", "seen": "seen pairs"}
ORDER = ("real images", "seen pairs", "unseen pairs")


def build(results: pd.DataFrame, published: pd.DataFrame) -> list[Table]:
    """One table per data set and profile; a row per method and kind of pair, the mean over its translations."""
    rows = results[(results["output_kind"] == "domain") & results["metric"].isin(METRICS)]
    tables = []
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        part = part.assign(pairs=part["group"].map(PAIRS).fillna(ORDER[-1]))
        made = []
        for (method, pairs), mine in part.groupby(["method", "pairs"], sort=False):
            per_seed = mine.groupby(["metric", "seed"])["value"].mean()
            translations = len(mine[["inputs", "output"]].drop_duplicates())
            row = {"pairs": pairs, "title": mine["title"].iloc[0], "method": method, "translations": translations}
            row["seeds"] = mine["seed"].nunique()
            for metric, header in METRICS.items():
                values = per_seed.get(metric, pd.Series(dtype=float))
                row |= {header: values.mean(), header + STD: values.std(ddof=1)}
            made.append(row)
        frame = pd.DataFrame(made)
        frame["place"] = frame["pairs"].map(ORDER.index)
        frame = frame.sort_values(["place", "method"], kind="stable").drop(columns="place")
        domains = len(set(part["output"]) - {"real"})
        note = (
            f"Means over translations and test images. Chance level of the accuracy: {100 / max(domains, 1):.1f} %. "
            "contours: SSIM of gradients against the input, 1 where all are kept."
        )
        tables.append(
            Table(
                f"domains-{dataset}-{profile}", f"Domains: {dataset}, profile {profile}", frame, note,
                group_column="pairs", formats=FORMATS, hidden=("method",),
            )
        )  # fmt: skip
    return tables
