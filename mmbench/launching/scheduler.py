"""Carry out a plan: one subprocess per cell, some at a time, each cell once, with progress for people."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from mmbench.planning.plan import Cell, Plan
from mmbench.planning.selection import cuda_present

PLAIN_EVERY = 60.0  # seconds between progress lines where there is no terminal

EXIT_OUTCOMES = {0: "done", 1: "failed", 2: "failed", 3: "diverged"}


@dataclass(frozen=True)
class Outcome:
    """How a cell ended: done, found done, failed, diverged, blocked or interrupted (its process was killed)."""

    cell: Cell
    state: str
    seconds: float = 0.0
    message: str = ""


@dataclass
class Options:
    """How to carry out a plan.

    Attributes:
        jobs: cells at a time; the CPU's cores are divided between them, GPUs handed out in turn. 0 means one per GPU
            or, without GPUs, one per core with one thread each: a cell's numbers depend on its number of threads in the
            last bits, and so a cell run alone equals the same cell run among others.
        cache_folder: where images are decoded to.
        device, precision: ``auto`` or what to use.
    """

    jobs: int = 0
    cache_folder: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    say: Callable[[str], None] = field(default=print)

    def slots(self, cells: int) -> tuple[int, int]:
        """Cells at a time and CPU threads for each."""
        cores = usable_cores()
        if self.jobs:
            return self.jobs, max(1, cores // self.jobs)
        if self.device.startswith("cuda") or (self.device == "auto" and cuda_present()):
            jobs = max(1, min(len(visible_gpus()), cells))
            return jobs, max(1, cores // jobs)
        return max(1, min(cores, cells)), 1


def usable_cores() -> int:
    """CPU cores that this process may use (a batch system may give fewer than the machine has)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus() -> list[str]:
    """NVIDIA devices that cells may be given, as CUDA_VISIBLE_DEVICES names them."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [gpu for gpu in named.split(",") if gpu]
    return [str(i) for i in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]


def execute(plan: Plan, options: Options) -> list[Outcome]:
    """Do every cell of a plan that is not done yet, what it waits for first.

    A cell that fails takes down only the cells that wait for it. On KeyboardInterrupt the running cells are stopped;
    the next run goes on from their last checkpoints.
    """
    ends: dict[str, Outcome] = {}
    jobs, threads = options.slots(len(plan.cells))
    waiting = list(plan.cells)
    running: list[_Process] = []
    try:
        while waiting or running:
            waiting = _settle(waiting, ends, options.say)
            for cell in list(waiting):
                if len(running) >= jobs:
                    break
                if all(needed.name in ends for needed in cell.waits_for):
                    waiting.remove(cell)
                    slot = min(set(range(jobs)) - {process.slot for process in running})
                    running.append(_Process(cell, slot, threads, plan.root, options))
            for process in list(running):
                if (outcome := process.poll()) is not None:
                    running.remove(process)
                    ends[outcome.cell.name] = outcome
                    took = f"{outcome.state} in {outcome.seconds:.0f} s"
                    options.say(f"{outcome.cell.name}: {took}{' - ' + outcome.message if outcome.message else ''}")
            time.sleep(0.05)
    finally:
        for process in running:
            process.stop()
    return [ends[cell.name] for cell in plan.cells]


def _settle(waiting: list[Cell], ends: dict[str, Outcome], say: Callable[[str], None]) -> list[Cell]:
    """Cells that need no process: found done, or blocked by one that did not finish."""
    left = []
    for cell in waiting:
        broken = [c.name for c in cell.waits_for if c.name in ends and ends[c.name].state not in ("done", "found done")]
        if broken:
            ends[cell.name] = Outcome(cell, "blocked", message=f"waits for {broken[0]}")
            say(f"{cell.name}: blocked - waits for {broken[0]}")
        elif cell.folder.state(cell.key) == "done":
            ends[cell.name] = Outcome(cell, "found done")
        else:
            left.append(cell)
    return left


class _Process:
    """A cell's subprocess and its progress display."""

    def __init__(self, cell: Cell, slot: int, threads: int, root: Path | None, options: Options) -> None:
        self.cell, self.slot, self.say = cell, slot, options.say
        self.started = self.last_line = time.monotonic()
        self.latest: dict[str, float | str] = {}
        self.bar = tqdm(
            total=cell.steps, desc=cell.name, position=slot, leave=False, unit="step", disable=not sys.stderr.isatty()
        )
        order = {
            "dataset": cell.dataset, "profile": cell.profile, "method": cell.method, "seed": cell.seed,
            "key": cell.key, "folder": str(cell.folder.path.absolute()), "overrides": dict(cell.overrides),
            "data_root": str(root.absolute()) if root else os.environ.get("MMBENCH_DATA", ""),
            "cache_folder": str(options.cache_folder.absolute()) if options.cache_folder else "",
            "parent": str(cell.parent.folder.path.absolute()) if cell.parent else "",
            "parent_method": cell.parent.method if cell.parent else "",
            "judge": str(cell.judge.folder.path.absolute()) if cell.judge else "",
            "judge_method": cell.judge.method if cell.judge else "",
            "device": options.device, "precision": options.precision, "threads": threads,
        }  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        if gpus := visible_gpus():
            environment["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mmbench.cell"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        self.errors: list[str] = []
        self.readers = [
            threading.Thread(target=self._read_progress, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self.readers:
            reader.start()
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the process died at once; poll() tells how
            self.process.stdin.write(json.dumps(order))
            self.process.stdin.close()

    def poll(self) -> Outcome | None:
        """The outcome once the process has ended; shows progress until then."""
        self._show()
        code = self.process.poll()
        if code is None:
            return None
        for reader in self.readers:
            reader.join(timeout=5)
        self.bar.close()
        state = EXIT_OUTCOMES.get(code, "interrupted")
        said = [line for line in self.errors if line.strip()]
        message = "" if state == "done" else (said[-1].strip() if said else f"exit code {code}")
        return Outcome(self.cell, state, time.monotonic() - self.started, message)

    def stop(self) -> None:
        """Kill the process; its folder stays as the last checkpoint left it."""
        self.process.kill()
        self.process.wait()
        self.bar.close()

    def _read_progress(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                made = json.loads(line)
            except ValueError:
                made = None
            if isinstance(made, dict) and {"what", "done", "total"} <= made.keys():
                self.latest = made
            else:
                self.say(line.rstrip())  # a plug-in's own print

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors.append(line)
            if line.startswith("mmbench note: "):
                self.say(f"{self.cell.name}: {line.removeprefix('mmbench note: ').rstrip()}")

    def _show(self) -> None:
        if not (latest := self.latest):
            return
        what, done, total = str(latest["what"]), int(latest["done"]), int(latest["total"])
        if not self.bar.disable:
            if self.bar.total != total or done < self.bar.n:
                self.bar.reset(total)
            self.bar.set_postfix_str(what, refresh=False)
            self.bar.update(done - self.bar.n)
        elif time.monotonic() - self.last_line >= PLAIN_EVERY:
            self.last_line = time.monotonic()
            passed = self.last_line - self.started
            left = f", about {passed * (total - done) / done / 60:.1f} min left" if done else ""
            self.say(f"{self.cell.name}: {what} {done}/{total}{left}")


def summary(outcomes: list[Outcome]) -> tuple[str, int]:
    """One line for people and the run's exit code: 0 where every cell is done, else 1."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.state] = counts.get(outcome.state, 0) + 1
    line = ", ".join(f"{count} {state}" for state, count in counts.items())
    return line, 0 if set(counts) <= {"done", "found done"} else 1
