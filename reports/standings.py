"""Standings: each method's main score on the unseen translation with what it cost, ranked where that is fair.

They are read off the tables that other reports make, by the names of their files, so that the tables of a runs folder
and committed CSV files give the same. The main score is that of the main translation's output: mIoU, or the depth's
share within 1.25, or of images a judge's accuracy, or PSNR without a judge; of unpaired domains the judge's accuracy on
the pairs that are unseen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmbench.reporting import STD

from . import depth_table, domain_table, image_table, segmentation_table
from .clean import numbers, text
from .domain_table import UNSEEN
from .prior_level import BELOW, CHANCE, PRIOR
from .rows import RIVALS, Metric

LAYOUTS = {module.NAME: module.LAYOUT for module in (segmentation_table, depth_table, image_table)}
DOMAINS = (Metric("classification_accuracy", "Accuracy"), Metric("content", "contours", ".3f"))
NAMES = "|".join([*LAYOUTS, domain_table.NAME, "cost", "provenance"])
FILE = re.compile(rf"(?P<report>{NAMES})(?:-(?P<where>.+))?")
OF_SERIES = re.compile(rf"(?P<series>[^-]+)-(?P<report>{NAMES})(?:-(?P<where>.+))?")
# The first that there is says which translation is the main one.
GROUPS = ("zero-pair", "baselines", "oracle", "chance")
COSTS = {"parameters (M)": ".2f", "GFLOP/image": ".3f", "training (min)": ".1f"}
FIELDS = ("group", "method", "title", "change", "inputs", "output", "via", "bn", "selection")
VERSION = ("data", "code")
SEVERAL = "several"
MIXED = "seeds of different data or code"
UNKNOWN = "data or code not known"


@dataclass(frozen=True)
class Board:
    """The standings of one data set and profile.

    Attributes:
        dataset, profile: as tables name them.
        series: what else tells them apart: a word in front of the files' names, such as ``ablation``.
        main, second: the columns of the scores; no second where there is no other table.
        arrow: of the main translation, such as ``depth → segmentation``.
        rows: a row per method: ``rank``, ``method``, ``name``, ``group`` (empty in tables of domains, which have none),
            scores with deviations, ``seeds``, ``mark``, what it cost and :data:`VERSION`.
    """

    dataset: str
    profile: str
    series: str
    main: Metric
    second: Metric | None
    arrow: str
    rows: pd.DataFrame


def boards(tables: Mapping[str, pd.DataFrame]) -> list[Board]:
    """The standings of every data set, profile and series in some tables, by the names of their files."""
    found: dict[tuple[str, str, str], dict[str, list[pd.DataFrame]]] = {}
    for name, frame in sorted(tables.items()):
        match = FILE.fullmatch(name) or OF_SERIES.fullmatch(name)
        if match is None or match["report"] in ("cost", "provenance") or "method" not in frame:
            continue
        if match["report"] == domain_table.NAME and not {"pairs", DOMAINS[0].header} <= set(frame):
            continue
        series = match.groupdict().get("series") or ""
        for where, part in _places(frame, match["where"] or ""):
            found.setdefault((series, *where), {}).setdefault(match["report"], []).append(part)
    made = [_board(key, reports, tables) for key, reports in sorted(found.items())]
    return [board for board in made if board is not None]


def _places(frame: pd.DataFrame, where: str) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Data set and profile of each part of a table; of one that does not hold them, by its name."""
    if {"dataset", "profile"} <= set(frame):
        return [((str(one), str(two)), part) for (one, two), part in frame.groupby(["dataset", "profile"])]
    dataset, _, profile = where.rpartition("-")
    return [((dataset, profile), frame)]


