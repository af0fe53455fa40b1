"""The papers' ablations of M&MNets: side information and pretraining (thesis 4.2, CVPR 1), components (4.3, CVPR 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmbench.reporting import SWEEP, Results, Table

from .statistics import summary

NAME = "ablation"
TITLE = "Ablations, depth to segmentation, %"

METRICS = {"miou": "mIoU", "global_accuracy": "Global"}
DATASET = "scenenet-51k"  # where the papers' ablations were made
THESIS, CVPR = "thesis", "cvpr2018"  # their numbers differ, and so do their schedules
PUBLISHED, DIFFERENCE = "published, 51K:", "difference:"
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
    Entry("mmnet-rgb-indices", {"side information": "pooling indices", "RGB decoder": "pooling indices"}),
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
PUBLISHED_NOTES = {
    source: f"published, 51K: {source}, at the papers' size and schedule, beside the row of the same switches and "
    "pretraining; difference: ours less that."
    for source in (THESIS, CVPR)
}


@dataclass(frozen=True)
class Comparison:
    """One of the papers' tables; ``source`` is the paper whose numbers stand beside its rows."""

    name: str
    title: str
    entries: tuple[Entry, ...]
    source: str
    note: str = ""


COMPARISONS = (
    Comparison("side-information", "Side information and pretraining (table 4.2)", SIDE, THESIS),
    Comparison(
        "components",
        "Autoencoders, latent consistency, noise, pseudo-pairs (table 4.3)",
        COMPONENTS,
        THESIS,
        NOISE_NOTE,
    ),
    Comparison("cvpr2018-side-information", "Side information and pretraining (CVPR, table 1)", CVPR_SIDE, CVPR),
    Comparison(
        "cvpr2018-components",
        "Autoencoders, latent consistency, noise (CVPR, table 2)",
        CVPR_COMPONENTS,
        CVPR,
        NOISE_NOTE,
    ),
)


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """Up to four tables per data set and profile, each where at least two of its rows are there."""
    rows = results.rows[results.rows["metric"].isin(METRICS)]
    rows = rows[
        (rows["inputs"] == "depth")
        & (rows["output"] == "segmentation")
        & (rows["via"].fillna("") == "")
        & (rows["selection"] != SWEEP)
    ]
    tables = []
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        methods = set(part["method"].unique())
        for comparison in COMPARISONS:
            theirs = published[published["source"] == comparison.source] if len(published) else published
            made = [_row(entry, part, theirs) for entry in comparison.entries if entry.method in methods]
            if len(made) > 1:
                tables.append(_table(comparison, f"{dataset}-{profile}", f"{dataset}, profile {profile}", made))
    return tables


def _table(comparison: Comparison, stem: str, where: str, rows: Sequence[Mapping[str, object]]) -> Table:
    frame = pd.DataFrame(rows)
    published, differences = ([f"{what} {header}" for header in METRICS.values()] for what in (PUBLISHED, DIFFERENCE))
    compared = not frame[published].isna().all(axis=None)
    return Table(
        f"ablation-{comparison.name}-{stem}", f"{comparison.title}: {where}", frame,
        " ".join(filter(None, [comparison.note, PUBLISHED_NOTES[comparison.source] * compared])),
        formats={**dict.fromkeys([*METRICS.values(), *published], ".1f"), **dict.fromkeys(differences, "+.1f")},
        hidden=("method", *(() if compared else (*published, *differences))),
        better=dict.fromkeys(METRICS.values(), "higher"),
    )  # fmt: skip


def _row(entry: Entry, part: pd.DataFrame, published: pd.DataFrame) -> dict[str, Any]:
    mine = part[part["method"] == entry.method]
    pretrained = bool(mine["pretrained"].iloc[0])
    row: dict[str, Any] = {"method": entry.method, **entry.cells, "pretrained": YES_NO[pretrained]}
    for metric, header in METRICS.items():
        seeds = summary(mine[mine["metric"] == metric].drop_duplicates("seed", keep="last")["value"].to_numpy(float))
        row |= {**seeds.columns(header), "seeds": seeds.seeds}
    for metric, header in METRICS.items():
        theirs = _published(entry, metric, mine, published)
        row |= {f"{PUBLISHED} {header}": theirs, f"{DIFFERENCE} {header}": row[header] - theirs}
    return row


def _published(entry: Entry, metric: str, mine: pd.DataFrame, published: pd.DataFrame) -> float:
    """The papers' number of the row with the same switches on the same data set; nan without one."""
    label = entry.published if set(mine["published_dataset"]) == {DATASET} else ""
    if label.startswith("side="):
        label += f", pretrained={YES_NO[bool(mine['pretrained'].iloc[0])]}"
    if not label or published.empty:
        return float("nan")
    found = published[
        (published["dataset"] == DATASET) & (published["label"] == label) & (published["metric"] == metric)
    ]
    return float(found["value"].iloc[0]) if len(found) else float("nan")
