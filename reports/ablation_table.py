"""The papers' ablations of M&MNets: side information and pretraining (table 4.2), components (table 4.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from mmbench.reporting import SWEEP, Results, Table

from .clean import complete
from .comparisons import Compared, Comparer, remarks
from .published import SOURCES, Number
from .statistics import summary

NAME = "ablation"
TITLE = "Ablations, depth to segmentation, %"

METRICS = {"miou": "mIoU", "global_accuracy": "Global"}
DATASET = "scenenet-51k"  # where the papers' ablations were made
PUBLISHED, CVPR, DIFFERENCE, VERDICT = "published, 51K:", "CVPR:", "difference:", "verdict:"
YES_NO = {True: "Y", False: "N"}


@dataclass(frozen=True)
class Entry:
    """A row of one of the papers' tables: our method, and what tells the row apart there."""

    method: str
    cells: dict[str, str]
    published: str = ""


SIDE = (
    Entry("mmnet-none", {"side information": "none", "RGB decoder": "none"}, "side=none"),
    Entry("mmnet-skip", {"side information": "skip connections", "RGB decoder": "none"}, "side=skip"),
    Entry("mmnet-scratch", {"side information": "pooling indices", "RGB decoder": "none"}, "side=pooling-indices"),
    Entry("mmnet", {"side information": "pooling indices", "RGB decoder": "none"}, "side=pooling-indices"),
    Entry(
        "mmnet-rgb-indices",
        {"side information": "pooling indices", "RGB decoder": "pooling indices"},
        "pooling indices also in the RGB decoder",
    ),
)
SWITCHES = ("AutoEnc", "Latent", "Noise", "PP")
COMPONENTS = tuple(
    Entry(method, dict(zip(SWITCHES, cells, strict=True)), published)
    for method, cells, published in (
        ("mmnet-translations", ("N", "N", "N", "N"), "autoencoders=N, latent=N, noise=N, pseudo-pairs=N"),
        ("mmnet-autoencoders", ("Y", "N", "N", "N"), "autoencoders=Y, latent=N, noise=N, pseudo-pairs=N"),
        ("mmnet-no-noise", ("Y", "Y", "N", "N"), "autoencoders=Y, latent=Y, noise=N, pseudo-pairs=N"),
        ("mmnet", ("Y", "Y", "Y", "N"), "autoencoders=Y, latent=Y, noise=Y, pseudo-pairs=N"),
        ("mmnet-pp", ("Y", "Y", "Y", "Y"), "autoencoders=Y, latent=Y, noise=Y, pseudo-pairs=Y"),
        ("mmnet-paper-noise", ("Y", "Y", "0.5", "N"), ""),
    )
)
NOISE_NOTE = "Noise Y: the profile's latent noise; the papers' std is 0.5."
PUBLISHED_NOTE = (
    "published, 51K: thesis, CVPR: its earlier numbers, both beside the row of the same switches; difference and "
    "verdict: to the thesis'."
)


@dataclass(frozen=True)
class Kind:
    """One of the papers' two tables."""

    name: str
    title: str
    entries: tuple[Entry, ...]
    note: str = ""


KINDS = (
    Kind("side-information", "Side information and pretraining (table 4.2)", SIDE),
    Kind("components", "Autoencoders, latent consistency, noise, pseudo-pairs (table 4.3)", COMPONENTS, NOISE_NOTE),
)


@dataclass(frozen=True)
class Row:
    """A row as the table has it, and its numbers beside the published ones."""

    cells: Mapping[str, Any]
    compared: Sequence[Compared]


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """Two tables per data set and profile with at least two of the rows."""
    tables = []
    for dataset, profile, kind, rows in _parts(results, Comparer(results, published)):
        if len(rows) > 1:
            title = f"{kind.title}: {dataset}, profile {profile}"
            tables.append(_table(f"ablation-{kind.name}-{dataset}-{profile}", title, rows, kind.note))
    return tables


def compared(results: Results, published: pd.DataFrame) -> list[Compared]:
    """Every number of the ablations that stands beside a published one, tables of a single row included."""
    return [one for *_, rows in _parts(results, Comparer(results, published)) for row in rows for one in row.compared]