def _board(
    key: tuple[str, str, str], reports: Mapping[str, Sequence[pd.DataFrame]], tables: Mapping[str, pd.DataFrame]
) -> Board | None:
    scored = [part for part in map(_scored_domains, reports.get(domain_table.NAME, ())) if part is not None]
    for name in LAYOUTS:
        scored += [part for part in (_scored(frame, name) for frame in reports.get(name, ())) if part is not None]
    if not scored:
        return None
    main, arrow, rows = scored[0]
    second = DOMAINS[1] if DOMAINS[1].header in rows else None
    others = [part for metric, _, part in scored if metric.header not in rows]
    if others and not second:
        second = next(metric for metric, _, _ in scored if metric.header not in rows)
        rows = rows.merge(others[0][["name", second.header, second.header + STD]], on="name", how="left")
    series, dataset, profile = key
    lead = f"{series}-" if series else ""
    cost, origin = (_of(tables, f"{lead}{what}", dataset, profile) for what in ("cost", "provenance"))
    rows = _with_costs(rows, cost, origin)
    rows["rank"] = ranks(rows, main)
    rows["mark"] = marks(rows, main)
    group = rows["group"].map(lambda name: GROUPS.index(name) if name in GROUPS else len(GROUPS))
    rows = rows.assign(_group=group, _score=rows[main.header] * (1 if main.lower else -1))
    order = [*VERSION, "_score", "_group", "name"]
    rows = rows.sort_values(order, kind="stable", ignore_index=True, na_position="last")
    return Board(dataset, profile, series, main, second, arrow, rows.drop(columns=["_group", "_score"]))


def _of(tables: Mapping[str, pd.DataFrame], what: str, dataset: str, profile: str) -> pd.DataFrame:
    return tables.get(f"{what}-{dataset}-{profile}", tables.get(what, pd.DataFrame()))


def _scored(frame: pd.DataFrame, report: str) -> tuple[Metric, str, pd.DataFrame] | None:
    """The score, the arrow and a row per method of a table's main translation; None where it has none.

    Of a method with several rows the direct one or, of a cascade, the one with re-estimated BN statistics.
    """
    for metric in LAYOUTS[report].metrics:
        if metric.header in frame and np.isfinite(numbers(frame[metric.header])).any():
            break
    else:
        return None
    rows = pd.DataFrame({name: text(frame[name]) if name in frame else "" for name in FIELDS})
    rows = rows.assign(**_values(frame, metric), seeds=numbers(frame["seeds"]) if "seeds" in frame else np.nan)
    rows = rows[(rows["inputs"] != "") & (rows["selection"] == "")]
    known = [rows[(rows["group"] == group) & rows[metric.header].notna()] for group in GROUPS]
    first = next((part.iloc[0] for part in known if len(part)), None)
    if first is None:
        return None
    rows = rows[(rows["inputs"] == first["inputs"]) & (rows["output"] == first["output"])]
    cascaded = rows["via"] != ""
    rows = rows.assign(_worse=cascaded.astype(int) + (cascaded & (rows["bn"] != "re-estimated")))
    rows = rows.sort_values("_worse", kind="stable").drop_duplicates("method")
    return metric, f"{first['inputs']} → {first['output']}", _named(rows, metric)


def _scored_domains(frame: pd.DataFrame) -> tuple[Metric, str, pd.DataFrame] | None:
    rows = frame[frame["pairs"] == UNSEEN]
    made = {name: text(rows[name]) for name in ("method", "title")}
    made |= {"group": pd.Series("", index=rows.index), "seeds": numbers(rows["seeds"])}
    for metric in DOMAINS:
        made |= _values(rows, metric) if metric.header in rows else {}
    whole = pd.DataFrame(made).drop_duplicates("method")
    return (DOMAINS[0], UNSEEN, _named(whole, *DOMAINS)) if len(whole) else None


def _values(frame: pd.DataFrame, metric: Metric) -> dict[str, pd.Series]:
    """A metric and its deviation; what is not finite is no score."""
    value = numbers(frame[metric.header])
    spread = numbers(frame[metric.header + STD]) if metric.header + STD in frame else value * np.nan
    return {metric.header: value.where(np.isfinite(value)), metric.header + STD: spread.where(np.isfinite(spread))}


