"""The command ``run``: plan, train and evaluate, then the tables."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mmbench.commands.arguments import add_runs, check_device, read_names, read_path, read_seeds
from mmbench.errors import UserError

if TYPE_CHECKING:
    from mmbench.planning.plan import Plan


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.add_argument("--methods", help="names, comma-separated; all (the default) = every method that can run here")
    parser.add_argument(
        "--suite", default="", help="tables, ablation, cvpr2018, scalability or all: what belongs together"
    )
    parser.add_argument("--table", default="", help="one of the papers' tables, such as thesis-4.4; see papers")
    parser.add_argument("--dataset", default="", help="names or a folder of own images; default: synthetic, embedded")
    parser.add_argument("--profile", default=None, help="smoke, laptop, short, paper or one of your own")
    parser.add_argument("--seeds", default="0", help="comma-separated (default 0)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; repeatable")
    parser.add_argument("--data-root", type=read_path, help="folder that holds the data set (or set MMBENCH_DATA)")
    parser.add_argument("--cache", type=read_path, help="folder for decoded images (default ~/.cache/mmbench)")
    parser.add_argument("--jobs", type=int, default=0, help="cells at a time (default: one per GPU, or per CPU core)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--precision", default="auto", choices=("auto", "bf16", "fp32"))
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    add_runs(parser)
    parser.set_defaults(function=_run)


def _run(options: argparse.Namespace) -> int:
    from mmbench.launching.scheduler import Options, execute, summary
    from mmbench.planning.config import parse_overrides
    from mmbench.planning.papers import published_for
    from mmbench.planning.plan import make_plans
    from mmbench.planning.tables import plan_table

    if options.jobs < 0:
        raise UserError(f"--jobs {options.jobs}: expected 1 or more, or 0 for one per GPU or CPU core")
    check_device(options.device)
    methods = read_names(options.methods)
    if options.methods is not None and not methods:
        raise UserError("--methods '': expected names, comma-separated, or all")
    seeds, overrides = read_seeds(options.seeds), parse_overrides(options.set)
    if options.table:
        if given := [name for name in ("methods", "suite", "dataset") if getattr(options, name)]:
            raise UserError(
                f"--table {options.table} says which rows and data set: leave --{' and --'.join(given)} out"
            )
        plans = [plan_table(
            options.table, options.profile, seeds, options.runs, data_root=options.data_root, overrides=overrides
        )]  # fmt: skip
    else:
        plans = make_plans(
            methods, read_names(options.dataset), options.profile, seeds, options.runs,
            suite=options.suite, data_root=options.data_root, overrides=overrides,
        )  # fmt: skip
        if options.suite and not options.dataset:
            print(f"For the embedded rooms the papers have no numbers; they have for {', '.join(published_for())}.")
    settings = Options(options.jobs, options.cache, options.device, options.precision, _say)
    for plan in plans:
        _print_plan(plan, *settings.slots(len(plan.cells)))
    if options.dry_run:
        return 0
    from mmbench.commands.report import print_tables
    from mmbench.planning.recorded import ids_of_test_images
    from mmbench.publishing.build import build_reports
    from mmbench.publishing.write import write_reports

    code, folder = 0, options.runs / "report"
    for plan in plans:
        outcomes = execute(plan, settings)
        made, notes = build_reports(options.runs, (), plan.dataset, plan.profile_name, ids_of_test_images)
        write_reports(made, notes, folder)
        print_tables(made, notes)
        line, here = summary(outcomes)
        code = max(code, here)
        print(f"\n{line}. Results: {options.runs / plan.dataset / plan.profile_name}; tables and pictures: {folder}")
    return code


def _print_plan(plan: Plan, jobs: int, threads: int) -> None:
    from mmbench.planning.config import profiles
    from mmbench.planning.plan import measured_slowdown

    states = {cell.name: cell.folder.state(cell.key) for cell in plan.cells}
    measured = measured_slowdown([cell for cell in plan.cells if states[cell.name] == "done"])
    slowdown = 1.0 if measured is None else measured
    undone = [cell for cell in plan.cells if states[cell.name] != "done"]
    left = slowdown * sum(cell.seconds for cell in undone)
    print(f"{plan.dataset}, profile {plan.profile_name} ({plan.profile.title}): {plan.profile.size} px")
    if plan.found:
        print(f"  data: {plan.found}")
    for cell in plan.cells:
        waits = f", after {', '.join(c.method for c in cell.waits_for)}" if cell.waits_for else ""
        minutes = slowdown * cell.seconds / 60
        print(f"  {cell.name:52} {cell.steps:>7} steps  ~{minutes:6.1f} min  {states[cell.name]}{waits}")
    for note in plan.skipped:
        print(f"  left out: {note}")
    source = "as fast as the cells done here" if measured is not None else "a rough guess before the first cell"
    minutes = left / 60 / max(1, min(jobs, len(undone)))
    count = len(plan.cells)
    print(f"{count} cell{'' if count == 1 else 's'}, about {minutes:.0f} minutes left, {jobs} at a time ({source}).")
    print(f"CPU threads per cell: {threads}. The same seed gives the same numbers with the same number of threads.")
    if plan.profile.name != "paper" and "paper" in profiles():
        print("The papers' sizes and schedules: --profile paper\n")


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(text)
    sys.stdout.flush()