def _parts(results: Results, comparer: Comparer) -> Iterator[tuple[str, str, Kind, list[Row]]]:
    rows = results.rows
    if "metric" not in rows:
        return
    rows = complete(rows[rows["metric"].isin(METRICS)])
    rows = rows[
        (rows["inputs"] == "depth")
        & (rows["output"] == "segmentation")
        & (rows["via"] == "")
        & (rows["selection"] != SWEEP)
    ]
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        for kind in KINDS:
            made = [
                _row(entry, mine, comparer)
                for entry in kind.entries
                for _, mine in part[part["base_method"] == entry.method].groupby("change", sort=True)
            ]
            yield str(dataset), str(profile), kind, made


def _table(name: str, title: str, rows: Sequence[Row], note: str) -> Table:
    frame = pd.DataFrame([row.cells for row in rows])
    headers = METRICS.values()
    papers = [f"{what} {header}" for what in (PUBLISHED, CVPR) for header in headers]
    differences = [f"{DIFFERENCE} {header}" for header in headers]
    beside = [*papers, *differences, *(f"{VERDICT} {header}" for header in headers)]
    said = remarks([one for row in rows for one in row.compared])
    unused = [column for column in beside if frame[column].isna().all()]
    unused += [] if frame["changed"].any() else ["changed"]
    return Table(
        name, title, frame, " ".join(filter(None, [note, said and f"{PUBLISHED_NOTE} {said}"])),
        formats={**dict.fromkeys([*headers, *papers], ".1f"), **dict.fromkeys(differences, "+.1f")},
        hidden=("method", *unused),
        better=dict.fromkeys(headers, "higher"),
    )  # fmt: skip


def _row(entry: Entry, mine: pd.DataFrame, comparer: Comparer) -> Row:
    fields = {str(name): str(value) for name, value in mine.iloc[0].items()}
    pretrained = fields["pretrained"] == "True"
    cells: dict[str, Any] = {"method": entry.method, "changed": fields["change"], **entry.cells}
    cells["pretrained"] = YES_NO[pretrained]
    over_seeds = {}
    for metric, header in METRICS.items():
        values = mine[mine["metric"] == metric].drop_duplicates("seed", keep="last")["value"].dropna()
        over_seeds[metric] = summary(values.to_numpy(float))
        cells |= {**over_seeds[metric].columns(header), "seeds": over_seeds[metric].seeds}
    beside = []
    for metric, header in METRICS.items():
        stated, numbers = _published(entry, metric, fields, pretrained, comparer)
        here = []
        for theirs in numbers:
            judgement = comparer.judge(fields, metric, over_seeds[metric], theirs, stated)
            label = f"{fields['title'] or entry.method} [{fields['method']}]"
            here.append(
                Compared(fields["dataset"], fields["profile"], fields["group"], label, fields["change"], metric,
                         header, ".1f", over_seeds[metric], theirs, judgement)
            )  # fmt: skip
        by_paper = {one.theirs.places[0].source: one for one in reversed(here)}
        first = by_paper.get(SOURCES[0])
        for what, source in ((PUBLISHED, SOURCES[0]), (CVPR, SOURCES[1])):
            cells[f"{what} {header}"] = by_paper[source].theirs.value if source in by_paper else nan
        cells[f"{DIFFERENCE} {header}"] = first.judgement.difference if first else nan
        cells[f"{VERDICT} {header}"] = str(first.judgement.verdict) if first else None
        beside += here if over_seeds[metric].seeds else []
    return Row(cells, beside)


def _published(
    entry: Entry, metric: str, fields: Mapping[str, str], pretrained: bool, comparer: Comparer
) -> tuple[bool | None, list[Number]]:
    """The papers' numbers of the row with the same switches on the same data set and, where a table tells such rows
    apart, whether their RGB encoder was pretrained: as ours where there is such a row.
    """
    if not entry.published or fields["published_dataset"] != DATASET:
        return None, []
    if not entry.published.startswith("side="):
        return None, comparer.numbers.labelled(entry.published, DATASET, metric)
    for stated in (pretrained, not pretrained):
        label = f"{entry.published}, pretrained={YES_NO[stated]}"
        if numbers := comparer.numbers.labelled(label, DATASET, metric):
            return stated, numbers
    return None, []
