"""Who does a cell: of several runs that work on one folder, the one that takes its lock.

A run takes the lock before it starts the cell's process, and hands it over. What another run holds stays waiting, so
that both go on with what is free, and each cell is done once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from mmbench.errors import UserError
from mmbench.given.texts import told
from mmbench.launching.ends import Outcome
from mmbench.planning.plan import Cell
from mmbench.store.folder import FAILED, PROGRESS
from mmbench.store.lock import Lock

EVERY = 1.0  # seconds between two looks at a cell that another run holds


class Claims:
    """Takes cells for one run.

    Args:
        cells: of all that the run plans, before it begins.
        say: shows a line to the user.
    """

    def __init__(self, cells: Iterable[Cell], say: Callable[[str], None]) -> None:
        self.say = say
        self._failures = {cell.name: failed_at(cell) for cell in cells}
        self._again: dict[str, float] = {}

    def take(self, cell: Cell) -> Lock | Outcome | None:
        """A cell's lock, for this run to do it now; how it ended in another run; None: to be asked again.

        A cell that failed in another run since this one began is not tried a second time; what is damaged is.
        """
        now = time.monotonic()
        if now < self._again.get(cell.name, 0.0):
            return None
        try:
            cell.folder.make_room()
            lock = cell.folder.lock()
            if not lock.take(wait=False):
                if cell.name not in self._again:
                    self.say(f"{cell.name}: {_holder(cell)} works on it")
                self._again[cell.name] = now + EVERY
                return None
        except (OSError, UserError) as error:
            return Outcome(cell, "failed", message=told(error))
        state = cell.folder.state(cell.key)
        if state == "done":
            ended = Outcome(cell, "found done")
        elif state != "damaged" and failed_at(cell) not in (None, self._failures[cell.name]):
            ended = _failed(cell)
        else:
            return lock
        lock.release()
        return ended


def by_longest_path(cells: Iterable[Cell], seconds: Mapping[str, float] | None = None) -> list[Cell]:
    """Cells with those first whose own time and that of the longest chain waiting for them is the longest.

    Each comes after what it waits for, as in a plan: its path is a part of that one's.

    Args:
        seconds: estimates by the cells' names, 0 for one that is not there; without any, steps count.
    """
    cells = list(cells)
    children: dict[str, list[Cell]] = {cell.name: [] for cell in cells}
    for cell in cells:
        for needed in cell.waits_for:
            children.setdefault(needed.name, []).append(cell)
    paths: dict[str, float] = {}

    def path(cell: Cell) -> float:
        if cell.name not in paths:
            own = cell.steps if seconds is None else seconds.get(cell.name, 0.0)
            paths[cell.name] = own + max((path(child) for child in children[cell.name]), default=0.0)
        return paths[cell.name]

    return sorted(cells, key=path, reverse=True)


def failed_at(cell: Cell) -> int | None:
    """When it was written that the cell failed, in the file system's own count; None where it was not."""
    try:
        return (cell.folder.path / FAILED).stat().st_mtime_ns
    except OSError:
        return None


def _failed(cell: Cell) -> Outcome:
    about = cell.folder.told(FAILED)
    return Outcome(cell, str(about.get("state", "failed")), message=f"in another run: {about.get('reason', '')}")


def _holder(cell: Cell) -> str:
    about = cell.folder.told(PROGRESS)
    where = f" ({about['host']}, process {about['process']})" if {"host", "process"} <= about.keys() else ""
    return f"another run{where}"
