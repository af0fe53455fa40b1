"""The leaderboard: every method on every data set, and for each data set and profile the places.

``standings.py`` says what is ranked with what. ``docs/leaderboard.md`` is made of the committed tables by ``python -m
mmbench.publishing.leaderboard``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from mmbench.reporting import STD, Listed, Results, Table

from . import cost_table, depth_table, domain_table, image_table, provenance, segmentation_table
from .prior_level import BELOW, NOTE, note
from .standings import COSTS, VERSION, Board, boards

NAME = "leaderboard"
TITLE = "Leaderboard: every method on every data set"

SOURCES = (segmentation_table, depth_table, image_table, domain_table, cost_table, provenance)
KINDS = {
    "cross-modal": "translations between modalities",
    "cross-channel": "translations between channels",
    "cross-domain": "translations between unpaired domains",
}
RULE = (
    "Places are among baselines and zero-pair methods trained in one profile, on the same images and splits (data) and "
    "with the same code; scores that print alike share one. Neighbours may be within the noise of their seeds."
)
WIDE = "A cell has the main score and, in brackets, the place; it is empty where a method has not been run."
SIGN = "†"
LOW = f"{SIGN}: {NOTE.format('the main score')}"
CHANGED = "What --set changed stands in the tables of places alone."
HEAD = (
    "Means over seeds ± standard deviation. Training of a method that starts from another's cell is its own part only."
)
APART = "Rows below different headings are not ranked with each other."


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """A table per kind of task with a column per data set, and one per data set and profile with places and costs."""
    made = [
        item
        for module in SOURCES
        for item in (results.made_by(module.NAME) if results.made_by else module.build(results, published))
    ]
    found = boards({item.name: item.frame for item in made if isinstance(item, Table)})
    return tables(found, results.known_methods, results.known_datasets) if found else []


def tables(found: Sequence[Board], methods: Sequence[Listed], datasets: Sequence[Listed]) -> list[Table]:
    """The tables of some standings, those over all data sets first; ``methods`` and ``datasets`` are all there are."""
    wide = []
    for kind, title in KINDS.items():
        mine = [board for board in found if _kind(board, datasets) == kind]
        listed = [method for method in methods if kind in method.kinds]
        if mine or listed:
            empty = [dataset.name for dataset in datasets if kind in dataset.kinds]
            wide.append(_overview(kind, f"{TITLE}, {title}", mine, listed, empty))
    return [*wide, *map(_places, found)]


def _kind(board: Board, datasets: Sequence[Listed]) -> str:
    """The kind of task; of a data set that is not listed, such as a folder of own images, by its scores."""
    known = {dataset.name: dataset.kinds[0] for dataset in datasets}
    by_scores = "cross-domain" if " → " not in board.arrow else "cross-modal"
    return known.get(board.dataset.partition("+")[0], by_scores)


def _overview(
    kind: str, title: str, found: Sequence[Board], methods: Sequence[Listed], datasets: Iterable[str]
) -> Table:
    """A row per method and a column per board, or per data set that has none."""
    titles = {method.name: method.title for method in methods}
    for board in found if not methods else ():
        titles |= dict(zip(board.rows["name"], board.rows["method"], strict=True))
    frame = pd.DataFrame({"method": list(titles.values()), "name": list(titles)})
    for dataset in dict.fromkeys([*datasets, *(board.dataset for board in found)]):
        mine = {_heading(board): _cells(board) for board in found if board.dataset == dataset}
        there = {heading: cells for heading, cells in mine.items() if cells.keys() & titles.keys()}
        for heading, cells in (there or {dataset: {}}).items():
            frame[heading] = [cells.get(name, "") for name in titles]
    changed = [name for board in found for name in board.rows["name"] if name not in titles]
    below = any((board.rows["mark"] == BELOW).any() for board in found)
    said = " ".join(filter(None, [WIDE, RULE, CHANGED if changed else "", LOW if below else ""]))
    return Table(f"{NAME}-{kind}", title, frame, said, detail=True)


def _heading(board: Board) -> str:
    return ", ".join(filter(None, [board.dataset, board.profile, board.series]))


def _cells(board: Board) -> Mapping[str, str]:
    """Each method's main score with its place, as text."""
    rows, spec = board.rows, board.main.spec
    columns = (rows[name].tolist() for name in ("name", board.main.header, board.main.header + STD, "rank", "mark"))
    made = {}
    for name, value, spread, rank, mark in zip(*columns, strict=True):
        if np.isfinite(value):
            shown = format(value, spec) + (f" ± {format(spread, spec)}" if np.isfinite(spread) else "")
            made[name] = shown + (f" ({rank:.0f})" if np.isfinite(rank) else "") + (SIGN if mark == BELOW else "")
    return made


def _places(board: Board) -> Table:
    scores = [metric for metric in (board.main, board.second) if metric is not None]
    shown = [metric.header + end for metric in scores for end in ("", STD)]
    rows = board.rows.reindex(columns=["rank", "method", "name", "group", *shown, "seeds", *COSTS, "mark", *VERSION])
    versions = rows[list(VERSION)].drop_duplicates().to_numpy().tolist()
    rows = rows.assign(version=[f"data {data or 'not known'}, code {code or 'not known'}" for data, code in
                                rows[list(VERSION)].to_numpy().tolist()])  # fmt: skip
    rows.insert(0, "profile", board.profile)
    rows.insert(0, "dataset", board.dataset)
    lead = f"{NAME}-{board.series}" if board.series else NAME
    series = f" ({board.series})" if board.series else ""
    return Table(
        name=f"{lead}-{board.dataset}-{board.profile}",
        title=f"Places: {board.arrow}: {board.dataset}, profile {board.profile}{series}",
        frame=rows,
        note=" ".join(filter(None, [HEAD, APART if len(versions) > 1 else "", note(rows, board.main.header)])),
        group_column="version",
        formats={"rank": ".0f", "seeds": ".0f", **COSTS, **{metric.header: metric.spec for metric in scores}},
        headers={"rank": "place", "mark": "note"},
        hidden=("dataset", "profile", *VERSION, *([] if (rows["group"] != "").any() else ["group"])),
        detail=True,
    )
