"""Domains over all pairs, as thesis tables 6.3 and 6.4: reverse accuracy and LPIPS of translations and of real images.

Both are of a target's images, whatever domain they were translated from; a row's number is the mean over targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pandas as pd

from mmbench.reporting import Results, Table

from .clean import complete, records
from .commands import COMMAND
from .comparisons import Compared, Comparer, remarks
from .protocols import OTHER_PAIRS
from .published import MEAN, published_name
from .rows import Metric, beside_columns, formats, headers, unfilled, untold
from .statistics import Summary, summary

RCA = Metric("reverse_classification_accuracy", "RCA", ".1f", compared=True, optional=True)
LPIPS = Metric("lpips", "LPIPS", ".3f", compared=True, optional=True)
METRICS = (RCA, LPIPS)
# (metric, class) in the table of results -> what the papers' tables have of it
TRANSLATED = {("reverse_accuracy", "all"): RCA, ("lpips", "translated"): LPIPS}
REAL = {("reverse_ceiling", ""): RCA, ("lpips", "real"): LPIPS}
ANY = "any"  # the published rows' input
FIELDS = ("method", "base_method", "change", "title", "published_dataset")
NOTE = (
    "Means over targets; a target's images are the translations of all test images of the other domains. RCA: a "
    "classifier of such images tested on real ones. LPIPS: mean over at most 200 pairs of different images of a "
    "target. Real images: a classifier of training images, and pairs of test images; they are the same whatever was "
    "trained."
)
ABSENT = "LPIPS is absent for {}: AlexNet's weights could not be had, or images are too small."

Values = dict[tuple[str, str], dict[int, float]]  # (metric's header, target or mean) -> seed -> value


@dataclass(frozen=True)
class Row:
    """A method's images, or the real ones as that method's cells have measured them.

    Attributes:
        fields: of the method's rows, with ``dataset`` and ``profile``.
        group: as rows of other tables have it.
        label: as printed.
        published: what the papers' tables call the row, or empty.
        targets: domains, in the order of the results.
    """

    fields: Mapping[str, str]
    group: str
    label: str
    published: str
    targets: Sequence[str]
    values: Values

    def over_seeds(self, metric: Metric, target: str) -> Summary:
        """Mean and interval of one number."""
        return summary(list(self.values.get((metric.header, target), {}).values()))


def tables(results: Results, published: pd.DataFrame) -> list[Table]:
    """For each data set and profile the means beside the published ones and, of each metric, all targets."""
    if not (results.rows["output_kind"] == "domain").any():
        return []
    comparer = Comparer(results, published)
    made = []
    for dataset, profile, rows in _blocks(results, comparer):
        where, label = f"{dataset}-{profile}", f"{dataset}, profile {profile}"
        made.append(_means(rows, where, label, comparer))
        for metric in METRICS:
            frame = _by_target(rows, metric)
            if len(frame):
                specs = dict.fromkeys(map(str, frame.columns[2:]), metric.spec)
                made.append(
                    Table(
                        f"domains-all-{metric.header.lower()}-{where}",
                        f"Domains, all pairs: {metric.header} by target domain, {label}", frame,
                        "Mean: over the targets.", group_column="images", formats=specs, detail=True,
                    )
                )  # fmt: skip
    return made


def compared(results: Results, published: pd.DataFrame) -> list[Compared]:
    """Every number that stands beside a published one: of each row both metrics' targets and means."""
    if not (results.rows["output_kind"] == "domain").any():
        return []
    comparer = Comparer(results, published)
    return [one for _, _, rows in _blocks(results, comparer) for row in rows for one in _compared(row, comparer)]


def _blocks(results: Results, comparer: Comparer) -> Iterator[tuple[str, str, list[Row]]]:
    everything = {**TRANSLATED, **REAL}
    rows = results.rows
    rows = rows[(rows["output_kind"] == "domain") & rows["metric"].isin({metric for metric, _ in everything})]
    rows = complete(rows)
    known = [key in everything for key in zip(rows["metric"], rows["cls"], strict=True)]
    rows = rows[pd.Series(known, rows.index, dtype=bool)]
    for where, part in rows.groupby(["dataset", "profile"], sort=True):
        dataset, profile = map(str, where)
        place = {"dataset": dataset, "profile": profile}
        made = [_row(place, mine, TRANSLATED) for _, mine in part.groupby("method", sort=False)]
        # What every cell has measured alike is taken of the method with most seeds, as it is without `--set` if it can.
        real = [_row(place, mine, REAL) for _, mine in part.groupby("method", sort=False)]
        first = max(real, key=lambda row: (not row.fields["change"], max(map(len, row.values.values()), default=0)))
        order = comparer.numbers.methods
        made = sorted(
            [row for row in made if row.values],
            key=lambda row: (order.index(row.published) if row.published in order else len(order), row.label),
        )
        if made:
            yield dataset, profile, [*([first] if first.values else []), *made]


