"""Unpaired domains: accuracies, contours kept, kernel distance and diversity, seen and unseen pairs apart.

The judge's accuracy stands under its own on real test images, the reverse one under that of a classifier of real
training images. What thesis tables 6.3 and 6.4 print is over all pairs and stands in tables of its own
(``all_pairs.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmbench.reporting import Results, Table

from . import all_pairs
from .clean import numbers, titled
from .statistics import summary

NAME = "domains"
TITLE = "Domains (accuracies in %, SSIM of contours, KID on the judge's features, diversity of samples)"

ACCURACY, REVERSE, CEILING, IMAGES = "classification_accuracy", "reverse_accuracy", "reverse_ceiling", "real_images"
DIVERSITY = "sample_diversity"
METRICS = {ACCURACY: "Accuracy", REVERSE: "RCA", "content": "contours", "kid": "KID", DIVERSITY: "Diversity"}
FORMATS = {"Accuracy": ".1f", "RCA": ".1f", "contours": ".3f", "KID": ".3f", "Diversity": ".3f"}
OPTIONAL = (REVERSE, DIVERSITY)
ALL = "all"  # the class of a reverse accuracy that belongs to no kind of pairs
REAL, SEEN, UNSEEN = "real images", "seen pairs", "unseen pairs"
ORDER = (REAL, SEEN, UNSEEN)
FEW = 4  # test images of a domain: below, mmbench/evaluation/unpaired.py gives neither KID nor reverse accuracy


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """A table per data set and profile with a row per method and kind of pair, two of accuracies by target, and those
    over all pairs.
    """
    rows = titled(results.rows[results.rows["output_kind"] == "domain"])
    # Older results have the diversity of samples under the name of LPIPS, without a class.
    rows = rows.assign(
        metric=rows["metric"].mask((rows["metric"] == "lpips") & rows["cls"].isin(["", None, float("nan")]), DIVERSITY)
    )
    rows = rows[rows["metric"].isin([*METRICS, CEILING, IMAGES])]
    rows = rows[~((rows["metric"] == REVERSE) & (rows["cls"] == ALL))]
    rows = rows.assign(value=numbers(rows["value"]))
    tables: list[Table] = []
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        where, label = f"{dataset}-{profile}", f"{dataset}, profile {profile}"
        images = part[part["metric"] == IMAGES].groupby("output")["value"].first()
        part = _with_ceiling(part.assign(pairs=_pairs(part)))
        tables.append(
            Table(
                f"domains-{where}", f"Domains: {label}", _summaries(part), _note(part, images),
                group_column="pairs", formats=FORMATS, hidden=("method",),
            )
        )  # fmt: skip
        for metric, name, title in (
            (ACCURACY, "judge", "judge's accuracy (%) by target domain"),
            (REVERSE, "reverse", "reverse classification accuracy (%) by target domain"),
        ):
            frame = _by_target(part, metric)
            if not frame.empty:
                formats = dict.fromkeys(frame.columns[3:], ".1f")
                tables.append(
                    Table(
                        f"domains-{name}-{where}", f"Domains: {title}, {label}", frame,
                        "Mean: over the targets.", group_column="pairs", formats=formats, hidden=("method",),
                        detail=True,
                    )
                )  # fmt: skip
    return [*tables, *all_pairs.tables(results, published)]


def _pairs(part: pd.DataFrame) -> pd.Series:
    """The kind of each row's pair, as the task has it. A baseline's group does not say it, its reverse accuracy does,
    and so does another method's row of that pair.
    """
    pair = part["inputs"] + ">" + part["output"]
    told = (part["group"] == "seen") | ((part["metric"] == REVERSE) & (part["cls"] == "seen"))
    kinds = pd.Series(UNSEEN, index=part.index).mask(pair.isin(pair[told].unique()), SEEN)
    return kinds.mask(part["group"] == "ceiling", REAL)


def _with_ceiling(part: pd.DataFrame) -> pd.DataFrame:
    """What the classifier of real images reaches, the same in every cell, as reverse accuracy of the judge's row."""
    rows = part[part["metric"] == CEILING].drop_duplicates(["output"])
    judge = part[part["pairs"] == REAL]
    ceiling = rows.assign(metric=REVERSE, pairs=REAL, inputs="real", method="", title="Real images", seed=0)
    if len(judge):
        for key in ("method", "title", "seed"):
            ceiling[key] = judge[key].iloc[0]
    return pd.concat([part[part["metric"].isin(METRICS)], ceiling], ignore_index=True)


