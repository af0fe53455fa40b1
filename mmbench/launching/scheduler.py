"""Carry out a plan: one subprocess per cell, some at a time, each cell once, with progress for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmbench.launching.claims import Claims, by_longest_path
from mmbench.launching.ends import Outcome
from mmbench.launching.local import PLAIN_EVERY, LocalProcess
from mmbench.launching.progress import STALL_MINUTES
from mmbench.launching.remaining import Remaining
from mmbench.launching.runfile import Said
from mmbench.planning.estimate import Here
from mmbench.planning.order import order_of
from mmbench.planning.plan import Cell, Plan
from mmbench.planning.words import duration
from mmbench.store import saved
from mmbench.store.machine import Machine
from mmbench.store.processors import cuda_present, usable_cores, visible_gpus

FINE = {"done", "found done"}
SETTLE_EVERY = 1.0  # seconds between two looks at the folders of cells that wait
PATIENCE = 10.0  # seconds in which cells may save themselves when their run is asked to end


@dataclass
class Options:
    """How to carry out a plan.

    Attributes:
        jobs: cells at a time; the CPU's cores are divided between them, GPUs handed out in turn. 0 means one per GPU
            or, without GPUs, one per core with one thread each: a cell's numbers depend on its number of threads in the
            last bits, and so a cell run alone equals the same cell run among others.
        cache_folder: where images are decoded to.
        device, precision: ``auto`` or what to use.
        stall_minutes: after which a cell that does not move is ended, and has failed; 0 for never.
        threads: of a cell on the CPU, where a launcher says it; 0 divides this machine's cores.
        log: sinks that training is logged to, beside ``log.jsonl``.
        gpus_per_cell: GPUs of each cell or, on the CPU, processes.
    """

    jobs: int = 0
    cache_folder: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    say: Callable[[str], None] = field(default=print)
    stall_minutes: float = STALL_MINUTES
    threads: int = 0
    log: tuple[str, ...] = ()
    gpus_per_cell: int = 1

    def on_gpu(self) -> bool:
        """Whether cells will use a GPU, as far as can be told without asking torch."""
        return self.device.startswith("cuda") or (self.device == "auto" and cuda_present())

    def slots(self, cells: int) -> tuple[int, int]:
        """Cells at a time and CPU threads for each of their processes."""
        cores, each = usable_cores(), self.gpus_per_cell
        if self.threads:
            return max(1, cells), max(1, self.threads // each)
        if self.jobs:
            return self.jobs, max(1, cores // (self.jobs * each))
        if self.on_gpu():
            jobs = max(1, min(len(visible_gpus()) // each, cells))
            return jobs, max(1, cores // (jobs * each))
        return max(1, min(cores // each, cells)), 1


def where(machine: Machine, options: Options, cells: int) -> Here:
    """Where ``cells`` cells will run: torch's word on GPUs where it was asked, else whether a device is there."""
    gpu = options.device.startswith("cuda") or (options.on_gpu() and (not machine.asked or bool(machine.devices)))
    return Here(machine, "cuda" if gpu else "cpu", options.precision, options.slots(cells)[1], options.gpus_per_cell)


