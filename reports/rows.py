"""Rows of the papers' tables from the table of results: groups, labels, means over seeds, published numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mmbench.modality import MAIN_KEYS
from mmbench.reporting import COLUMNS, HIGH, LOW, STD, SWEEP, VALIDATION, Results, Table
from mmbench.table import ranges

from .absent import without_weights
from .clean import complete, records
from .commands import COMMAND
from .comparisons import Compared, Comparer, remarks
from .prior_level import HEADER, MARK, PriorLevels, marked, note
from .statistics import Summary, summary
from .verdicts import Verdict

GROUPS = ("ceiling", "chance", "baselines", "zero-pair", "seen", "multi-modal", "oracle")
RIVALS = ("baselines", "zero-pair")  # who competes for the best value; the others are bounds or see more
KEY = ("group", "method", "base_method", "change", "title", "inputs", "output", "via", "weights",
       "side_from", "bn", "checkpoint", "selection", "side_information")  # fmt: skip
BESIDE = ("published", "difference", "verdict")  # what stands beside a metric
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
        compared: whether the published number and the verdict stand beside it, not only in the table of verdicts.
        optional: whether the column is left out where no row has it.
        lower: whether smaller numbers are better.
    """

    key: str
    header: str
    spec: str = ".1f"
    compared: bool = False
    optional: bool = False
    lower: bool = False


@dataclass(frozen=True)
class Layout:
    """What the tables of one kind of output show.

    Attributes:
        name, title: beginnings of the tables' names and titles.
        kinds: values of ``output_kind`` that belong here.
        metrics: columns, in order; the seeds are counted on the values of all of them.
        per_class: metrics with one column per class, after the others; their spread stands in the CSV only.
    """

    name: str
    title: str
    kinds: Sequence[str]
    metrics: Sequence[Metric]
    per_class: Sequence[Metric] = ()


@dataclass(frozen=True)
class Block:
    """The rows of one table, what of them stands beside a published number, and the results that they come from.

    ``main`` is the header of the main score.
    """

    dataset: str
    profile: str
    output: str
    main: str
    results: pd.DataFrame
    classes: Sequence[tuple[str, Metric]]
    rows: Sequence[Mapping[str, object]]
    compared: Sequence[Compared]


def tables(results: Results, published: pd.DataFrame, layout: Layout) -> list[Table]:
    """One table per data set, profile and output modality of a layout's kinds."""
    comparer, layout = Comparer(results, published), _with_own_metrics(layout, results)
    return [_table(block, layout, comparer, results) for block in _blocks(results, comparer, layout)]


def _with_own_metrics(layout: Layout, results: Results) -> Layout:
    """The layout with a column for each score of the user's own metrics: those that cells name as not mmbench's."""
    recorded = [facts.get("outside_metrics") for facts in results.cells]
    names = {name for one in recorded if isinstance(one, Mapping) for name in one}
    taken = {"group", "row", "conn.", "seeds", *KEY, *(metric.header for metric in layout.metrics)}
    metrics = [
        metric
        for name, metric in results.metrics.items()
        if name in names and not set(layout.kinds).isdisjoint(metric.kinds)
    ]
    own = [
        Metric(one.key, one.key if one.header in taken else one.header, one.spec, optional=True, lower=one.lower)
        for metric in metrics
        for one in metric.scores
    ]
    return replace(layout, metrics=[*layout.metrics, *own])


def compared(results: Results, published: pd.DataFrame, layout: Layout) -> list[Compared]:
    """Every number of a layout's tables that stands beside a published one, in their order."""
    return [one for block in _blocks(results, Comparer(results, published), layout) for one in block.compared]