def _named(rows: pd.DataFrame, *metrics: Metric) -> pd.DataFrame:
    titles = rows["title"].mask(rows["title"] == "", rows["method"])
    if "change" in rows:
        titles = titles.mask(rows["change"] != "", titles + ", " + rows["change"])
    rows = rows.assign(name=rows["method"], method=titles)
    scores = [metric.header + end for metric in metrics for end in ("", STD) if metric.header in rows]
    return rows[["method", "name", "group", *scores, "seeds"]].reset_index(drop=True)


def _with_costs(rows: pd.DataFrame, cost: pd.DataFrame, origin: pd.DataFrame) -> pd.DataFrame:
    """Parameters, training time and :data:`VERSION` of each method's cells, and the operations of an image."""
    flops = dict(zip(cost["name"], numbers(cost["GFLOP/image"]), strict=True)) if "GFLOP/image" in cost else {}
    about = {str(name): part for name, part in origin.groupby("method")} if "method" in origin else {}
    made = []
    for name in rows["name"]:
        mine = about.get(name, pd.DataFrame())
        means = {
            header: numbers(mine[column]).mean() if column in mine else np.nan
            for header, column in (("parameters (M)", "parameters (M)"), ("training (min)", "minutes"))
        }
        versions = {what: _version(mine, what) for what in VERSION}
        made.append({**means, "GFLOP/image": flops.get(name, np.nan), **versions})
    columns = [*COSTS, *VERSION]
    return rows.join(pd.DataFrame(made, columns=columns, index=rows.index).astype(dict.fromkeys(COSTS, float)))


def _version(cells: pd.DataFrame, what: str) -> str:
    """The one data version or code of some cells, :data:`SEVERAL`, or nothing where one of them does not tell."""
    older = {"data": "test split", "code": "commit"}[what]
    column = what if what in cells else older
    values = sorted(set(text(cells[column]))) if column in cells else []
    if not values or "" in values:
        return ""
    return values[0] if len(values) == 1 else SEVERAL


def _together(rows: pd.DataFrame) -> pd.Series:
    """Which rows are known to be of one data version and one code."""
    known = pd.Series(True, index=rows.index)
    for what in VERSION:
        known &= ~rows[what].isin(["", SEVERAL])
    return known


def ranks(rows: pd.DataFrame, metric: Metric) -> pd.Series:
    """Places among baselines and zero-pair methods of one data version and code; what prints alike shares a place.

    None where less than two compete: bounds and chance levels do not, nor does a method without a finite score.
    """
    places = pd.Series(np.nan, index=rows.index)
    competes = rows["group"].isin(["", *RIVALS]) & rows[metric.header].notna() & _together(rows)
    for _, part in rows[competes].groupby(list(VERSION)):
        if len(part) > 1:
            printed = part[metric.header].map(lambda value: float(format(value, metric.spec)))
            places[part.index] = printed.rank(method="min", ascending=metric.lower)
    return places


def marks(rows: pd.DataFrame, metric: Metric) -> pd.Series:
    """What to know of a row: that it is below the per-pixel prior, or not above the best chance level beside it, or why
    it has no place.
    """
    made = pd.Series("", index=rows.index)
    scored = rows[metric.header].notna()
    sign = -1 if metric.lower else 1
    for _, part in rows[scored & _together(rows)].groupby(list(VERSION)):
        levels = part[part["group"] == CHANCE].sort_values(metric.header, ascending=metric.lower, kind="stable")
        if len(levels):
            best = levels.iloc[0]
            below = part[(part["group"] != CHANCE) & (sign * part[metric.header] <= sign * best[metric.header])]
            made[below.index] = f"not above: {best['method']}"
            prior = levels.loc[levels["name"] == PRIOR, metric.header]
            if len(prior):
                made[below.index[sign * below[metric.header] < sign * prior.iloc[0]]] = BELOW
    several = rows[list(VERSION)].isin([SEVERAL]).any(axis=1)
    made[scored & several] = MIXED
    made[scored & ~several & ~_together(rows)] = UNKNOWN
    return made
