"""A run's word on what it plans, in a file that any machine can read: ``<runs>/.runs/<host>-<process>.json``.

It says the cells with their estimates, how many are done at a time, and where; ``mmbench status`` puts it beside the
states of the cells. A run that ends in an orderly way takes it away again, one that was killed leaves it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mmbench.errors import UserError
from mmbench.launching.remaining import Remaining
from mmbench.planning.plan import Cell
from mmbench.store.files import read_json, write_json
from mmbench.store.living import started, this_machine
from mmbench.typed import build

FOLDER = ".runs"
EVERY = 30.0  # seconds between two writings
SILENT = 180.0  # seconds after which a run of another machine is thought dead; clocks may differ a little


@dataclass(frozen=True)
class Planned:
    """A cell of a run: steps of all stages, seconds by the plan (0: nothing was left to do), and what it waits for."""

    name: str
    key: str
    steps: int
    seconds: float = 0.0
    waits: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunFile:
    """What a run says of itself."""

    host: str
    process: int
    machine: str
    started: str
    begun: str
    jobs: int
    cells: tuple[Planned, ...]

    def lives(self, written: float) -> bool:
        """Whether the run still does, of a file that was written at ``written`` seconds of the epoch."""
        if self.machine == this_machine():
            return bool(self.started) and started(self.process) == self.started
        return time.time() - written < SILENT


class Said:
    """Keeps the file of this process; :meth:`end` takes it away."""

    def __init__(self, cells: Sequence[Cell], jobs: int, remaining: Remaining | None) -> None:
        seconds = remaining.estimates if remaining else {}
        planned = [
            Planned(c.name, c.key, c.steps, seconds.get(c.name, 0.0), tuple(one.name for one in c.waits_for))
            for c in cells
        ]
        host, process, now = socket.gethostname(), os.getpid(), datetime.now(UTC).isoformat(timespec="seconds")
        self.about = RunFile(host, process, this_machine(), started(process), now, jobs, tuple(planned))
        self.folders = {cell.folder.path.parents[3] / FOLDER for cell in cells}
        self._due = 0.0
        for folder in self.folders:
            _sweep(folder)

    def renew(self) -> None:
        """Write it where that is due; a folder that cannot be written stops no run."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + EVERY
            for folder in self.folders:
                with contextlib.suppress(OSError):
                    write_json(folder / self._name, asdict(self.about))

    def end(self) -> None:
        """The run has ended."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                (folder / self._name).unlink()
                folder.rmdir()

    @property
    def _name(self) -> str:
        return f"{self.about.host}-{self.about.process}.json"


def _sweep(folder: Path) -> None:
    """Take away what runs of this machine left that were killed."""
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError, ValueError, UserError):
            about: RunFile = build(RunFile, read_json(path) or {}, "a run's file")
            if about.machine == this_machine() and not about.lives(0.0):
                path.unlink()


def said(runs: Path) -> Iterator[tuple[RunFile, bool]]:
    """Of every run: what it says, and whether it lives. What cannot be read is left out."""
    for path in sorted((runs / FOLDER).glob("*.json")):
        with contextlib.suppress(OSError, ValueError, UserError):
            about: RunFile = build(RunFile, read_json(path) or {}, "a run's file")
            yield about, about.lives(path.stat().st_mtime)