def _blocks(results: Results, comparer: Comparer, layout: Layout) -> Iterator[Block]:
    rows = results.rows.reindex(columns=list(COLUMNS))
    rows = complete(rows[rows["output_kind"].isin(layout.kinds) & (rows["selection"] != SWEEP)])
    levels = PriorLevels(rows)
    # Each seed has its own choice: together they are one row.
    rows.loc[rows["selection"] == VALIDATION, ["weights", "side_from"]] = ""
    for where, part in rows.groupby(["dataset", "profile", "output"], sort=True):
        dataset, profile, output = map(str, where)
        classes = _classes(part, layout.per_class)
        main = next(metric for metric in layout.metrics if metric.key in MAIN_KEYS.values())
        columns = [*(("", metric) for metric in layout.metrics), *classes]
        made, beside = [], []
        for key, values in _gather(part).items():
            fields = dict(zip((*KEY, "published_dataset"), key, strict=True))
            over_seeds = {(m.key, cls): summary(list(values.get((m.key, cls), {}).values())) for cls, m in columns}
            whole = {**fields, "dataset": dataset, "profile": profile}
            mark = levels.mark(dataset, profile, output, fields["group"], over_seeds[main.key, ""].mean)
            mine = _compared(whole, over_seeds, columns, comparer, mark)
            row = _row(fields, values, over_seeds, columns, mine)
            made.append({**row, COMMAND: comparer.commands.of(whole), MARK: mark})
            beside += [one for one in mine if one.ours.seeds]
        yield Block(dataset, profile, output, main.header, part, classes, made, beside)


def _compared(
    fields: Mapping[str, str],
    over_seeds: Mapping[tuple[str, str], Summary],
    columns: Sequence[tuple[str, Metric]],
    comparer: Comparer,
    mark: str,
) -> list[Compared]:
    """Every metric of a row that has a published number; one line for each number."""
    made = []
    for cls, metric in columns:
        ours = over_seeds[metric.key, cls]
        for theirs in comparer.numbers.of(fields, metric.key, cls):
            made.append(
                Compared(
                    fields["dataset"], fields["profile"], fields["group"], label(fields), fields["change"], metric.key,
                    metric.header, metric.spec, ours, theirs, comparer.judge(fields, metric.key, ours, theirs), mark,
                )
            )  # fmt: skip
    return made


def _table(block: Block, layout: Layout, comparer: Comparer, results: Results) -> Table:
    dataset, profile, output = block.dataset, block.profile, block.output
    metrics, classes = layout.metrics, [metric for _, metric in block.classes]
    frame = _arrange(pd.DataFrame(block.rows), comparer.numbers.methods)
    frame = marked(frame.drop(columns=[*unfilled(frame, metrics), MARK]), frame[MARK].tolist(), "row")
    frame.insert(0, "profile", profile)
    frame.insert(0, "dataset", dataset)
    spread = [metric.header + STD for metric in classes]
    absent = without_weights(results, dataset, profile, set(map(str, block.results["method"])))
    notes = (_note(block, frame), note(frame, block.main), absent, results.remarks.get(dataset, ""))
    return Table(
        name="-".join((layout.name, dataset, profile, output)),
        title=f"{layout.title}: {dataset}, profile {profile}, to {output}",
        frame=frame,
        note=" ".join(filter(None, notes)),
        group_column="group",
        formats=formats([*classes, *metrics]),
        headers=headers(metrics, [metric.header for metric in classes] if len({m.key for m in classes}) == 1 else ()),
        better={m.header: "lower" if m.lower else "higher" for m in [*metrics, *classes]},
        rivals=RIVALS,
        hidden=("dataset", "profile", *KEY[1:], COMMAND, *spread, *untold(frame)),
        tip=COMMAND,
    )


def untold(frame: pd.DataFrame) -> list[str]:
    """Columns that would say the same, or nothing, in every row."""
    hidden = ["conn."] if "conn." in frame and not (frame["conn."] != "").any() else []
    differences = [
        column for column in map(str, frame) if column.startswith("difference ") and frame[column].isna().all()
    ]
    verdicts = [column for column in map(str, frame) if column.startswith("verdict ")]
    alike = [column for column in verdicts if frame[column].dropna().eq(str(Verdict.NOT_COMPARABLE)).all()]
    return [*hidden, *differences, *alike]


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
    keys, measured = records(part, [*KEY, "published_dataset"]), records(part, ["metric", "cls", "seed", "value"])
    for key, (metric, cls, seed, value) in zip(keys, measured, strict=True):
        here = found.setdefault(key, {})
        if value == value:
            # One value per seed: a seed that was collected twice would make the spread too small.
            here.setdefault((metric, cls), {})[seed] = value
    return found


