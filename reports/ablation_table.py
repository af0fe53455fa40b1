"""The papers' ablations of M&MNets: side information and pretraining (thesis 4.2, CVPR 1), components (4.3, CVPR 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from mmbench.reporting import SWEEP, Results, Table

from .clean import complete
from .commands import COMMAND
from .comparisons import Compared, Comparer, remarks
from .prior_level import HEADER, MARK, PriorLevels, marked, note
from .published import SOURCES, Number
from .statistics import summary

NAME = "ablation"
TITLE = "Ablations, depth to segmentation, %"

METRICS = {"miou": "mIoU", "global_accuracy": "Global"}
DATASET = "scenenet-51k"  # where the papers' ablations were made
THESIS, CVPR = SOURCES  # their numbers differ, and so do their schedules
PUBLISHED, DIFFERENCE, VERDICT = "published, 51K:", "difference:", "verdict:"
YES_NO = {True: "Y", False: "N"}


@dataclass(frozen=True)
class Entry:
    """A row of one of the papers' tables: our method, and what tells the row apart there."""

    method: str
    cells: dict[str, str]
    published: str = ""


SIDE = (
    Entry("mmnet-none-scratch", {"side information": "none", "RGB decoder": "none"}, "side=none"),
    Entry("mmnet-none", {"side information": "none", "RGB decoder": "none"}, "side=none"),
    Entry("mmnet-skip-scratch", {"side information": "skip connections", "RGB decoder": "none"}, "side=skip"),
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
CVPR_SIDE = (
    Entry("mmnet-cvpr2018-none-scratch", {"side information": "none"}, "side=none"),
    Entry("mmnet-cvpr2018-skip-scratch", {"side information": "skip connections"}, "side=skip"),
    Entry("mmnet-cvpr2018-scratch", {"side information": "pooling indices"}, "side=pooling-indices"),
    Entry("mmnet-cvpr2018", {"side information": "pooling indices"}, "side=pooling-indices"),
)
CVPR_COMPONENTS = tuple(
    Entry(
        method,
        dict(zip(SWITCHES, cells, strict=False)),
        "autoencoders={}, latent={}, noise={}, pseudo-pairs=N".format(*cells),
    )
    for method, cells in (
        ("mmnet-cvpr2018-translations", ("N", "N", "N")),
        ("mmnet-cvpr2018-autoencoders", ("Y", "N", "N")),
        ("mmnet-cvpr2018-no-noise", ("Y", "Y", "N")),
        ("mmnet-cvpr2018", ("Y", "Y", "Y")),
    )
)
NOISE_NOTE = "Noise Y: the profile's latent noise; the papers' std is 0.5."
PUBLISHED_NOTE = "published, 51K: {source}, beside the row of the same switches; difference and verdict: to it."


@dataclass(frozen=True)
class Kind:
    """One of the papers' tables; ``source`` is the paper whose numbers stand beside its rows."""

    name: str
    title: str
    entries: tuple[Entry, ...]
    source: str
    note: str = ""


KINDS = (
    Kind("side-information", "Side information and pretraining (table 4.2)", SIDE, THESIS),
    Kind(
        "components",
        "Autoencoders, latent consistency, noise, pseudo-pairs (table 4.3)",
        COMPONENTS,
        THESIS,
        NOISE_NOTE,
    ),
    Kind("cvpr2018-side-information", "Side information and pretraining (CVPR, table 1)", CVPR_SIDE, CVPR),
    Kind(
        "cvpr2018-components",
        "Autoencoders, latent consistency, noise (CVPR, table 2)",
        CVPR_COMPONENTS,
        CVPR,
        NOISE_NOTE,
    ),
)


@dataclass(frozen=True)
class Row:
    """A row as the table has it, and its numbers beside the published ones."""

    cells: Mapping[str, Any]
    compared: Sequence[Compared]


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """Up to four tables per data set and profile, each where at least two of its rows are there."""
    tables = []
    for dataset, profile, kind, rows in _parts(results, Comparer(results, published)):
        if len(rows) > 1:
            title = f"{kind.title}: {dataset}, profile {profile}"
            tables.append(_table(kind, f"ablation-{kind.name}-{dataset}-{profile}", title, rows))
    return tables


def compared(results: Results, published: pd.DataFrame) -> list[Compared]:
    """Every number of the ablations that stands beside a published one, tables of a single row included."""
    return [one for *_, rows in _parts(results, Comparer(results, published)) for row in rows for one in row.compared]


def _parts(results: Results, comparer: Comparer) -> Iterator[tuple[str, str, Kind, list[Row]]]:
    rows = results.rows
    if "metric" not in rows:
        return
    direct = (rows["inputs"] == "depth") & (rows["output"] == "segmentation") & rows["metric"].isin(METRICS)
    rows = complete(rows[direct])
    levels = PriorLevels(rows)
    rows = rows[(rows["via"] == "") & (rows["selection"] != SWEEP)]
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        for kind in KINDS:
            made = [
                _row(kind, entry, mine, comparer, levels)
                for entry in kind.entries
                for _, mine in part[part["base_method"] == entry.method].groupby("change", sort=True)
            ]
            yield str(dataset), str(profile), kind, made


def _table(kind: Kind, name: str, title: str, rows: Sequence[Row]) -> Table:
    frame = pd.DataFrame([row.cells for row in rows])
    frame = marked(frame.drop(columns=MARK), frame[MARK].tolist(), "pretrained")
    headers = METRICS.values()
    papers = [f"{PUBLISHED} {header}" for header in headers]
    differences = [f"{DIFFERENCE} {header}" for header in headers]
    beside = [*papers, *differences, *(f"{VERDICT} {header}" for header in headers)]
    said = remarks([one for row in rows for one in row.compared])
    unused = [column for column in beside if frame[column].isna().all()]
    unused += [] if frame["changed"].any() else ["changed"]
    beside_note = said and PUBLISHED_NOTE.format(source=kind.source)
    return Table(
        name, title, frame, " ".join(filter(None, [kind.note, note(frame, METRICS["miou"]), beside_note, said])),
        formats={**dict.fromkeys([*headers, *papers], ".1f"), **dict.fromkeys(differences, "+.1f")},
        hidden=("method", COMMAND, *unused),
        better=dict.fromkeys(headers, "higher"), headers={MARK: HEADER}, tip=COMMAND,
    )  # fmt: skip


def _row(kind: Kind, entry: Entry, mine: pd.DataFrame, comparer: Comparer, levels: PriorLevels) -> Row:
    fields = {str(name): str(value) for name, value in mine.iloc[0].items()}
    pretrained = fields["pretrained"] == "True"
    cells: dict[str, Any] = {
        "method": entry.method,
        COMMAND: comparer.commands.of(fields),
        "changed": fields["change"],
        **entry.cells,
    }
    cells["pretrained"] = YES_NO[pretrained]
    over_seeds = {}
    for metric, header in METRICS.items():
        values = mine[mine["metric"] == metric].drop_duplicates("seed", keep="last")["value"].dropna()
        over_seeds[metric] = summary(values.to_numpy(float))
        cells |= {**over_seeds[metric].columns(header), "seeds": over_seeds[metric].seeds}
    place = fields["dataset"], fields["profile"], fields["output"], fields["group"]
    cells[MARK] = levels.mark(*place, over_seeds["miou"].mean)
    beside = []
    for metric, header in METRICS.items():
        stated, theirs = _published(kind, entry, metric, fields, pretrained, comparer)
        judgement = comparer.judge(fields, metric, over_seeds[metric], theirs, stated) if theirs else None
        cells[f"{PUBLISHED} {header}"] = theirs.value if theirs else nan
        cells[f"{DIFFERENCE} {header}"] = judgement.difference if judgement else nan
        cells[f"{VERDICT} {header}"] = str(judgement.verdict) if judgement else None
        if theirs and judgement and over_seeds[metric].seeds:
            label = f"{fields['title'] or entry.method} [{fields['method']}]"
            beside.append(
                Compared(fields["dataset"], fields["profile"], fields["group"], label, fields["change"], metric,
                         header, ".1f", over_seeds[metric], theirs, judgement, cells[MARK])
            )  # fmt: skip
    return Row(cells, beside)


def _published(
    kind: Kind, entry: Entry, metric: str, fields: Mapping[str, str], pretrained: bool, comparer: Comparer
) -> tuple[bool | None, Number | None]:
    """The paper's number of the row with the same switches on the same data set and, where a table tells such rows
    apart, whether their RGB encoder was pretrained: as ours where there is such a row.
    """
    if not entry.published or fields["published_dataset"] != DATASET:
        return None, None
    labels: dict[bool | None, str] = {None: entry.published}
    if entry.published.startswith("side="):
        labels = {stated: f"{entry.published}, pretrained={YES_NO[stated]}" for stated in (pretrained, not pretrained)}
    for stated, label in labels.items():
        for number in comparer.numbers.labelled(label, DATASET, metric):
            if number.places[0].source == kind.source:
                return stated, number
    return None, None
