"""A whole benchmark: what ``run`` is asked for by a file, by options, or by both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import expect_folder
from mmbench.launching import benchmark_file
from mmbench.launching.benchmark_file import LAUNCHER, LAUNCHERS, PART, RUN, WAY, Part, Values, Way
from mmbench.launching.launcher import LOCAL
from mmbench.launching.scheduler import Options
from mmbench.planning import several
from mmbench.planning.papers import find
from mmbench.planning.plan import Plan, make_plans
from mmbench.planning.tables import plan_table
from mmbench.plugins import catalog
from mmbench.store.processors import check_device, check_precision, cuda_present
from mmbench.typed import build


@dataclass(frozen=True)
class Benchmark:
    """All that is asked for.

    Attributes:
        parts: what cells there are.
        way: how they are done.
        file: where it was read; None for options alone.
        given: keys that options gave.
        launchers: options of the launcher that the file holds, by the launcher's name.
    """

    parts: tuple[Part, ...]
    way: Way
    file: Path | None = None
    given: frozenset[str] = frozenset()
    launchers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def runs(self) -> Path:
        """The results folder."""
        return Path(self.way.runs)

    def called(self, key: str) -> str:
        """A key as messages name it: ``--jobs``, or ``benchmark.toml: jobs``."""
        return _dashed(key) if self.file is None or key in self.given else f"{self.file}: {key}"

    def plans(self) -> list[Plan]:
        """One plan per data set and profile, in the order in which they are asked for; all is checked.

        Raises:
            UserError: as :func:`mmbench.planning.plan.make_plans`, with the file's name in front; or as
                :func:`mmbench.planning.several.check`.
        """
        made: list[Plan] = []
        planned: dict[str, Path] = {}
        for number, part in enumerate(self.parts, start=1):
            try:
                made += self._plans(part, planned)
            except UserError as error:
                if self.file is None:
                    raise
                table = f": [[{RUN}]] {number}" if len(self.parts) > 1 else ""
                beside = " with the options beside it" if self.given & {*PART} else ""
                raise UserError(f"{self.file}{table}{beside}: {error}") from error
        plans = together(made)
        several.check(plans, self.way.gpus_per_cell, self.way.device, here=self.way.launcher == LOCAL)
        return plans

    def options(self, say: Callable[[str], None] = print, threads: int = 0) -> Options:
        """How the scheduler carries it out; ``threads`` are a launcher's."""
        way, cache = self.way, Path(self.way.cache) if self.way.cache else None
        return Options(
            way.jobs, cache, way.device, way.precision, say, way.stall_minutes, threads, way.log, way.gpus_per_cell
        )

    def expect_device(self) -> None:
        """Raise UserError where its cells are to run on this machine, on a GPU that is not here."""
        if self.way.device.startswith("cuda") and not cuda_present():
            raise UserError(f"--device {self.way.device}: no GPU is to be seen here; use --device cpu, or auto")

    def save(self, file: Path) -> None:
        """Write it as a file of which the same cells are planned. Raises UserError where the file is there already."""
        launchers = {} if self.way.launcher_config else self.launchers
        benchmark_file.write(file, self.parts, self.way, launchers)

    def _plans(self, part: Part, planned: dict[str, Path]) -> list[Plan]:
        root = (
            expect_folder(Path(part.data_root), "data_root" if self.file else "--data-root") if part.data_root else None
        )
        if not part.seeds or min(part.seeds) < 0:
            raise UserError(f"seeds: expected whole numbers from 0, such as [0, 1, 2], got {list(part.seeds)}")
        methods = part.methods
        if part.table:
            if named := [_dashed(key) for key in ("methods", "suite") if getattr(part, key)]:
                raise UserError(f"--table {part.table} says which rows: leave {' and '.join(named)} out")
            if not part.dataset:
                profile = part.profile or None
                return [plan_table(part.table, profile, part.seeds, self.runs, data_root=root, overrides=part.set)]
            methods = find(part.table).methods
        return make_plans(
            methods, part.dataset, part.profile or None, part.seeds, self.runs,
            suite=part.suite, data_root=root, overrides=part.set, planned=planned,
        )  # fmt: skip


def together(plans: Sequence[Plan]) -> list[Plan]:
    """Plans of which those on one data set in one profile are one, with each cell once.

    Raises:
        UserError: two of them mean different cells by one name, as where they name two data roots for a data set.
    """
    merged: dict[tuple[str, str], Plan] = {}
    for plan in plans:
        name = plan.dataset, plan.profile_name
        if (other := merged.get(name)) is None:
            merged[name] = plan
            continue
        keys = {cell.name: cell.key for cell in other.cells}
        if differs := [cell.name for cell in plan.cells if keys.get(cell.name, cell.key) != cell.key]:
            raise UserError(f"{differs[0]}: two [[{RUN}]] tables mean different cells by this name; use two files")
        cells = (*other.cells, *(cell for cell in plan.cells if cell.name not in keys))
        merged[name] = replace(other, cells=cells, skipped=tuple(dict.fromkeys((*other.skipped, *plan.skipped))))
    return list(merged.values())


def load(file: Path | None, given: Mapping[str, Any]) -> Benchmark:
    """What a file asks for, and what options ask for beside it.

    An option takes the place of what the file says at its top, ``set`` key by key. Where a ``[[run]]`` table says it,
    an option is refused: for which of the tables it is would not be clear.

    Args:
        given: keys of :class:`Part` and :class:`Way` that are not left to the file or the defaults.

    Raises:
        UserError: no such file, an unknown key or a value that makes no sense in it, an option that is refused.
    """
    values, tables = benchmark_file.read(file) if file else ({}, [])
    for number, table in enumerate(tables, start=1):
        if clash := next((key for key in given if key in table and _clashes(given[key], table[key])), ""):
            raise UserError(f"{_dashed(clash)}: {file} says it in [[{RUN}]] {number}; change it there")
    launchers = values.pop(LAUNCHERS, {})
    changed = {**values.get("set", {}), **given.get("set", {})}
    common: Values = {**values, **given, "set": changed}
    shared = {key: value for key, value in common.items() if key in PART}
    parts = []
    for number, table in enumerate(tables or [{}], start=1):
        where = f"{file}: [[{RUN}]] {number}" if tables else str(file)
        parts.append(build(Part, {**shared, **table, "set": {**changed, **table.get("set", {})}}, where))
    way = build(Way, {key: value for key, value in common.items() if key in WAY}, str(file))
    if LAUNCHER in given and way.launcher not in launchers:
        launchers = {}
    made = Benchmark(tuple(parts), way, file, frozenset(given), launchers)
    for name in way.reports:
        if name not in (known := catalog.cards("reports")):
            raise UserError(f"{made.called('reports')}: no report named {name!r}{did_you_mean(name, known)}")
    _check_way(made)
    return made


def _check_way(made: Benchmark) -> None:
    """Raise UserError for a value that makes no sense, whether a file, an option or Python gave it."""
    way, called = made.way, made.called
    if way.jobs < 0:
        raise UserError(f"{called('jobs')} {way.jobs}: expected 1 or more, or 0 for one per GPU or CPU core")
    if not 0 <= way.stall_minutes < float("inf"):
        raise UserError(f"{called('stall_minutes')} {way.stall_minutes}: expected minutes, or 0 for never")
    check_precision(way.precision, called("precision"))
    check_device(way.device, called("device"))


def _clashes(given: Any, table: Any) -> bool:
    return not isinstance(given, Mapping) or bool(given.keys() & table.keys())


def _dashed(key: str) -> str:
    return f"--{key.replace('_', '-')}"
