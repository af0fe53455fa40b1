"""The papers' tables: the plan of one, and how far each is (what it needs, how long it takes, what is done)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import UserError
from mmbench.planning import config, papers
from mmbench.planning.estimate import Here, Source, Wanted
from mmbench.planning.estimate import estimates as estimated
from mmbench.planning.outlook import finished
from mmbench.planning.papers import PaperTable, found_in, where_to_get
from mmbench.planning.plan import DATA_VARIABLE, Plan, make_plan, named_root
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card
from mmbench.store.folder import CellFolder

MODALITIES = 3  # rgb, depth, segmentation; the data are not opened, and only room goes by it


@dataclass(frozen=True)
class Progress:
    """Of one table.

    Attributes:
        data: what it needs and whether that is here, as a sentence.
        cells, done: how many, parents and judges among them. Done is what has a result, if of older code.
        seconds: that the cells that are not done take one after another, without the preparation of data.
        source: of the worst estimate of them.
        needs_gpu: whether they are of the papers' sizes and there is no GPU.
    """

    data: str
    cells: int
    done: int
    seconds: float
    source: Source
    needs_gpu: bool


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
    """All cards and profiles, read once: many tables share them.

    Args:
        here: where the cells would run.

    Attributes:
        methods, datasets: cards by name.
    """

    def __init__(self, here: Here) -> None:
        self.here = here
        self.methods, self.datasets = catalog.cards("methods"), catalog.cards("datasets")
        self._profiles: dict[tuple[str, str], config.Profile] = {}
        self._configs: dict[tuple[str, str, str], config.MethodConfig] = {}

    def profile(self, name: str, kind: str) -> config.Profile:
        """One profile for one kind of task."""
        if (name, kind) not in self._profiles:
            self._profiles[name, kind] = config.profile(name, kind)
        return self._profiles[name, kind]

    def wanted(self, method: str, profile: str, kind: str, folder: Path) -> Wanted:
        """A method with what is finished of it below its folder."""
        if (method, profile, kind) not in self._configs:
            resolved = config.resolve(self.methods[method], self.profile(profile, kind), kind, {})
            self._configs[method, profile, kind] = resolved
        return Wanted(self.methods[method], method, self._configs[method, profile, kind], finished(folder))


def progress(table: PaperTable, estimates: Estimates, seeds: Sequence[int], runs: Path, root: Path | None) -> Progress:
    """Look at a table's cells in the runs folder and at its data set in the data root (None where none is named)."""
    card, folder = estimates.datasets[table.dataset], runs / table.dataset / table.profile
    profile = estimates.profile(table.profile, card["KIND"])
    cells = cells_of(table, card, estimates.methods, seeds)
    names = list(dict.fromkeys(name for name, _ in cells))
    wanted = [estimates.wanted(name, table.profile, card["KIND"], folder / name) for name in names]
    each = dict(zip(names, estimated(estimates.here, profile, wanted, profile.data.test, MODALITIES), strict=True))
    left = [name for name, seed in cells if CellFolder(folder / name / f"seed-{seed}").state() != "done"]
    return Progress(
        _data(table.dataset, card, root), len(cells), len(cells) - len(left), sum(each[name].seconds for name in left),
        max((each[name].source for name in left), default=Source.FINISHED), estimates.here.lacks_gpu(profile),
    )  # fmt: skip


def cells_of(
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