def execute(plans: Sequence[Plan], options: Options, remaining: Remaining | None = None) -> list[Outcome]:
    """Do every cell of some plans that is not done yet, what it waits for first, the longest paths before others.

    With ``remaining`` a line says now and then how long all of it still takes. Returns how each cell ended, in the
    order of the plans.

    A cell that fails takes down only the cells that wait for it. What another run does at the moment is left to it. On
    KeyboardInterrupt the running cells are asked to save themselves, and killed where they take longer than
    :data:`PATIENCE` or there is another one, with a line on what is saved of each; the next run goes on from there.
    """
    roots = {cell.name: plan.root for plan in plans for cell in plan.cells}
    planned = [cell for plan in plans for cell in plan.cells]
    ends: dict[str, Outcome] = {}
    jobs, threads = options.slots(len(planned))
    waiting = by_longest_path(planned, remaining.estimates if remaining else None)
    running: list[LocalProcess] = []
    said = Said(planned, jobs, remaining)
    claims, total, settled = Claims(planned, options.say), _Total(remaining, options.say), -1.0
    try:
        while waiting or running:
            said.renew()
            if time.monotonic() - settled >= SETTLE_EVERY:
                waiting, settled = settle(waiting, ends, options.say), time.monotonic()
                for ended in ends.values():
                    total.end(ended)
            for cell in list(waiting):
                if len(running) >= jobs:
                    break
                if not all(needed.name in ends and ends[needed.name].state in FINE for needed in cell.waits_for):
                    continue
                claim = claims.take(cell)
                if claim is None:
                    continue
                waiting.remove(cell)
                if isinstance(claim, Outcome):
                    ends[cell.name], settled = claim, -1.0
                    options.say(claim.line)
                    continue
                slot = min(set(range(jobs)) - {process.slot for process in running})
                order = order_of(
                    cell, data_root=roots[cell.name], cache_folder=options.cache_folder,
                    device=options.device, precision=options.precision, threads=threads, log=options.log,
                    processes=options.gpus_per_cell,
                )  # fmt: skip
                running.append(LocalProcess(cell, order, slot, options.say, claim))
            for process in list(running):
                outcome = process.poll()
                if outcome is None and options.stall_minutes and process.stalled(60 * options.stall_minutes):
                    limit = f"{options.stall_minutes:g} minutes"
                    outcome = process.fail(f"did not move for {limit} (--stall-minutes), and was ended")
                if outcome is not None:
                    running.remove(process)
                    if outcome.state == "running":  # another run has taken it over
                        waiting.append(outcome.cell)
                        continue
                    ends[outcome.cell.name], settled = outcome, -1.0
                    options.say(outcome.line)
                    total.end(outcome)
            total.show(running)
            time.sleep(0.05)
    except KeyboardInterrupt:
        for process in running:
            process.ask()
        ends_at = time.monotonic() + PATIENCE
        for process in list(running):
            options.say(f"{process.cell.name}: stopped, {process.stop(max(0.0, ends_at - time.monotonic()))}")
            running.remove(process)
        raise
    finally:
        for process in running:
            process.stop()
        said.end()
    return [ends[cell.name] for cell in planned]


class _Total:
    """Says how long all cells still take: when one has ended, and every :data:`PLAIN_EVERY` seconds."""

    def __init__(self, remaining: Remaining | None, say: Callable[[str], None]) -> None:
        self.remaining, self.say = remaining, say
        self.last_line, self.due = time.monotonic(), False

    def end(self, outcome: Outcome) -> None:
        """A cell ended; more than once of the same is once."""
        if self.remaining and outcome.cell.name not in self.remaining.ended:
            self.remaining.end(outcome.cell.name, outcome.seconds if outcome.state == "done" else 0.0)
            self.due = self.due or outcome.seconds > 0

    def show(self, running: Sequence[LocalProcess]) -> None:
        """A line where one is due and something is left."""
        now = time.monotonic()
        if self.remaining is None or not (self.due or now - self.last_line >= PLAIN_EVERY):
            return
        self.last_line, self.due = now, False
        if cells := len(self.remaining.estimates.keys() - self.remaining.ended.keys()):
            left = self.remaining.left({one.cell.name: (one.passed(), one.training_left()) for one in running})
            self.say(f"{cells} of {len(self.remaining.estimates)} cells left, about {duration(left)}")


def settle(waiting: list[Cell], ends: dict[str, Outcome], say: Callable[[str], None]) -> list[Cell]:
    """Note the ends of cells that need no process: found done, or blocked. Returns the others."""
    left = []
    for cell in waiting:
        broken = [ends[c.name] for c in cell.waits_for if c.name in ends and ends[c.name].state not in FINE]
        if broken:
            why = f"waits for {broken[0].cell.name}, {broken[0].state}"
            ends[cell.name] = Outcome(cell, "blocked", message=why)
            say(ends[cell.name].line)
        elif cell.folder.state(cell.key) == "done" and not _is_broken(cell, waiting, say):
            ends[cell.name] = Outcome(cell, "found done")
        else:
            left.append(cell)
    return left


def _is_broken(cell: Cell, waiting: Sequence[Cell], say: Callable[[str], None]) -> bool:
    """Whether a cell is done, but another one could not start from its checkpoint; says so, as its folder does then."""
    children = [other for other in waiting if cell.name in {needed.name for needed in other.waits_for}]
    if all(child.folder.state(child.key) == "done" for child in children):
        return False
    problem = saved.broken(cell.folder.checkpoints)
    if problem:
        cell.folder.set_failed("damaged", problem)
        say(f"{cell.name}: {problem}; it is done again")
    return bool(problem)


def summary(outcomes: list[Outcome]) -> tuple[str, int]:
    """One line for people and the run's exit code: 0 where every cell is done, else 1."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.state] = counts.get(outcome.state, 0) + 1
    line = ", ".join(f"{count} {state}" for state, count in counts.items())
    return line, 0 if set(counts) <= FINE else 1
