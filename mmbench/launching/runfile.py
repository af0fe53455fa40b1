"""A run's word on what it plans, in a file that any machine can read: ``<runs>/.runs/<machine>-<process>.json``.

It says the cells with their estimates, how many are done at a time, and where; ``mmbench status`` puts it beside the
states of the cells. A run that ends in an orderly way takes it away again, one that was killed leaves it.

Of cells that were handed to a launcher it has the jobs' ids, and another name: ``<launcher>-<machine>-<process>-<first
job>.json``. Jobs live on without the run that submitted them, and so does the file, until a later run finds them over.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mmbench.errors import UserError
from mmbench.launching.remaining import Remaining
from mmbench.planning.plan import Cell
from mmbench.store.files import read_json, write_json
from mmbench.store.folder import CellFolder
from mmbench.store.living import short_name, started, this_machine
from mmbench.typed import build

FOLDER = ".runs"
JOBS = f"{FOLDER}/jobs"  # below the runs folder: what launchers write
EVERY = 30.0  # seconds between two writings
OPEN = ("absent", "running", "interrupted", "stale")  # states of cells that a run still has to do
SILENT = 180.0  # seconds after which a run of another machine is thought dead; clocks may differ a little


@dataclass(frozen=True)
class Planned:
    """A cell of a run.

    Attributes:
        steps: of all stages.
        seconds: by the plan; 0 where nothing was left to do.
        waits: the names of those that it waits for.
        job: id of the launcher's job for it; empty without one.
    """

    name: str
    key: str
    steps: int
    seconds: float = 0.0
    waits: tuple[str, ...] = ()
    job: str = ""


@dataclass(frozen=True)
class RunFile:
    """What a run says of itself; ``launcher`` is whom it handed its cells to, empty where it does them itself."""

    host: str
    process: int
    machine: str
    started: str
    begun: str
    jobs: int
    cells: tuple[Planned, ...]
    launcher: str = ""

    def lives(self, written: float, runs: Path) -> bool:
        """Whether the run still does, of a file of a runs folder, written at ``written`` seconds of the epoch.

        Jobs live as long as one of their cells is open and can still be done, as far as files tell.
        """
        if self.launcher:
            return any(cell.job for cell in self.left(runs))
        if self.machine == this_machine():
            return bool(self.started) and started(self.process) == self.started
        return time.time() - written < SILENT

    def left(self, runs: Path) -> list[Planned]:
        """Cells that are not done and wait for none that did not work out."""
        states = {cell.name: CellFolder(runs / cell.name).state(cell.key) for cell in self.cells}
        broken = {name for name, state in states.items() if state not in (*OPEN, "done")}
        while more := {cell.name for cell in self.cells if broken & {*cell.waits}} - broken:
            broken |= more
        return [cell for cell in self.cells if states[cell.name] in OPEN and cell.name not in broken]


class Said:
    """Keeps the file of this process; :meth:`end` takes it away.

    Args:
        launcher: whom the cells are handed to; the file is written with the first :meth:`job`.
    """

    def __init__(self, cells: Sequence[Cell], jobs: int, remaining: Remaining | None, launcher: str = "") -> None:
        seconds = remaining.estimates if remaining else {}
        planned = [
            Planned(c.name, c.key, c.steps, seconds.get(c.name, 0.0), tuple(one.name for one in c.waits_for))
            for c in cells
        ]
        host, process, now = socket.gethostname(), os.getpid(), datetime.now(UTC).isoformat(timespec="seconds")
        self.about = RunFile(host, process, this_machine(), started(process), now, jobs, tuple(planned), launcher)
        self.name = "" if launcher else f"{short_name()}-{process}.json"
        self.folders = {cell.folder.path.parents[3] / FOLDER for cell in cells}
        self._due = 0.0
        for folder in self.folders:
            _sweep(folder)

    def job(self, name: str, job: str) -> None:
        """A cell was handed over as a job."""
        cells = tuple(replace(cell, job=job) if cell.name == name else cell for cell in self.about.cells)
        self.about, self._due = replace(self.about, cells=cells), 0.0
        self.name = self.name or f"{self.about.launcher}-{short_name()}-{self.about.process}-{job}.json"
        self.renew()

    def renew(self) -> None:
        """Write it where that is due; a folder that cannot be written stops no run."""
        if self.name and time.monotonic() >= self._due:
            self._due = time.monotonic() + EVERY
            for folder in self.folders:
                with contextlib.suppress(OSError):
                    write_json(folder / self.name, asdict(self.about))

    def end(self) -> None:
        """The run has ended."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                if self.name:
                    (folder / self.name).unlink()
                folder.rmdir()


def _sweep(folder: Path) -> None:
    """Take away what runs of this machine left that were killed."""
    for path, about in _files(folder):
        if not about.launcher and about.machine == this_machine() and not about.lives(0.0, folder.parent):
            with contextlib.suppress(OSError):
                path.unlink()


def said(runs: Path) -> Iterator[tuple[RunFile, bool]]:
    """Of every run: what it says, and whether it lives. What cannot be read is left out."""
    for path, about in _files(runs / FOLDER):
        with contextlib.suppress(OSError):
            yield about, about.lives(path.stat().st_mtime, runs)


def submitted(runs: Path, launcher: str) -> Iterator[tuple[Path, RunFile]]:
    """The files of what was handed to a launcher, by this machine or another one, and what they say."""
    return ((path, about) for path, about in _files(runs / FOLDER) if about.launcher == launcher)


def _files(folder: Path) -> Iterator[tuple[Path, RunFile]]:
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError, ValueError, UserError):
            yield path, build(RunFile, read_json(path) or {}, "a run's file")