def _classes(part: pd.DataFrame, per_class: Sequence[Metric]) -> list[tuple[str, Metric]]:
    """Each class and its column, in the order of the results (which is the data set's)."""
    made = []
    for metric in per_class:
        names = part.loc[(part["metric"] == metric.key) & (part["cls"] != ""), "cls"].unique()
        made += [(str(cls), Metric(metric.key, f"{metric.header} {cls}", metric.spec)) for cls in names]
    return made


def _row(
    fields: Mapping[str, str],
    values: Values,
    over_seeds: Mapping[tuple[str, str], Summary],
    columns: Sequence[tuple[str, Metric]],
    beside: Sequence[Compared],
) -> dict[str, object]:
    side = CONNECTIONS.get(fields["side_information"], fields["side_information"])
    if fields["side_from"] not in ("", fields["inputs"]):
        side = f"{side} ({fields['side_from']})".strip()
    row: dict[str, object] = {"group": fields["group"], "row": label(fields), "conn.": side, "seeds": 0}
    seeds: set[int] = set()
    for cls, metric in columns:
        row |= over_seeds[metric.key, cls].columns(metric.header)
        seeds.update(values.get((metric.key, cls), {}))
        if metric.compared:
            row |= beside_columns(metric.header, next((one for one in beside if one.header == metric.header), None))
    row["seeds"] = len(seeds)
    return {**row, **{key: fields[key] for key in KEY[1:]}}


def beside_columns(header: str, one: Compared | None) -> dict[str, object]:
    """What stands beside a metric of a row, by :data:`BESIDE` and the metric's header."""
    return {
        f"published {header}": one.theirs.value if one else np.nan,
        f"difference {header}": one.judgement.difference if one else np.nan,
        f"verdict {header}": str(one.judgement.verdict) if one and one.ours.seeds else None,
    }


def _arrange(frame: pd.DataFrame, known: Sequence[str]) -> pd.DataFrame:
    """Rows in the papers' order of groups and methods; rows that would read alike are told apart by the method."""
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


def unfilled(frame: pd.DataFrame, metrics: Sequence[Metric]) -> list[str]:
    """Columns to leave out: no row has a published number for the metric, or, where it is optional, a number at all."""
    columns = []
    for metric in metrics:
        unpublished = not metric.compared or frame[f"published {metric.header}"].isna().all()
        if metric.compared and unpublished:
            columns += [f"{what} {metric.header}" for what in BESIDE]
        if metric.optional and unpublished and frame[metric.header].isna().all():
            columns += [metric.header, *(metric.header + part for part in (STD, LOW, HIGH))]
    return columns


def formats(columns: Sequence[Metric]) -> dict[str, str]:
    """How metrics, and what stands beside them, are printed."""
    specs = {m.header: m.spec for m in columns}
    specs |= {f"published {m.header}": m.spec for m in columns}
    return specs | {f"difference {m.header}": f"+{m.spec}" for m in columns}


def headers(metrics: Sequence[Metric], classes: Sequence[str] = ()) -> dict[str, str]:
    """What stands above columns, where that is not their name."""
    beside = {f"{prefix} {m.header}": prefix for m in metrics for prefix in BESIDE}
    names = [column.partition(" ")[2] for column in classes]
    return {"row": "method", MARK: HEADER, **beside, **dict(zip(classes, names, strict=True))}


def _note(block: Block, frame: pd.DataFrame) -> str:
    part, lines = block.results, []
    if frame["seeds"].max() > 1:
        classes = "; of a class the mean" if block.classes else ""
        lines.append(f"Mean ± standard deviation (ddof 1) over seeds{classes}.")
    shown = " ".join(frame["conn."])
    legend = {"SC": "skip connections", "PI": "pooling indices"}
    lines += [f"{short}: {long}." for short, long in legend.items() if short in shown]
    printed = [one for one in block.compared if f"published {one.header}" in frame]
    lines += filter(None, [remarks(printed)])
    other = part.loc[part["state"] != "done", ["method", "seed", "state"]].drop_duplicates()
    for (method, state), mine in other.groupby(["method", "state"], sort=True):
        seeds = ranges([str(seed) for seed in mine["seed"]])
        lines.append(f"{method}, seed{'s' * (len(mine) > 1)} {seeds}: {state or 'state unknown'}.")
    return " ".join(lines)
