"""The command ``run``: plan, train and evaluate, then the tables."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mmbench.commands.arguments import add_data_root, add_runs, check_device, read_names, read_path, read_seeds
from mmbench.errors import UserError
from mmbench.launching.progress import STALL_MINUTES
from mmbench.store.processors import cuda_present

if TYPE_CHECKING:
    from mmbench.launching.ends import Outcome
    from mmbench.launching.launcher import Launcher
    from mmbench.launching.remaining import Remaining
    from mmbench.launching.scheduler import Options
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
    parser.add_argument(
        "--skip-damaged", action="store_true", help="leave damaged files of own images out, and say so in the report"
    )
    add_data_root(parser, "folder that holds the data set (or set MMBENCH_DATA)")
    parser.add_argument("--cache", type=read_path, help="folder for decoded images (default ~/.cache/mmbench)")
    parser.add_argument("--jobs", type=int, default=0, help="cells at a time (default: one per GPU, or per CPU core)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--gpus-per-cell", type=int, default=1, metavar="N", help="split each cell's batches over so many (default 1)"
    )
    parser.add_argument("--precision", default="auto", choices=("auto", "bf16", "fp32"))
    parser.add_argument(
        "--stall-minutes", type=float, default=STALL_MINUTES, metavar="N",
        help=f"end a cell that does not move for so long (default {STALL_MINUTES:g}; 0: never)",
    )  # fmt: skip
    parser.add_argument("--launcher", default="local", help="local (the default), slurm, or one of a plug-in")
    parser.add_argument(
        "--launcher-config", type=read_path, metavar="FILE", help="TOML with [launcher.slurm]: partition, gres, ..."
    )
    parser.add_argument("--detach", action="store_true", help="with --launcher: submit the jobs and stop; see status")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    add_runs(parser)
    parser.set_defaults(function=_run)


def _run(options: argparse.Namespace) -> int:
    from mmbench.commands.prospect import Prospect
    from mmbench.launching.scheduler import Options
    from mmbench.planning.config import parse_overrides
    from mmbench.planning.papers import published_for
    from mmbench.planning.plan import make_plans
    from mmbench.planning.several import check

    if options.jobs < 0:
        raise UserError(f"--jobs {options.jobs}: expected 1 or more, or 0 for one per GPU or CPU core")
    if not 0 <= options.stall_minutes < float("inf"):
        raise UserError(f"--stall-minutes {options.stall_minutes}: expected minutes, or 0 for never")
    check_device(options.device)
    launcher = _launcher(options)
    if options.device.startswith("cuda") and not options.dry_run and not launcher and not cuda_present():
        raise UserError(f"--device {options.device}: no GPU is to be seen here; use --device cpu, or auto")
    methods = read_names(options.methods)
    if options.methods is not None and not methods:
        raise UserError("--methods '': expected names, comma-separated, or all")
    seeds = read_seeds(options.seeds)
    overrides = parse_overrides([*options.set, *(["data.damaged=skip"] if options.skip_damaged else [])])
    if options.table:
        if given := [name for name in ("methods", "suite", "dataset") if getattr(options, name)]:
            raise UserError(
                f"--table {options.table} says which rows and data set: leave --{' and --'.join(given)} out"
            )
        from mmbench.planning.tables import plan_table

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
    check(plans, options.gpus_per_cell, options.device, here=launcher is None)
    threads = launcher.threads if launcher else 0
    settings = Options(
        options.jobs, options.cache, options.device, options.precision, _say, options.stall_minutes, threads,
        options.gpus_per_cell,
    )  # fmt: skip
    prospect = Prospect(plans, settings)
    prospect.prepare(measure=not options.dry_run and not launcher)
    prospect.show()
    if launcher:
        return _queue(options, plans, settings, launcher, prospect.remaining())
    if options.dry_run:
        return 0
    from mmbench.launching.scheduler import execute

    return _report(options, plans, execute(plans, settings, prospect.remaining()))


def _launcher(options: argparse.Namespace) -> Launcher | None:
    """What cells are handed to; None for processes of this one."""
    from mmbench.launching.launcher import LOCAL, make
    from mmbench.launching.runfile import JOBS

    if options.launcher == LOCAL:
        for name in ("detach", "launcher_config"):
            if getattr(options, name):
                raise UserError(f"--{name.replace('_', '-')} is for jobs: give --launcher slurm with it")
        return None
    if options.jobs:
        raise UserError(f"--jobs {options.jobs} is of cells on this machine; {options.launcher} runs as many as it can")
    made = make(options.launcher, options.launcher_config, options.runs / JOBS)
    if not options.dry_run:
        made.check()
    return made


def _queue(
    options: argparse.Namespace, plans: list[Plan], settings: Options, launcher: Launcher, remaining: Remaining
) -> int:
    """Hand all cells to a launcher; wait for them where that is not to be left to another command."""
    from mmbench.launching.queued import Queue

    queue = Queue(plans, settings, launcher, options.launcher, options.runs, remaining)
    print(launcher.about(queue.works()))
    if options.dry_run:
        return 0
    jobs = queue.submit()
    count = f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}"
    print(f"{count}{': ' if jobs else ''}{' '.join(jobs)}.", flush=True)
    if options.detach:
        print(f"How they are: python -m mmbench status --runs {options.runs}")
        return 0
    return _report(options, plans, queue.watch())


def _report(options: argparse.Namespace, plans: list[Plan], outcomes: list[Outcome]) -> int:
    """Write and print the tables; returns the exit code."""
    from mmbench.commands.report import print_tables
    from mmbench.launching.scheduler import summary
    from mmbench.planning.recorded import ids_of_test_images
    from mmbench.publishing.build import build_reports
    from mmbench.publishing.write import write_reports

    folder = options.runs / "report"
    for plan in plans:
        made, notes = build_reports(options.runs, (), plan.dataset, plan.profile_name, ids_of_test_images)
        write_reports(made, notes, folder)
        print_tables(made, notes)
        names = {cell.name for cell in plan.cells}
        line, _ = summary([outcome for outcome in outcomes if outcome.cell.name in names])
        print(f"\n{line}. Results: {options.runs / plan.dataset / plan.profile_name}; tables and pictures: {folder}")
    return summary(outcomes)[1]


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(text)
    sys.stdout.flush()