def _row(place: Mapping[str, str], part: pd.DataFrame, wanted: Mapping[tuple[str, str], Metric]) -> Row:
    values: Values = {}
    for metric, cls, target, seed, value in records(part, ("metric", "cls", "output", "seed", "value")):
        if (metric, cls) in wanted and value == value:
            values.setdefault((wanted[metric, cls].header, target), {})[seed] = value
    targets = list(dict.fromkeys(part["output"]))
    for metric in METRICS:
        each = [values.get((metric.header, target), {}) for target in targets]
        whole = [seed for seed in each[0] if all(seed in mine for mine in each)]
        if whole:
            values[metric.header, MEAN] = {seed: fmean(mine[seed] for mine in each) for seed in whole}
    fields = {**place, **dict(zip(FIELDS, part[list(FIELDS)].iloc[0], strict=True))}
    if wanted is REAL:
        return Row({**fields, "base_method": "real"}, "ceiling", "Real images", "real", targets, values)
    group = next((group for group in part["group"] if group != "seen"), "seen")
    label = ", ".join(filter(None, [fields["title"] or fields["method"], fields["change"]]))
    return Row(
        fields, group, label, published_name(fields["published_dataset"], fields["base_method"]), targets, values
    )


def _compared(row: Row, comparer: Comparer) -> Iterator[Compared]:
    nothing = dict.fromkeys(("via", "weights", "side_from", "bn", "checkpoint", "selection"), "")
    fields = row.fields
    reasons = [OTHER_PAIRS[row.published]] if row.published in OTHER_PAIRS else []
    for metric in METRICS:
        for target in (*row.targets, MEAN):
            asked = {**fields, **nothing, "inputs": ANY, "output": target}
            ours = row.over_seeds(metric, target)
            for theirs in comparer.numbers.of(asked, metric.key) if ours.seeds else ():
                yield Compared(
                    fields["dataset"], fields["profile"], row.group, row.label, fields["change"], metric.key,
                    f"{metric.header} {target}", metric.spec, ours, theirs,
                    comparer.judge(fields, metric.key, ours, theirs, reasons=reasons),
                )  # fmt: skip


def _means(rows: Sequence[Row], where: str, label: str, comparer: Comparer) -> Table:
    made, printed = [], []
    for row in rows:
        beside = {one.header: one for one in _compared(row, comparer)}
        line: dict[str, Any] = {"images": _kind(row), "row": row.label}
        line["seeds"] = max(row.over_seeds(metric, MEAN).seeds for metric in METRICS)
        for metric in METRICS:
            one = beside.get(f"{metric.header} {MEAN}")
            line |= row.over_seeds(metric, MEAN).columns(metric.header) | beside_columns(metric.header, one)
            printed += [one] if one else []
        made.append({**line, "method": row.fields["method"], COMMAND: comparer.commands.of(row.fields)})
    frame = pd.DataFrame(made)
    without = frame.loc[frame[LPIPS.header].isna(), "row"]
    lacking = "all" if len(without) == len(frame) else ", ".join(dict.fromkeys(without))
    frame = frame.drop(columns=unfilled(frame, METRICS))
    notes = [NOTE, *([ABSENT.format(lacking)] if lacking else []), remarks(printed)]
    return Table(
        f"domains-all-{where}", f"Domains, all pairs: {label}", frame, " ".join(filter(None, notes)),
        group_column="images", formats=formats(METRICS), headers=headers(METRICS),
        hidden=("method", COMMAND, *untold(frame)),
        better={metric.header: "higher" for metric in METRICS}, rivals=("translations",), tip=COMMAND,
    )  # fmt: skip


def _by_target(rows: Sequence[Row], metric: Metric) -> pd.DataFrame:
    """A line per row that has the metric, a column per target; empty where none has."""
    lines = []
    for row in rows:
        means = {target: row.over_seeds(metric, target).mean for target in (*row.targets, MEAN)}
        if any(mean == mean for mean in means.values()):
            lines.append({"images": _kind(row), "row": row.label, **means})
    frame = pd.DataFrame(lines)
    return frame[[column for column in frame if column != MEAN] + [MEAN]] if lines else frame


def _kind(row: Row) -> str:
    return "real images" if row.published == "real" else "translations"
