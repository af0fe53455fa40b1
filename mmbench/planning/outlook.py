"""A plan in time and room: what is done, what each cell takes, what is left of all. Imports no torch."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmbench.planning.estimate import SAMPLE, Estimate, Here, Source, Wanted, estimates, whole
from mmbench.planning.plan import Cell, Plan
from mmbench.store.files import read_json
from mmbench.store.prepared import prepared_samples


@dataclass(frozen=True)
class Outlook:
    """Of one plan.

    Attributes:
        states: of every cell, by name.
        cells: what every cell takes, or still takes where it is begun, done ones too, by name.
        preparation: seconds until the data are prepared; 0 where they are.
        seconds: for all that is left, preparation among it.
        source: of the worst estimate of what is left.
        cache_bytes: that the preparation will write.
        runs_bytes: that the folders of the cells that are left will hold.
    """

    states: Mapping[str, str]
    cells: Mapping[str, Estimate]
    preparation: float
    seconds: float
    source: Source
    cache_bytes: int
    runs_bytes: int


def look(plan: Plan, here: Here, jobs: int, cache: Path) -> Outlook:
    """How a plan stands in the runs and cache folders, and how long the rest takes with ``jobs`` cells at a time."""
    states = {cell.name: cell.folder.state(cell.key) for cell in plan.cells}
    left = [cell for cell in plan.cells if states[cell.name] != "done"]
    methods = wanted(plan.cells)
    made = estimates(here, plan.profile, methods.values(), plan.data.test, plan.data.modalities)
    by_method = dict(zip(methods, made, strict=True))
    cells = {cell.name: _still(by_method[method_folder(cell)], cell, states[cell.name]) for cell in plan.cells}
    samples = plan.data.samples
    lacking = samples - prepared_samples(cache, plan.data.prepared_in, samples) if left else 0
    preparation = lacking * here.machine.samples.get(sample_key(plan), SAMPLE)
    places = {cell.name: position for position, cell in enumerate(left)}
    waits = [[places[one.name] for one in cell.waits_for if one.name in places] for cell in left]
    return Outlook(
        states, cells, preparation,
        preparation + whole([cells[cell.name].seconds for cell in left], waits, min(jobs, max(1, len(left)))),
        max((cells[cell.name].source for cell in left), default=Source.FINISHED),
        plan.data.bytes * lacking // samples,
        sum(cells[cell.name].bytes for cell in left),
    )  # fmt: skip


def _still(whole: Estimate, cell: Cell, state: str) -> Estimate:
    """What a cell still takes of its steps. What is saved of another key, or damaged, is not gone on with."""
    if state in ("done", "absent", "stale", "damaged") or cell.folder.told("cell.json").get("key") != cell.key:
        return whole
    saved = min(cell.folder.saved_step(), cell.steps) / max(cell.steps, 1)
    return replace(whole, seconds=whole.seconds * (1 - saved))


def wanted(cells: Sequence[Cell]) -> dict[Path, Wanted]:
    """Each method of some cells once, with all that is finished of it, whatever the seed; by its folder."""
    made: dict[Path, Wanted] = {}
    for cell in cells:
        folder = method_folder(cell)
        if folder not in made:
            made[folder] = Wanted(cell.card, folder.name, cell.config, finished(folder))
    return made


def finished(folder: Path) -> list[dict[str, Any]]:
    """The ``result.json`` of every seed below a method's folder; damaged ones are left out."""
    found = []
    for path in sorted(folder.glob("seed-*/result.json")):
        with contextlib.suppress(ValueError):
            if ".old-" not in path.parent.name and (result := read_json(path)) is not None:
                found.append(result)
    return found


def method_folder(cell: Cell) -> Path:
    """Where the seeds of a cell's method lie."""
    return cell.folder.path.parent


def sample_key(plan: Plan) -> str:
    """Under which the time to prepare a sample is kept."""
    return f"{plan.dataset}/{plan.profile.size}"
