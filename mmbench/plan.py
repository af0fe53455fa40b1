"""Methods x seeds on one data set -> cells, each with its key and what it waits for. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import catalog, config, keys
from .catalog import Card
from .dataset import Dataset
from .errors import UserError, did_you_mean
from .results import CellFolder, read_json
from .schedule import DataLimits

# What a profile holds that no number depends on.
RHYTHM = ("title", "log_every", "checkpoint_every", "align_every", "step_ms")
PROTOCOL_FILES = ("train.py", "evaluate.py")
DATA_VARIABLE = "MMBENCH_DATA"


@dataclass(frozen=True)
class Cell:
    """One method (or judge) on one data set in one profile with one seed.

    Attributes:
        key: digest of all the result depends on: source, config, data, seed, parent's key. No path enters it.
        overrides: all that ``--set`` gave; each method takes what concerns it.
        changed: the part of them that concerns this cell or its parents; its digest stands in the folder's name.
        parent: the cell this one's weights start from.
        judge: the cell whose classifier scores this one's images.
    """

    dataset: str
    profile: str
    method: str
    seed: int
    key: str
    folder: CellFolder
    steps: int
    seconds: float
    overrides: Mapping[str, Any] = field(default_factory=dict)
    changed: Mapping[str, Any] = field(default_factory=dict)
    parent: Cell | None = None
    judge: Cell | None = None

    @property
    def name(self) -> str:
        """``synthetic/laptop/mmnet/seed-0``."""
        return "/".join(self.folder.path.parts[-4:])

    @property
    def waits_for(self) -> tuple[Cell, ...]:
        """Cells that must be done first."""
        return tuple(cell for cell in (self.parent, self.judge) if cell is not None)


@dataclass(frozen=True)
class Plan:
    """Cells in an order in which each comes after what it waits for, and the methods left out with the reason."""

    dataset: str
    profile: config.Profile
    cells: tuple[Cell, ...]
    skipped: tuple[str, ...] = ()


def cuda_present() -> bool:
    """Whether an NVIDIA device is visible, told without importing torch."""
    return Path("/dev/nvidiactl").exists() and os.environ.get("CUDA_VISIBLE_DEVICES", "0") not in ("", "-1")


def default_profile(dataset_named: bool) -> str:
    """synthetic/laptop on every machine without arguments; a named data set takes ``short`` where CUDA is present."""
    return "short" if dataset_named and cuda_present() else "laptop"


def open_dataset(
    name: str, limits: DataLimits, data_root: Path | None, overrides: Mapping[str, Any] | None = None
) -> Dataset:
    """The adapter of a data set over its root. Raises UserError where data are missing."""
    card = catalog.find("datasets", name)
    settings = config.data_settings(card, overrides or {})
    root = data_root or (Path(os.environ[DATA_VARIABLE]) if os.environ.get(DATA_VARIABLE) else None)
    if not card.get("NEEDS_ROOT", True):
        root = None
    elif root is None:
        raise UserError(
            f"data set {name!r} needs its images: give --data-root FOLDER or set {DATA_VARIABLE} "
            f"(get them from {card.get('SOURCE', 'their owners')})"
        )
    made = catalog.load(card, card["CLASS"])
    adapter: Dataset = made(root, limits, settings) if settings else made(root, limits)
    return adapter


def choose_methods(wanted: Sequence[str], task_kind: str) -> tuple[list[Card], list[str]]:
    """Cards of the methods asked for (``all`` = every method that can run on this kind of task), and notes.

    Raises:
        UserError: an unknown method, or one that was named but cannot run on this kind of task.
    """
    known = {name: card for name, card in catalog.cards("methods").items() if card.get("ROLE") != "judge"}
    chosen: dict[str, Card] = {}
    notes = []
    for name in wanted:
        if name == "all":
            for card in known.values():
                if card.problem:
                    notes.append(f"{card.name}: cannot be read ({card.problem})")
                elif card.get("IN_ALL", True) and task_kind in card["KINDS"]:
                    chosen.setdefault(card.name, card)
            continue
        if name not in known:
            raise UserError(f"no method named {name!r}{did_you_mean(name, [*known, 'all'])}")
        card = catalog.find("methods", name)
        if task_kind not in card["KINDS"]:
            raise UserError(f"method {name!r} cannot do {task_kind} tasks (it can do {', '.join(card['KINDS'])})")
        chosen.setdefault(name, card)
    return list(chosen.values()), notes


def make_plan(
    methods: Sequence[str],
    dataset: str,
    profile_name: str,
    seeds: Sequence[int],
    runs: Path,
    *,
    data_root: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Plan:
    """Plan the cells of a run; parents and judges that the chosen methods wait for are planned with them."""
    overrides = overrides or {}
    card = catalog.find("datasets", dataset)
    chosen, notes = choose_methods(methods, card["KIND"])
    config.check_overrides(chosen, overrides)
    profile = config.profile(profile_name, card["KIND"], config.profile_overrides(overrides))
    adapter = open_dataset(dataset, profile.data, data_root, overrides)
    for part, ids in adapter.split().parts().items():
        if not ids:
            raise UserError(f"data set {dataset!r}: {part} has no images; `data verify {dataset}` tells what was found")
    maker = _Maker(card, adapter, profile, runs, overrides)
    for seed in seeds:
        for method in chosen:
            maker.cell(method, seed)
    return Plan(dataset, profile, tuple(maker.cells.values()), tuple(notes))


def pace(done: Sequence[Cell]) -> tuple[float, bool]:
    """Seconds that finished cells took over their estimates, and whether any cell says so."""
    took = estimated = 0.0
    for cell in done:
        timing = (read_json(cell.folder.path / "result.json") or {}).get("timing", {})
        took += timing.get("seconds", 0.0)
        estimated += cell.seconds if "seconds" in timing else 0.0
    return (took / estimated, True) if estimated else (1.0, False)


class _Maker:
    """Makes cells once each, parents first."""

    def __init__(
        self, card: Card, adapter: Dataset, profile: config.Profile, runs: Path, overrides: Mapping[str, Any]
    ) -> None:
        self.card, self.profile, self.runs, self.overrides = card, profile, runs, overrides
        self.cells: dict[tuple[str, int], Cell] = {}
        self.data = {
            "manifest": adapter.manifest(),
            "settings": adapter.settings,
            "split": adapter.split().hashes(),
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
        resolved = config.resolve(method, self.profile, self.card["KIND"], self.overrides)
        changed = {k: v for k, v in self.overrides.items() if k.startswith("profile.") and k[8:] not in RHYTHM}
        changed |= {k: v for k, v in self.overrides.items() if k.startswith("data.")}
        changed |= config.own_overrides(method, self.overrides)
        if parent is not None:
            # A child of an overridden parent is another cell than the child of the plain one.
            changed |= parent.changed
        key = keys.digest(
            {
                "source": keys.source_digest(method.path, method.module),
                "protocol": _protocol(),
                "config": config.as_dict(resolved),
                "profile": _numeric(self.profile),
                "data": self.data,
                "seed": seed,
                "parent": parent.key if parent else "",
                "judge": judge.key if judge else "",
            }
        )
        name = method.name + (f"+{keys.digest(changed)[:8]}" if changed else "")
        folder = CellFolder(self.runs / self.card.name / self.profile.name / name / f"seed-{seed}")
        seconds = resolved.steps * self.profile.step_ms / 1000 * float(method.get("COST", 1.0)) + 8.0
        cell = Cell(
            self.card.name, self.profile.name, method.name, seed, key, folder, resolved.steps, seconds,
            self.overrides, changed, parent, judge,
        )  # fmt: skip
        self.cells[method.name, seed] = cell
        return cell


def _numeric(profile: config.Profile) -> Any:
    """The part of a profile that numbers depend on."""
    return {key: value for key, value in config.as_dict(profile).items() if key not in RHYTHM}


def _protocol() -> dict[str, Any]:
    here = Path(__file__).parent
    return {name: catalog.literals(here / name).get("PROTOCOL", 0) for name in PROTOCOL_FILES}
