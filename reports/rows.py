"""Rows of the papers' tables from the table of results: groups, labels, means over seeds, published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmbench.reporting import COLUMNS, HIGH, LOW, STD, SWEEP, VALIDATION, Results, Table
from mmbench.table import ranges

from . import published as papers
from .clean import complete, records
from .statistics import summary

GROUPS = ("ceiling", "chance", "baselines", "zero-pair", "seen", "multi-modal", "oracle")
RIVALS = ("baselines", "zero-pair")  # who competes for the best value; the others are bounds or see more
KEY = ("group", "method", "base_method", "change", "title", "inputs", "output", "via", "weights",
       "side_from", "bn", "checkpoint", "selection", "side_information")  # fmt: skip
SHORT = 4  # letters of a class name in print: 13 classes have to fit a terminal
Values = dict[tuple[str, str], dict[int, float]]  # (metric, class) -> seed -> value
LETTERS = {"rgb": "R", "depth": "D", "segmentation": "S", "nir": "N"}  # as in tables 4.4-4.8
CONNECTIONS = {"": "", "none": "none", "skip": "SC", "pooling-indices": "PI"}


@dataclass(frozen=True)
class Metric:
    """One metric of a table.

    Attributes:
        key: its name in the table of results.
        header: its column.
        spec: how its numbers are printed.
        compared: whether the published number and the difference to it stand beside it.
        optional: whether the column is left out where no row has it.
        lower: whether smaller numbers are better.
    """

    key: str
    header: str
    spec: str = ".1f"
    compared: bool = False
    optional: bool = False
    lower: bool = False


def tables(
    results: Results,
    published: pd.DataFrame,
    *,
    name: str,
    title: str,
    kinds: Sequence[str],
    metrics: Sequence[Metric],
    per_class: Metric | None = None,
) -> list[Table]:
    """One table per data set, profile and output modality of some ``kinds``.

    Args:
        name, title: beginnings of the tables' names and titles.
        kinds: values of ``output_kind`` that belong here.
        metrics: columns, in order; the seeds are counted on the values of all of them.
        per_class: a metric with one column per class, after the others; its spread stands in the CSV only.
    """
    rows = results.rows.reindex(columns=list(COLUMNS))
    rows = complete(rows[rows["output_kind"].isin(kinds) & (rows["selection"] != SWEEP)])
    # Each seed has its own choice: together they are one row.
    rows.loc[rows["selection"] == VALIDATION, ["weights", "side_from"]] = ""
    if not {"source", "table", "dataset", "inputs", "output", "method", "metric", "cls", "value"} <= set(published):
        published = pd.DataFrame()
    made = []
    for where, part in rows.groupby(["dataset", "profile", "output"], sort=True):
        dataset, profile, output = map(str, where)
        classes = _classes(part, per_class)
        made_rows = [_row(key, values, metrics, classes, published) for key, values in _gather(part).items()]
        frame = _arrange(pd.DataFrame(made_rows), published)
        sources = sorted(set(frame.pop("source").str.cat(sep=";").split(";")) - {""})
        frame = frame.drop(columns=_unfilled(frame, metrics))
        frame.insert(0, "profile", profile)
        frame.insert(0, "dataset", dataset)
        spread = [metric.header + STD for metric in classes.values()]
        unconnected = [] if (frame["conn."] != "").any() else ["conn."]
        note = _note(part, frame, sources, profile, bool(classes))
        made.append(
            Table(
                name="-".join((name, dataset, profile, output)),
                title=f"{title}: {dataset}, profile {profile}, to {output}",
                frame=frame,
                note=f"{note} {results.remarks.get(dataset, '')}".strip(),
                group_column="group",
                formats=_formats([*classes.values(), *metrics]),
                headers=_headers(metrics, [metric.header for metric in classes.values()]),
                better={m.header: "lower" if m.lower else "higher" for m in [*metrics, *classes.values()]},
                rivals=RIVALS,
                hidden=("dataset", "profile", *KEY[1:], *spread, *unconnected),
            )
        )
    return made


def label(row: pd.Series | Mapping[str, str]) -> str:
    """A row's first cell in the papers' notation, such as ``M&MNets D → R → S, BN re-estimated``."""
    names = [LETTERS.get(name, name) for name in row["inputs"].split("+")]
    inputs = f"({', '.join(names)})" if len(names) > 1 else names[0]
    path = " → ".join(LETTERS.get(part, part) for part in (inputs, row["via"], row["output"]) if part)
    parts = [f"{row['title'] or row['method']} {path}" if row["inputs"] else row["title"] or row["method"]]
    if row["weights"]:
        parts.append(row["weights"].replace(",", "/"))
    if row["bn"] not in ("", "trained"):
        parts.append(f"BN {row['bn']}")
    if row["selection"] == VALIDATION:
        parts.append("weights chosen on validation (uses unseen pairs)")
    if row["checkpoint"] not in ("", "last"):
        parts.append(f"checkpoint {row['checkpoint']}")
    if row["change"]:
        parts.append(row["change"])
    return ", ".join(parts)


def _gather(part: pd.DataFrame) -> dict[tuple[Any, ...], Values]:
    """The values of each row of a table, by :data:`KEY` and ``published_dataset``."""
    found: dict[tuple[Any, ...], Values] = {}
    keyed, measured = [*KEY, "published_dataset"], ["metric", "cls", "seed", "value"]
    for key, mine in part[[*keyed, *measured]].groupby(keyed, sort=False):
        here = found.setdefault(key, {})
        for metric, cls, seed, value in records(mine, measured):
            if value == value:
                # One value per seed: a seed that was collected twice would make the spread too small.
                here.setdefault((metric, cls), {})[seed] = value
    return found


def _classes(part: pd.DataFrame, per_class: Metric | None) -> dict[str, Metric]:
    """Class -> its column, in the order of the results (which is the data set's)."""
    if per_class is None:
        return {}
    names = part.loc[(part["metric"] == per_class.key) & (part["cls"] != ""), "cls"].unique()
    return {cls: Metric(per_class.key, f"{per_class.header} {cls}", per_class.spec) for cls in names}


def _row(
    key: tuple[str, ...],
    values: Values,
    metrics: Sequence[Metric],
    classes: Mapping[str, Metric],
    published: pd.DataFrame,
) -> dict[str, object]:
    first = pd.Series(dict(zip((*KEY, "published_dataset"), key, strict=True)))
    side = CONNECTIONS.get(first["side_information"], first["side_information"])
    if first["side_from"] not in ("", first["inputs"]):
        side = f"{side} ({first['side_from']})".strip()
    row: dict[str, object] = {"group": first["group"], "row": label(first), "conn.": side, "seeds": 0}
    seeds: set[int] = set()
    sources = []
    for cls, metric in [*(("", metric) for metric in metrics), *classes.items()]:
        mine = values.get((metric.key, cls), {})
        over_seeds = summary(list(mine.values()))
        row |= over_seeds.columns(metric.header)
        seeds.update(mine)
        if metric.compared:
            theirs, source = papers.lookup(published, first, metric.key)
            row[f"published {metric.header}"] = theirs
            row[f"difference {metric.header}"] = over_seeds.mean - theirs
            sources.append(source)
    row["seeds"] = len(seeds)
    return {**row, "source": ";".join(sources), **{key: first[key] for key in KEY[1:]}}


def _arrange(frame: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Rows in the papers' order of groups and methods; rows that would read alike are told apart by the method."""
    known = list(dict.fromkeys(published.get("method", [])))
    frame["_group"] = [GROUPS.index(group) if group in GROUPS else len(GROUPS) for group in frame["group"]]
    frame["_method"] = [_place(method, known) for method in frame["base_method"]]
    frame["_inputs"] = frame["inputs"].str.count(r"\+")
    order = ["_group", "group", "_method", "method", "_inputs", "inputs", "via", "weights", "side_from", "bn"]
    frame = frame.sort_values(order, kind="stable", ignore_index=True).drop(columns=["_group", "_method", "_inputs"])
    alike = frame.duplicated(["row", "conn."], keep=False)
    frame.loc[alike, "row"] += " [" + frame.loc[alike, "method"] + "]"
    return frame


def _place(method: str, known: Sequence[str]) -> int:
    """Where the papers have a method; a variant that they have not stands behind the method it is named after."""
    names = [name for name in known if method == name or method.startswith(f"{name}-")]
    return known.index(max(names, key=len)) if names else len(known)


def _unfilled(frame: pd.DataFrame, metrics: Sequence[Metric]) -> list[str]:
    """Columns to leave out: no row has a published number for the metric, or, where it is optional, a number at all."""
    columns = []
    for metric in metrics:
        unpublished = not metric.compared or frame[f"published {metric.header}"].isna().all()
        if metric.compared and unpublished:
            columns += [f"published {metric.header}", f"difference {metric.header}"]
        if metric.optional and unpublished and frame[metric.header].isna().all():
            columns += [metric.header, *(metric.header + part for part in (STD, LOW, HIGH))]
    return columns


def _formats(columns: Sequence[Metric]) -> dict[str, str]:
    formats = {m.header: m.spec for m in columns}
    formats |= {f"published {m.header}": m.spec for m in columns}
    return formats | {f"difference {m.header}": f"+{m.spec}" for m in columns}


def _headers(metrics: Sequence[Metric], classes: Sequence[str]) -> dict[str, str]:
    headers = {f"{prefix} {m.header}": prefix for m in metrics for prefix in ("published", "difference")}
    names = [column.partition(" ")[2] for column in classes]
    short = [name[:SHORT] for name in names]
    distinct = short if len(set(short)) == len(names) else names
    return {"row": "method", **headers, **dict(zip(classes, distinct, strict=True))}


def _note(part: pd.DataFrame, frame: pd.DataFrame, sources: Sequence[str], profile: str, classes: bool) -> str:
    lines = []
    if frame["seeds"].max() > 1:
        lines.append(f"Mean ± standard deviation (ddof 1) over seeds{'; of a class the mean' if classes else ''}.")
    shown = " ".join(frame["conn."])
    legend = {"SC": "skip connections", "PI": "pooling indices"}
    lines += [f"{short}: {long}." for short, long in legend.items() if short in shown]
    if sources:
        lines.append(f"published: {'; '.join(sources)}; difference: ours - published.")
        if profile != "paper":
            lines.append(f"The papers' sizes and schedules are not those of profile {profile}.")
    other = part.loc[part["state"] != "done", ["method", "seed", "state"]].drop_duplicates()
    for (method, state), mine in other.groupby(["method", "state"], sort=True):
        seeds = ranges([str(seed) for seed in mine["seed"]])
        lines.append(f"{method}, seed{'s' * (len(mine) > 1)} {seeds}: {state or 'state unknown'}.")
    return " ".join(lines)
