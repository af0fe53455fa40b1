"""Several runs on one folder, by the clock: ``python -m benchmarks.sharing [--runs 2x2,8x1] [--seconds 60]``.

Cells sleep for a known time instead of training, so that any number of them fits a small machine. The *work* is how
long their processes lived: the sleep, and beside it start and end of the interpreter and the scoring, which take long
where many start at once on few cores. ``8x1`` are eight runs with ``--jobs 1``. Locks are those of one file system or,
with ``hosts``, those that each machine sees alone: every run then has a bindfs mount of the folder, a host name and
numbers of processes of its own (as root).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from benchmarks.sharing.methods.sleeper import DIARY, NAME
from mmbench.errors import UserError
from mmbench.store.living import started

PLUGINS = Path(__file__).parent
LOCKS = ("shared", "hosts")
STEPS = 4
LOOK_EVERY = 0.2  # seconds between two looks at the processes
HOST = 'hostname "$0" && exec "$@"'
APART = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "sh", "-c", HOST)


@dataclass(frozen=True)
class Shared:
    """What some runs made of one folder.

    Attributes:
        runs, jobs: how many runs, and ``--jobs`` of each.
        locks: ``shared`` or ``hosts``.
        cells: that were planned; done: of which there is a result; begun: trainings that began.
        sleep, work: seconds of all cells together, asleep and as their processes lived.
        took: seconds from the start of the first run to the end of the last one, with their plans and reports.
    """

    runs: int
    jobs: int
    locks: str
    cells: int
    done: int
    begun: int
    sleep: float
    work: float
    took: float

    @property
    def once(self) -> bool:
        """Whether each cell was done, and begun once."""
        return self.cells == self.done == self.begun

    def row(self) -> dict[str, object]:
        """For the table."""
        slots = self.runs * self.jobs
        count = "yes" if self.once else f"no: {self.done} done, {self.begun} begun"
        return {
            "runs": self.runs, "jobs": self.jobs, "locks": self.locks, "cells": self.cells, "each once": count,
            "sleep / jobs (s)": self.sleep / slots, "work / jobs (s)": self.work / slots, "took (s)": self.took,
            "over the work (%)": 100 * (self.took * slots / self.work - 1) if self.work else 0.0,
        }  # fmt: skip


class Lives:
    """Adds up, while it is entered, how long the processes of cells live that have ``mark`` in their environment.

    Attributes:
        seconds: of those that have ended.
    """

    def __init__(self, mark: str) -> None:
        self.mark, self.seconds = mark.encode(), 0.0
        self._over = threading.Event()
        self._alive: dict[tuple[str, str], float] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Lives:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            self._look()

    def _look(self) -> None:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        before, self._alive = self._alive, dict(self._found())
        self.seconds += sum(now - born for cell, born in before.items() if cell not in self._alive)

    def _found(self) -> Iterator[tuple[tuple[str, str], float]]:
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                is_cell = b"mmbench.cell" in (entry / "cmdline").read_bytes()
                if is_cell and self.mark in (entry / "environ").read_bytes() and (ticks := started(entry.name)):
                    yield (entry.name, ticks), float(ticks) / os.sysconf("SC_CLK_TCK")


def share(folder: Path, runs: int, jobs: int, locks: str, seconds: float, rounds: int) -> Shared:
    """Start all runs at once on an empty folder, and wait for them; ``rounds`` cells for each job.

    Raises:
        UserError: a run has failed, with its last line.
    """
    shared, diary, cells = folder / "shared", folder / "diary", rounds * runs * jobs
    shared.mkdir(parents=True)
    diary.touch()
    with ExitStack() as stack:
        places = [
            stack.enter_context(mounted(shared, folder / f"host-{number}")) if locks == "hosts" else shared
            for number in range(runs)
        ]
        lives = stack.enter_context(Lives(str(diary)))
        began = time.monotonic()
        logs = [stack.enter_context((folder / f"run-{number}.log").open("w+")) for number in range(runs)]
        started = []
        for number, (place, log) in enumerate(zip(places, logs, strict=True)):
            command = [
                *((*APART, f"host-{number}") if locks == "hosts" else ()), sys.executable, "-m", "mmbench", "run",
                "--methods", NAME, "--profile", "smoke", "--seeds", ",".join(map(str, range(cells))),
                "--set", f"seconds={seconds}", "--set", f"profile.steps={STEPS}", "--jobs", str(jobs),
                "--device", "cpu", "--reports", "provenance", "--runs", str(place),
                "--cache", str(folder.parent / "cache"),
            ]  # fmt: skip
            environment = {**os.environ, "MMBENCH_PLUGINS": str(PLUGINS), DIARY: str(diary)}
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT))
        codes = [process.wait() for process in started]
        took = time.monotonic() - began
        for code, log in zip(codes, logs, strict=True):
            if code:
                log.seek(0)
                raise UserError(f"a run ended with code {code}: {log.read().strip().splitlines()[-1:]}")
    done = len(list(shared.glob("*/*/*/seed-*/result.json")))
    begun = len(diary.read_text().splitlines())
    return Shared(runs, jobs, locks, cells, done, begun, cells * seconds, lives.seconds, took)


@contextmanager
def mounted(folder: Path, place: Path) -> Iterator[Path]:
    """Within, ``place`` is the same folder with locks of its own."""
    place.mkdir()
    subprocess.run(["bindfs", str(folder), str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def lacking(locks: Sequence[str]) -> str:
    """Why hosts cannot be emulated here, where they are asked for; empty where they can."""
    if "hosts" not in locks:
        return ""
    if os.geteuid() != 0:
        return "needs root"
    missing = [f"no {name}" for name in ("bindfs", "unshare", "umount") if shutil.which(name) is None]
    return ", ".join([*missing, *(() if Path("/dev/fuse").exists() else ("no /dev/fuse",))])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each number of runs and each kind of locks. Returns 1 where a cell was not done once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", default="2x2,8x1", help="runs x jobs of each, comma-separated")
    parser.add_argument("--locks", default=",".join(LOCKS))
    parser.add_argument("--seconds", type=float, default=60.0, help="of sleep in each cell")
    parser.add_argument("--rounds", type=int, default=3, help="cells for each job")
    options = parser.parse_args(arguments)
    sizes = [re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text) for text in options.runs.split(",")]
    locks = options.locks.split(",")
    if not all(sizes) or not set(locks) <= set(LOCKS) or options.seconds < 0 or options.rounds < 1:
        known = f"--locks of {', '.join(LOCKS)}, --seconds from 0, --rounds from 1"
        print(f"expected --runs such as 2x2,8x1, {known}", file=sys.stderr)
        return 2
    if why := lacking(locks):
        print(f"--locks hosts: {why}", file=sys.stderr)
        return 2
    made: list[Shared] = []
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        try:
            share(folder / "first", 1, 1, "shared", 0.0, 1)  # prepares the images
            for kind in locks:
                for size in filter(None, sizes):
                    name = folder / f"{kind}-{size[0]}"
                    made.append(share(name, int(size[1]), int(size[2]), kind, options.seconds, options.rounds))
                    print(f"{name.name}: {made[-1].took:.0f} s", file=sys.stderr, flush=True)
        except UserError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            if made:
                print(tabulate([one.row() for one in made], headers="keys", floatfmt=".0f"))
    return 0 if all(one.once for one in made) else 1


if __name__ == "__main__":
    sys.exit(main())
