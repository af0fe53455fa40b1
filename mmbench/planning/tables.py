"""The papers' tables: the plan of one, and how far each is (what it needs, how long it takes, what is done)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import UserError
from mmbench.planning import config, papers
from mmbench.planning.papers import PaperTable, found_in, where_to_get
from mmbench.planning.plan import DATA_VARIABLE, Plan, estimated_seconds, make_plan, named_root
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card
from mmbench.store.folder import CellFolder


@dataclass(frozen=True)
class Progress:
    """Of one table.

    Attributes:
        data: what it needs and whether that is here, as a sentence.
        cells, done: how many, parents and judges among them. Done is what has a result, if of older code.
        hours: that the cells that are not done take one after another.
        measured: whether ``hours`` goes by the cells done here; else by the hardware that the profile is meant for.
    """

    data: str
    cells: int
    done: int
    hours: float
    measured: bool


def plan_table(
    name: str,
    profile: str | None,
    seeds: Sequence[int],
    runs: Path,
    *,
    data_root: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Plan:
    """The cells of one table: all its rows on its data set, in its profile unless another is named.

    Raises:
        UserError: an unknown table, or data that are not there: which, how large, from where.
    """
    table = papers.find(name)
    root = data_root or named_root()
    card = catalog.find("datasets", table.dataset)
    need = f"{name} needs {table.dataset}: get it from {where_to_get(card)}"
    if root is None and card.get("NEEDS_ROOT", True):
        raise UserError(f"{need}, and give --data-root FOLDER or set {DATA_VARIABLE}")
    named = profile or table.profile
    try:
        return make_plan(table.methods, table.dataset, named, seeds, runs, data_root=data_root, overrides=overrides)
    except UserError:
        # What its folders are called is a guess for the listing; whether the data are there, their adapter knows.
        if root is None or found_in(table.dataset, root) is not False:
            raise
        known = papers.papers().data[table.dataset].found_by
        raise UserError(f"{need}; {root} has none of {', '.join(known)}") from None


class Estimates:
    """All cards, read once, and the seconds that cells take: many tables share their rows.

    Attributes:
        methods, datasets: cards by name.
    """

    def __init__(self) -> None:
        self.methods, self.datasets = catalog.cards("methods"), catalog.cards("datasets")
        self._profiles: dict[tuple[str, str], config.Profile] = {}
        self._seconds: dict[tuple[str, str, str], float] = {}

    def seconds(self, method: str, profile: str, kind: str) -> float:
        """Of one cell, on the hardware that the profile is meant for."""
        if (method, profile, kind) not in self._seconds:
            if (profile, kind) not in self._profiles:
                self._profiles[profile, kind] = config.profile(profile, kind)
            resolved = config.resolve(self.methods[method], self._profiles[profile, kind], kind, {})
            seconds = estimated_seconds(self.methods[method], self._profiles[profile, kind], resolved)
            self._seconds[method, profile, kind] = seconds
        return self._seconds[method, profile, kind]


def progress(table: PaperTable, estimates: Estimates, seeds: Sequence[int], runs: Path, root: Path | None) -> Progress:
    """Look at a table's cells in the runs folder and at its data set in the data root (None where none is named)."""
    card = estimates.datasets[table.dataset]
    wanted = {
        (name, seed): estimates.seconds(name, table.profile, card["KIND"])
        for name, seed in _cells(table, card, estimates.methods, seeds)
    }
    took = expected = left = 0.0
    done = 0
    for (name, seed), seconds in wanted.items():
        state, result = CellFolder(runs / table.dataset / table.profile / name / f"seed-{seed}").look()
        if state != "done":
            left += seconds
            continue
        done += 1
        if "seconds" in (timing := result.get("timing", {})):
            took, expected = took + timing["seconds"], expected + seconds
    slowdown = took / expected if expected else 1.0
    return Progress(_data(table.dataset, card, root), len(wanted), done, slowdown * left / 3600, bool(expected))


def _cells(
    table: PaperTable, dataset: Card, methods: Mapping[str, Card], seeds: Sequence[int]
) -> dict[tuple[str, int], None]:
    """Methods and seeds, with the parents and the judge that a plan adds."""
    cells: dict[tuple[str, int], None] = {}
    for seed in seeds:
        for name in table.methods:
            while name:
                cells[name, seed] = None
                name = methods[name].get("PARENT", "")
    if judge := dataset.get("JUDGE"):
        cells[judge, 0] = None
    return cells


def _data(name: str, card: Card, root: Path | None) -> str:
    if not card.get("NEEDS_ROOT", True):
        return f"{name}, embedded"
    need = f"{name}, from {where_to_get(card)}"
    if root is None:
        return f"{need}; not looked for"
    here = found_in(name, root)
    if here is None:
        return f"{need}; not looked for"
    return f"{name}, found in {root}" if here else f"{need}; not found in {root}"
