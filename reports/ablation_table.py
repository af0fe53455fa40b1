"""The papers' ablations of M&MNets: side information and pretraining (table 4.2), components (table 4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmbench.reporting import SWEEP, Results, Table

from .clean import complete
from .statistics import summary

NAME = "ablation"
TITLE = "Ablations, depth to segmentation, %"

METRICS = {"miou": "mIoU", "global_accuracy": "Global"}
DATASET, SOURCE = "scenenet-51k", "thesis"  # where the papers' ablations were made; the thesis' numbers count
PUBLISHED, DIFFERENCE = "published, 51K:", "difference:"
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
NOISE_NOTE = "Noise Y: the profile's latent noise; the papers' std is 0.5."
PUBLISHED_NOTE = (
    "published, 51K: thesis, at the papers' size and schedule, beside the row of the same switches and pretraining; "
    "difference: ours less that."
)


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """Two tables per data set and profile with at least two of the rows."""
    rows = results.rows
    if "metric" not in rows:
        return []
    rows = complete(rows[rows["metric"].isin(METRICS)])
    rows = rows[
        (rows["inputs"] == "depth")
        & (rows["output"] == "segmentation")
        & (rows["via"] == "")
        & (rows["selection"] != SWEEP)
    ]
    tables = []
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        where = f"{dataset}, profile {profile}"
        for name, title, entries, note in (
            ("side-information", "Side information and pretraining (table 4.2)", SIDE, ""),
            ("components", "Autoencoders, latent consistency, noise, pseudo-pairs (table 4.3)", COMPONENTS, NOISE_NOTE),
        ):
            made = [
                _row(entry, mine, published)
                for entry in entries
                for _, mine in part[part["base_method"] == entry.method].groupby("change", sort=True)
            ]
            if len(made) > 1:
                tables.append(_table(f"ablation-{name}-{dataset}-{profile}", f"{title}: {where}", made, note))
    return tables


def _table(name: str, title: str, rows: Sequence[Mapping[str, object]], note: str) -> Table:
    frame = pd.DataFrame(rows)
    published, differences = ([f"{what} {header}" for header in METRICS.values()] for what in (PUBLISHED, DIFFERENCE))
    compared = not frame[published].isna().all(axis=None)
    unused = [*(() if frame["changed"].any() else ("changed",)), *(() if compared else (*published, *differences))]
    return Table(
        name, title, frame, " ".join(filter(None, [note, PUBLISHED_NOTE * compared])),
        formats={**dict.fromkeys([*METRICS.values(), *published], ".1f"), **dict.fromkeys(differences, "+.1f")},
        hidden=("method", *unused),
        better=dict.fromkeys(METRICS.values(), "higher"),
    )  # fmt: skip


def _row(entry: Entry, mine: pd.DataFrame, published: pd.DataFrame) -> dict[str, Any]:
    names = {"method": entry.method, "changed": mine["change"].iloc[0]}
    row: dict[str, Any] = {**names, **entry.cells, "pretrained": YES_NO[_pretrained(mine)]}
    for metric, header in METRICS.items():
        seeds = summary(mine[mine["metric"] == metric].drop_duplicates("seed", keep="last")["value"].to_numpy(float))
        row |= {**seeds.columns(header), "seeds": seeds.seeds}
    for metric, header in METRICS.items():
        theirs = _published(entry, metric, mine, published)
        row |= {f"{PUBLISHED} {header}": theirs, f"{DIFFERENCE} {header}": row[header] - theirs}
    return row


def _pretrained(mine: pd.DataFrame) -> bool:
    return bool(mine["pretrained"].iloc[0] == "True")


def _published(entry: Entry, metric: str, mine: pd.DataFrame, published: pd.DataFrame) -> float:
    """The papers' number of the row with the same switches on the same data set; nan without one."""
    label = entry.published if set(mine["published_dataset"]) == {DATASET} else ""
    if label.startswith("side="):
        label += f", pretrained={YES_NO[_pretrained(mine)]}"
    if not label or published.empty:
        return float("nan")
    found = published[
        (published["source"] == SOURCE)
        & (published["dataset"] == DATASET)
        & (published["label"] == label)
        & (published["metric"] == metric)
    ]
    return float(found["value"].iloc[0]) if len(found) else float("nan")
