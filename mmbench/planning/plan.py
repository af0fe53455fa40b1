"""Methods x seeds on one data set -> cells, each with its key and what it waits for. Imports no torch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.given.files import expect_folder, path_of
from mmbench.given.texts import told
from mmbench.planning import config
from mmbench.planning.listing import listing
from mmbench.planning.overrides import Changes, changed_name, changes_of, dataset_changes, profile_changes
from mmbench.planning.papers import where_to_get
from mmbench.planning.profile import numeric
from mmbench.planning.selection import EVERYTHING, Source, choose_datasets, choose_methods, default_profile, own_label
from mmbench.plugins import catalog, keys, protocol
from mmbench.plugins.catalog import Card
from mmbench.schedule import DataLimits
from mmbench.store import content
from mmbench.store.folder import CellFolder
from mmbench.task import Access

DATA_VARIABLE = "MMBENCH_DATA"
SEEDS = 10**4  # that training draws different numbers for, see ``training/loop.py``


@dataclass(frozen=True)
class Cell:
    """One method (or judge) on one data set in one profile with one seed.

    Attributes:
        dataset, profile, method: their names as the catalog has them, without what ``--set`` changed.
        key: digest of all the result depends on: source, config, data, seed, parent's key. No path enters it.
        card: of the method.
        config: settings and stages.
        overrides: all that ``--set`` gave; each method takes what concerns it.
        changed: the part of them that concerns this cell; the folder's path has the digests.
        parent: the cell this one's weights start from.
        judge: the cell whose classifier scores this one's images.
    """

    dataset: str
    profile: str
    method: str
    seed: int
    key: str
    folder: CellFolder
    card: Card
    config: config.MethodConfig
    overrides: Mapping[str, Any] = field(default_factory=dict)
    changed: Changes = field(default_factory=Changes)
    parent: Cell | None = None
    judge: Cell | None = None

    @property
    def name(self) -> str:
        """``synthetic/laptop/mmnet/seed-0``."""
        return self.folder.name

    @property
    def steps(self) -> int:
        """Of all stages."""
        return self.config.steps

    @property
    def waits_for(self) -> tuple[Cell, ...]:
        """Cells that must be done first."""
        return tuple(cell for cell in (self.parent, self.judge) if cell is not None)


@dataclass(frozen=True)
class DataNeed:
    """What a data set takes.

    Attributes:
        samples: of all parts.
        test: of the test part.
        modalities: how many.
        bytes: of the prepared images.
        prepared_in: name of their folder in the cache folder.
        manifest: what they are, with the content of their files (``store/content.py``).
    """

    samples: int
    test: int
    modalities: int
    bytes: int
    prepared_in: str
    manifest: str


@dataclass(frozen=True)
class Plan:
    """Cells in an order in which each comes after what it waits for, and the methods left out with the reason.

    Attributes:
        dataset, profile_name: their names in the runs folder, with the digest of what ``--set`` changed of them.
        data: what its data set takes.
        root: the folder of the images where one was named, else None.
        found: what the data set says of what was found, such as how much of it is there; may be empty.
    """

    dataset: str
    profile_name: str
    profile: config.Profile
    cells: tuple[Cell, ...]
    data: DataNeed
    skipped: tuple[str, ...] = ()
    root: Path | None = None
    found: str = ""


def named_root() -> Path | None:
    """The data root that the environment names."""
    return path_of(os.environ[DATA_VARIABLE]) if os.environ.get(DATA_VARIABLE) else None


def open_dataset(
    name: str, limits: DataLimits, data_root: Path | None, overrides: Mapping[str, Any] | None = None
) -> Dataset:
    """The adapter of a data set over its root. Raises UserError where data are missing."""
    card = catalog.find("datasets", name)
    settings = config.data_settings(card, overrides or {})
    root = data_root or named_root()
    if not card.get("NEEDS_ROOT", True):
        root = None
    elif root is not None:
        expect_folder(root, "--data-root" if data_root else DATA_VARIABLE)
    elif root is None:
        raise UserError(
            f"data set {name!r} needs its images: give --data-root FOLDER or set {DATA_VARIABLE} "
            f"(get them from {where_to_get(card)})"
        )
    made = catalog.load(card, card["CLASS"])
    with blaming(card, f"cannot be made by {card['CLASS']}(root, limits{', settings' if settings else ''})"):
        adapter: Dataset = made(root, limits, settings) if settings else made(root, limits)
    return adapter


@contextlib.contextmanager
def blaming(card: Card, what: str) -> Iterator[None]:
    """What a data set's own code raises inside becomes a UserError; what is wrong with a file stays an OSError.

    Args:
        what: went wrong then, for the message.
    """
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # no other BaseException: a signal may ask the process to end
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise catalog.blamed(card, what, error) from error


def check_parts(dataset: str, adapter: Dataset, parts: Mapping[str, int]) -> None:
    """Raise UserError where a part of so many images has none, naming what there is."""
    if empty := [part for part, count in parts.items() if not count]:
        there = ", ".join(f"{part} {count}" for part, count in parts.items() if count)
        found = "; ".join(filter(None, [there, adapter.note])) or "none"
        raise UserError(
            f"data set {dataset!r}: no images for {', '.join(empty)} (found: {found}); "
            f"`data verify {dataset}` shows what is there"
        )


def make_plans(
    methods: Sequence[str],
    datasets: Sequence[str],
    profile_name: str | None,
    seeds: Sequence[int],
    runs: Path,
    *,
    suite: str = "",
    data_root: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    planned: dict[str, Path] | None = None,
) -> list[Plan]:
    """One plan per data set asked for (see ``selection.py``); all are checked before anything runs.

    Args:
        planned: folders of own images by the names that earlier plans gave them; theirs are added.
    """
    plans: list[Plan] = []
    planned = {} if planned is None else planned
    profile_name = profile_name or default_profile(bool(datasets))
    for source in choose_datasets(datasets, suite):
        plan = make_plan(
            methods or ([] if suite else [EVERYTHING]), source.card.name, profile_name, seeds, runs,
            suite=suite, data_root=source.root or data_root, overrides=overrides, source=source, planned=planned,
        )  # fmt: skip
        plans.append(plan)
        if source.root is not None:
            planned[plan.dataset.partition("+")[0]] = source.root
    return plans


def make_plan(
    methods: Sequence[str],
    dataset: str,
    profile_name: str,
    seeds: Sequence[int],
    runs: Path,
    *,
    suite: str = "",
    data_root: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    source: Source | None = None,
    planned: Mapping[str, Path] = MappingProxyType({}),
) -> Plan:
    """Plan the cells of a run; parents and judges that the chosen methods wait for are planned with them.

    Args:
        source: what was named in place of the data set, a folder perhaps, which decides its name in the runs folder.
        planned: names of folders that other plans have.
    """
    overrides = overrides or {}
    if wrong := [seed for seed in seeds if not 0 <= seed < SEEDS]:
        raise UserError(f"--seeds {wrong[0]}: expected whole numbers from 0 to {SEEDS - 1}")
    card = catalog.find("datasets", dataset)
    profile = config.profile(profile_name, card["KIND"], config.profile_overrides(overrides))
    chosen, notes = choose_methods(methods, card["KIND"], suite, profile.scale)
    for method, missing in [(method, missing) for method in chosen if (missing := catalog.lacking(method))]:
        if method.name in methods:
            raise UserError(f"{method.name} {missing}")
        chosen.remove(method)
        notes.append(f"{method.name}: left out, it {missing}")
    for method in [method for method in chosen if method.name not in methods]:
        if fault := _fault(method, profile, card["KIND"]):
            chosen.remove(method)
            notes.append(f"{method.name}: cannot be used ({fault})")
    config.check_overrides(chosen, overrides)
    overrides = config.pinned_files(chosen, overrides)
    adapter = open_dataset(dataset, profile.data, data_root, overrides)
    with blaming(card, "cannot be listed"):
        identity = content.identity(adapter)
        listed = listing(adapter, card, identity, profile.size)
        check_parts(dataset, adapter, listed.parts)
        settings, modalities = adapter.settings, len(adapter.task.modalities)
        found = "; ".join(filter(None, [adapter.note, content.remark(adapter)]))
    oracles = [method for method in chosen if Access(method["ACCESS"]) is Access.TRUE_PAIRS]
    if lacking := [name for name, usable in listed.whole.items() if not usable and oracles]:
        for method in oracles:
            line = f"left out, it learns from true pairs, and no training sample of {lacking[0]} has every modality"
            if method.name in methods:
                raise UserError(f"{method.name}: {line.replace('left out', 'cannot run')}")
            notes.append(f"{method.name}: {line}")
        chosen = [method for method in chosen if method not in oracles]
    elif some := [f"{n} of {listed.parts[k]} samples of {k}" for k, n in listed.whole.items() if n < listed.parts[k]]:
        notes += [f"{method.name}: learns from {' and '.join(some)}, which have every modality" for method in oracles]
    names = (
        changed_name(own_label(source, identity, runs, planned) if source else card.name, dataset_changes(overrides)),
        changed_name(profile.name, profile_changes(overrides)),
    )
    maker = _Maker(card, settings, listed.hashes, profile, runs.joinpath(*names), overrides, identity)
    for seed in seeds:
        for method in chosen:
            maker.cell(method, seed)
    need = DataNeed(listed.samples, listed.parts["test"], modalities, listed.bytes, listed.prepared_in, identity)
    return Plan(*names, profile, tuple(maker.cells.values()), need, tuple(notes), data_root, found)


def _fault(method: Card, profile: config.Profile, kind: str) -> str:
    """Why somebody else's method cannot be planned, whatever is asked of it; empty where it can, and of mmbench's own,
    which tests hold to it.
    """
    if catalog.package_folder(method.folder) in method.path.parents:
        return ""
    try:
        config.resolve(method, profile, kind, {})
        keys.source_digest(method.path, method.module)
        parent = method.get("PARENT")
        return _fault(catalog.find("methods", parent), profile, kind) if parent else ""
    except Exception as error:  # whatever its files hold, it takes down itself alone
        return told(error)


class _Maker:
    """Makes cells once each, parents first."""

    def __init__(
        self,
        card: Card,
        settings: Mapping[str, Any],
        split: Mapping[str, str],
        profile: config.Profile,
        folder: Path,
        overrides: Mapping[str, Any],
        identity: str,
    ) -> None:
        self.card, self.profile, self.folder, self.overrides = card, profile, folder, overrides
        self.cells: dict[tuple[str, int], Cell] = {}
        self.data: dict[str, Any] = {
            "manifest": identity,
            "settings": settings,
            "split": split,
            "source": keys.source_digest(card.path, card.module),
        }

    def cell(self, method: Card, seed: int) -> Cell:
        if (method.name, seed) in self.cells:
            return self.cells[method.name, seed]
        parent = self.cell(catalog.find("methods", method["PARENT"]), seed) if method.get("PARENT") else None
        judge = None
        if self.card.get("JUDGE") and method.get("ROLE") != "judge":
            # One judge for all seeds: results of two seeds must not differ by their judge.
            judge = self.cell(catalog.find("methods", self.card["JUDGE"]), 0)
        overrides = config.for_role(method, self.overrides)
        resolved = config.resolve(method, self.profile, self.card["KIND"], overrides)
        changed = changes_of(method, overrides)
        key = keys.digest(
            {
                "source": keys.source_digest(method.path, method.module),
                "protocol": protocol.number(),
                "config": config.as_dict(resolved),
                "profile": numeric(self.profile),
                "data": self.data,
                "seed": seed,
                "parent": parent.key if parent else "",
                "judge": judge.key if judge else "",
            }
        )
        folder = CellFolder(self.folder / changed_name(method.name, changed.method) / f"seed-{seed}")
        cell = Cell(
            self.card.name, self.profile.name, method.name, seed, key, folder, method, resolved,
            overrides, changed, parent, judge,
        )  # fmt: skip
        self.cells[method.name, seed] = cell
        return cell
