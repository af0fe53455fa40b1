"""Carry out plans through a launcher: every cell is handed over at once, behind those that it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mmbench.launching.claims import by_longest_path, failed_at
from mmbench.launching.ends import Outcome
from mmbench.launching.launcher import Launcher, Work
from mmbench.launching.remaining import Remaining
from mmbench.launching.runfile import Said, submitted
from mmbench.launching.scheduler import FINE, Options, settle
from mmbench.planning.order import order_of
from mmbench.planning.plan import Cell, Plan

LOOK_EVERY = 1.0  # seconds between two looks at the folders and the jobs
LATE = 5.0  # seconds after a job's end in which its folder may still change, as this machine sees it


class Queue:
    """The cells of some plans as jobs of a launcher.

    Jobs that an earlier run has submitted for the same cells and that are not over are taken up, not doubled.

    Args:
        name: of the launcher.
        runs: the runs folder of the plans.
    """

    def __init__(
        self, plans: Sequence[Plan], options: Options, launcher: Launcher, name: str, runs: Path,
        remaining: Remaining | None = None,
    ) -> None:  # fmt: skip
        self.launcher, self.name, self.runs = launcher, name, runs
        self.say: Callable[[str], None] = options.say
        self.options, self.planned = options, [cell for plan in plans for cell in plan.cells]
        self.roots = {cell.name: plan.root for plan in plans for cell in plan.cells}
        self.seconds = remaining.estimates if remaining else {}
        self.ends: dict[str, Outcome] = {}
        self.jobs: dict[str, str] = {}
        self.waiting = by_longest_path(self.planned, self.seconds)
        self._said = Said(self.planned, len(self.planned), remaining, name)
        self._began: dict[str, float] = {}
        self._failed = {cell.name: failed_at(cell) for cell in self.planned}
        self._over: dict[str, float] = {}

    def works(self) -> list[Work]:
        """What a launcher would be asked for, without the jobs that it waits for."""
        return [self._work(cell) for cell in self.waiting]

    def submit(self) -> list[str]:
        """Hand over every cell that is not done. Returns the jobs' ids.

        Where one is not taken, or on Ctrl-C, those before it are stopped, and the error goes on.
        """
        self.waiting = settle(self.waiting, self.ends, self.say)
        taken_up, old = self._earlier()
        made: list[str] = []
        try:
            for cell in self.waiting:
                job = taken_up.pop(cell.name, "")
                if job and any(self.jobs.get(one.name) in made for one in cell.waits_for):
                    self.launcher.stop(job)  # it waits for another job of its parent, which has not done it
                    job = ""
                if job:
                    self.say(f"{cell.name}: is job {job} already")
                else:
                    job = self.launcher.start(self._work(cell))
                    made.append(job)
                self.jobs[cell.name] = job
                self._said.job(cell.name, job)
        except BaseException:
            for job in reversed(made):
                self.launcher.stop(job)
            self._said.end()
            raise
        for path in old:
            if path.name != self._said.name:
                path.unlink(missing_ok=True)
        return list(self.jobs.values())

    def watch(self) -> list[Outcome]:
        """Wait until every cell has ended; returns how, in the order of the plans. Ctrl-C stops all jobs."""
        try:
            while self.waiting:
                self._look()
                if self.waiting:
                    time.sleep(LOOK_EVERY)
        except KeyboardInterrupt:
            for cell in reversed(self.waiting):
                self.launcher.stop(self.jobs[cell.name])
                word = cell.folder.saved_of(cell.steps)
                self.say(f"{cell.name}: job {self.jobs[cell.name]} is stopped, {word}")
            raise
        finally:
            self._said.end()
        return [self.ends[cell.name] for cell in self.planned]

    def _look(self) -> None:
        for cell in list(self.waiting):
            outcome = self._ended(cell)
            if outcome is None:
                continue
            self.waiting.remove(cell)
            self.ends[cell.name] = outcome
            self.say(outcome.line)
            if outcome.state == "blocked":
                self.launcher.stop(self.jobs[cell.name])

    def _ended(self, cell: Cell) -> Outcome | None:
        """How a cell ended, as its folder says once its job is over; None before."""
        broken = [
            self.ends[c.name] for c in cell.waits_for if c.name in self.ends and self.ends[c.name].state not in FINE
        ]
        if broken:
            return Outcome(cell, "blocked", message=f"waits for {broken[0].cell.name}, {broken[0].state}")
        now = time.monotonic()
        state, about = cell.folder.look(cell.key)
        if state == "running" and cell.name not in self._began:
            self._began[cell.name] = now
            self.say(f"{cell.name}: runs as job {self.jobs[cell.name]}")
        passed = now - self._began.get(cell.name, now)
        if state == "done":
            return Outcome(cell, "done", passed)
        if not (word := self.launcher.poll(self.jobs[cell.name])):
            self._over.pop(cell.name, None)
            return None
        if now - self._over.setdefault(cell.name, now) < LATE:
            return None
        before = state != "damaged" and failed_at(cell) == self._failed[cell.name]
        if state in ("failed", "diverged", "damaged") and not before:
            return Outcome(cell, "failed" if state == "damaged" else state, passed, str(about.get("reason", "")))
        message = f"its job {self.jobs[cell.name]}: {word}"
        if said := cell.folder.word():
            message += f"; {said}"
        return Outcome(cell, "interrupted", passed, message)

    def _work(self, cell: Cell) -> Work:
        order = order_of(
            cell, data_root=self.roots[cell.name], cache_folder=self.options.cache_folder,
            device=self.options.device, precision=self.options.precision,
            threads=max(1, self.launcher.threads // self.options.gpus_per_cell),
            log=self.options.log, processes=self.options.gpus_per_cell,
        )  # fmt: skip
        after = tuple(self.jobs[one.name] for one in cell.waits_for if one.name in self.jobs)
        gpus = 1 if self.options.device == "cpu" else self.options.gpus_per_cell
        return Work(cell.name, order.to_json(), self.seconds.get(cell.name, 0.0), after, gpus)

    def _earlier(self) -> tuple[dict[str, str], list[Path]]:
        """Cell -> job that is not over, of earlier runs; the files of runs whose jobs are all among these, or over."""
        wanted = {(cell.name, cell.key) for cell in self.waiting}
        found: dict[str, str] = {}
        old: list[Path] = []
        for path, about in submitted(self.runs, self.name):
            alive = [cell for cell in about.cells if cell.job and not self.launcher.poll(cell.job)]
            found |= {cell.name: cell.job for cell in alive if (cell.name, cell.key) in wanted}
            if all((cell.name, cell.key) in wanted for cell in alive):
                old.append(path)
        return found, old
