"""The plan as ``run`` prints it: cells, time, room; and what has to be measured before it can be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mmbench.launching.calibration import Question, calibrate
from mmbench.launching.remaining import Remaining
from mmbench.launching.scheduler import Options, where
from mmbench.planning import estimate
from mmbench.planning.config import profiles
from mmbench.planning.estimate import Here
from mmbench.planning.order import order_of
from mmbench.planning.outlook import Outlook, look, method_folder, sample_key, wanted
from mmbench.planning.plan import Cell, Plan
from mmbench.planning.words import duration, size
from mmbench.plugins.remembered import cache_folder
from mmbench.store import machine
from mmbench.store.processors import cuda_present

PAYS = 180.0  # seconds of a run, by a rough guess, from which a calibration is worth its own


def _state(plan: Plan, cell: Cell, outlook: Outlook) -> str:
    """The state of a cell; of a stale one also whether it was made with other data."""
    state = outlook.states[cell.name]
    if state != "stale" or cell.folder.look()[1].get("manifest") == plan.data.manifest:
        return state
    return "stale: the data have changed"


class Prospect:
    """Plans with their estimates, on this machine with these options."""

    def __init__(self, plans: Sequence[Plan], options: Options) -> None:
        self.plans, self.options = plans, options
        self.folder: Path = options.cache_folder or cache_folder()
        self.machine = machine.read(self.folder)
        self.looks = [self._look(plan) for plan in plans]

    def prepare(self, measure: bool) -> None:
        """Say what is known of another machine; where ``measure``, time what no estimate is known of."""
        if self.machine.why:
            print(f"{self.machine.why}: {'measured again' if measure else '`run` measures again'}.")
        if not measure or sum(one.seconds for one in self.looks) < PAYS:
            return
        questions = self._questions()
        if not questions and self.machine.asked:
            return
        methods = f"{len(questions)} method{'' if len(questions) == 1 else 's'}"
        print(f"Measuring this machine: a few steps of {methods}.", flush=True)
        jobs = self._slots()[0]
        self.machine = calibrate(self.machine, questions, jobs, self.options.say)
        if self.machine.asked:
            machine.write(self.folder, self.machine)
        self.looks = [self._look(plan) for plan in self.plans]

    def show(self) -> None:
        """Print all plans and what is left of them."""
        for plan, outlook in zip(self.plans, self.looks, strict=True):
            self._show(plan, outlook)
        if len(self.plans) > 1:
            cells = sum(len(plan.cells) for plan in self.plans)
            seconds = sum(one.seconds for one in self.looks)
            left = f"about {duration(seconds)} left" if self._left() else "all done"
            count = len({plan.dataset for plan in self.plans})
            where = f"on {count} data sets" if count > 1 else f"in {len(self.plans)} profiles"
            print(f"{cells} cells {where}: {left}.")
        if self.options.device.startswith("cuda") and not cuda_present():
            print("No GPU is to be seen here: this is the plan for a machine that has one (--device cuda).")
        if "paper" in profiles() and all(plan.profile.name != "paper" for plan in self.plans):
            print("The papers' sizes and schedules: --profile paper\n")

    def remaining(self) -> Remaining:
        """What is left, to be told while it is done."""
        estimates, waits = {}, {}
        for plan, outlook in zip(self.plans, self.looks, strict=True):
            for cell in plan.cells:
                if outlook.states[cell.name] != "done":
                    estimates[cell.name] = outlook.cells[cell.name].seconds
                    waits[cell.name] = [one.name for one in cell.waits_for]
        jobs = self._slots()[0]
        return Remaining(estimates, waits, jobs, self.looks[0].preparation if self.looks else 0.0)

    def _slots(self) -> tuple[int, int]:
        return self.options.slots(self._cells())

    def _cells(self) -> int:
        return sum(len(plan.cells) for plan in self.plans)

    def _here(self) -> Here:
        return where(self.machine, self.options, self._cells())

    def _look(self, plan: Plan) -> Outlook:
        return look(plan, self._here(), self._slots()[0], self.folder)

    def _left(self) -> bool:
        return any(state != "done" for one in self.looks for state in one.states.values())

    def _questions(self) -> list[Question]:
        """One for each method that neither a finished cell nor an earlier calibration speaks of."""
        made: dict[str, tuple[bool, Question]] = {}
        for plan, outlook in zip(self.plans, self.looks, strict=True):
            here, methods = self._here(), wanted(plan.cells)
            samples = sample_key(plan) if outlook.preparation and sample_key(plan) not in self.machine.samples else ""
            for cell in plan.cells:
                one = methods[method_folder(cell)]
                key = estimate.speed_key(here, plan.profile, one, plan.data.modalities)
                known = key in self.machine.speeds or estimate.finished_speed(one, here)
                if outlook.states[cell.name] == "done" or known or key in made:
                    continue
                order = order_of(
                    replace(cell, parent=None, judge=None), data_root=plan.root,
                    cache_folder=self.options.cache_folder, device=self.options.device,
                    precision=self.options.precision, threads=here.threads,
                )  # fmt: skip
                made[key] = bool(cell.card.variant), Question(key, order, samples)
                samples = ""
        # What there is no time to measure takes after the others: a method comes before its variants.
        return [question for _, question in sorted(made.values(), key=lambda one: one[0])]

    def _show(self, plan: Plan, outlook: Outlook) -> None:
        jobs, threads = self._slots()
        here = self._here()
        print(f"{plan.dataset}, profile {plan.profile_name} ({plan.profile.title}): {plan.profile.size} px")
        if plan.found:
            print(f"  data: {plan.found}")
        width = max([52, *(len(cell.name) for cell in plan.cells)])
        for cell in plan.cells:
            waits = f", after {', '.join(c.method for c in cell.waits_for)}" if cell.waits_for else ""
            takes = duration(outlook.cells[cell.name].seconds)
            print(f"  {cell.name:{width}} {cell.steps:>7} steps  ~{takes:>11}  {_state(plan, cell, outlook)}{waits}")
        for note in plan.skipped:
            print(f"  {note}")
        count = len(plan.cells)
        cells = f"{count} cell{'' if count == 1 else 's'}"
        if all(state == "done" for state in outlook.states.values()):
            print(f"{cells}, all done.")
        else:
            time = f"about {duration(outlook.seconds)} left, {jobs} at a time ({outlook.source.words})"
            if here.lacks_gpu(plan.profile):
                time = f"needs a GPU: about {duration(outlook.seconds)} here, {jobs} at a time ({outlook.source.words})"
            print(f"{cells}, {time}.")
            cache = f"{size(outlook.cache_bytes)} in {self.folder} for the data, " if outlook.cache_bytes else ""
            print(f"Disk: {cache}about {size(outlook.runs_bytes)} in the runs folder. {self.machine.gpu}.")
        if (each := self.options.gpus_per_cell) > 1:
            on_cpu = self.options.device == "cpu"
            print(f"{'Processes, on the CPU,' if on_cpu else 'GPUs'} per cell: {each}, which share each batch of it.")
        whose = "process of a cell" if each > 1 else "cell"
        print(
            f"CPU threads per {whose}: {threads}. The same seed gives the same numbers with the same number of threads."
        )