def _summaries(part: pd.DataFrame) -> pd.DataFrame:
    made = []
    kept = [metric for metric in METRICS if metric not in OPTIONAL or _has(part, metric)]
    for (method, pairs), mine in part.groupby(["method", "pairs"], sort=False):
        counted = mine[mine["metric"] != REVERSE] if pairs == REAL else mine
        row: dict[str, Any] = {"pairs": pairs, "title": mine["title"].iloc[0], "method": method}
        row["translations"] = len(counted[["inputs", "output"]].drop_duplicates())
        row["seeds"] = mine["seed"].nunique()
        for metric in kept:
            row |= _mean(mine[mine["metric"] == metric], metric)
        made.append(row)
    return _ordered(pd.DataFrame(made))


def _mean(rows: pd.DataFrame, metric: str) -> Mapping[str, float]:
    """Mean, deviation and interval over seeds. A domain that is the target of many rows still has one classifier's
    accuracy, so the reverse one is a mean over targets.
    """
    if metric == REVERSE:
        rows = rows.groupby(["seed", "output"])["value"].mean().reset_index()
    return summary(rows.groupby("seed")["value"].mean().dropna().to_numpy()).columns(METRICS[metric])


def _by_target(part: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A column per domain, as tables 6.3 and 6.4 have it; empty where there is nothing to show."""
    rows = part[(part["metric"] == metric) & part["value"].notna() & (part["output"] != "real")]
    if rows.empty:
        return pd.DataFrame()
    domains = list(dict.fromkeys(rows["output"]))
    wide = rows.pivot_table("value", ["pairs", "title", "method"], "output", sort=False)[domains].reset_index()
    wide.columns.name = None
    return _ordered(wide.assign(Mean=wide[domains].mean(axis=1)))


def _note(part: pd.DataFrame, images: pd.Series) -> str:
    domains = len(set(part["output"]) - {"real"})
    notes = [
        f"Means over translations and test images. Chance level of the accuracy: {100 / max(domains, 1):.1f} %. "
        "contours: SSIM of gradients against the input, 1 where all are kept. Seen: from or to the anchor, whatever "
        "else a method trains on."
    ]
    if len(images):
        few, many = int(images.min()), int(images.max())
        count = f"{few} to {many}" if few < many else str(few)
        notes.append(f"Real test images per domain: {count}.")
        if few < FEW:
            notes.append(f"KID and RCA need {FEW} and are absent where a domain has fewer.")
    if _has(part, REVERSE):
        notes.append(
            "RCA: a classifier learns from translations of one half of the test images and is tested on the other "
            "half's real images, and the other way round; mean over targets. Compare methods, not kinds of "
            "pairs: unseen ones have one target less and more images to learn from. Real images: a classifier of "
            "training images."
        )
    if _has(part, DIVERSITY):
        notes.append("Diversity: LPIPS between translations of one image under several random codes, 0 without a code.")
    lacking = part[(part["metric"] == DIVERSITY) & part["value"].isna()]
    if len(lacking):
        titles = ", ".join(dict.fromkeys(lacking["title"]))
        notes.append(f"Diversity is absent for {titles}: AlexNet's weights could not be had, or images are too small.")
    return " ".join(notes)


def _has(part: pd.DataFrame, metric: str) -> bool:
    return bool(part.loc[part["metric"] == metric, "value"].notna().any())


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.assign(place=frame["pairs"].map(ORDER.index))
    return frame.sort_values(["place", "method"], kind="stable").drop(columns="place")
