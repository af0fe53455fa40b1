"""The command ``run``: plan, train and evaluate, then the tables."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.commands.arguments import Once, add_data_root, add_runs, read_names, read_path, read_seeds
from mmbench.errors import UserError
from mmbench.launching.progress import STALL_MINUTES
from mmbench.store.processors import PRECISIONS

if TYPE_CHECKING:
    from mmbench.launching.benchmark import Benchmark
    from mmbench.launching.ends import Outcome
    from mmbench.launching.launcher import Launcher
    from mmbench.launching.remaining import Remaining
    from mmbench.launching.scheduler import Options
    from mmbench.planning.plan import Plan


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.argument_default = argparse.SUPPRESS  # what is not given is left to the file, and to its defaults
    parser.add_argument(
        "file",
        nargs="?",
        type=read_path,
        metavar="FILE",
        help="a whole benchmark as a TOML file; options beside it take the place of what it says",
    )
    parser.add_argument(
        "--methods",
        action=Once,
        const="a,b",
        help="names, comma-separated; all (the default) = every method that can run here",
    )
    parser.add_argument("--suite", help="tables, ablation, cvpr2018, scalability, ... or all: what belongs together")
    parser.add_argument(
        "--table",
        help="the rows of one of the papers' tables, such as thesis-4.4, on its data set or on --dataset; see papers",
    )
    parser.add_argument(
        "--dataset", action=Once, const="a,b", help="names or a folder of own images; default: synthetic, embedded"
    )
    parser.add_argument("--profile", help="smoke, laptop, short, paper or one of your own")
    parser.add_argument("--seeds", action=Once, const="0,1", help="comma-separated (default 0)")
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", help="change a setting; repeatable")
    parser.add_argument(
        "--skip-damaged", action="store_true", help="leave damaged files of own images out, and say so in the report"
    )
    add_data_root(parser, "folder that holds the data set (or set MMBENCH_DATA)")
    parser.add_argument("--cache", type=read_path, help="folder for decoded images (default ~/.cache/mmbench)")
    parser.add_argument("--jobs", type=int, help="cells at a time (default: one per GPU, or per CPU core)")
    parser.add_argument("--device", help="auto, cpu or cuda")
    parser.add_argument(
        "--gpus-per-cell", type=int, metavar="N", help="split each cell's batches over so many (default 1)"
    )
    parser.add_argument("--precision", choices=PRECISIONS)
    parser.add_argument(
        "--stall-minutes", type=float, metavar="N",
        help=f"end a cell that does not move for so long (default {STALL_MINUTES:g}; 0: never)",
    )  # fmt: skip
    parser.add_argument("--launcher", help="local (the default), slurm, or one of a plug-in")
    parser.add_argument(
        "--launcher-config", type=read_path, metavar="FILE", help="TOML with [launcher.slurm]: partition, gres, ..."
    )
    parser.add_argument(
        "--log", action="append", metavar="NAMES",
        help="log training to these too, comma-separated: tensorboard, wandb, or one of a plug-in; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--reports", metavar="NAMES", help="reports to write in the end, comma-separated (default: all)"
    )
    parser.add_argument("--detach", action="store_true", help="with --launcher: submit the jobs and stop; see status")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    parser.add_argument(
        "--save", type=read_path, metavar="FILE", help="write all that is asked for as a file for the next run"
    )
    add_runs(parser, argparse.SUPPRESS)
    parser.set_defaults(function=_run, file=None, detach=False, dry_run=False, save=None)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """What options say, under the keys of a benchmark's file."""
    from mmbench.launching.benchmark_file import PART, WAY
    from mmbench.planning.config import parse_overrides

    given = {key: value for key, value in vars(options).items() if key in (*PART, *WAY)}
    for key in ("methods", "dataset", "reports"):
        if key in given:
            given[key] = read_names(given[key])
    if given.get("methods") == []:
        raise UserError("--methods '': expected names, comma-separated, or all")
    if "seeds" in given:
        given["seeds"] = read_seeds(given["seeds"])
    if "log" in given:
        given["log"] = list(dict.fromkeys(read_names(",".join(given["log"]))))
    damaged = ["data.damaged=skip"] if hasattr(options, "skip_damaged") else []
    if changes := [*given.pop("set", []), *damaged]:
        given["set"] = parse_overrides(changes)
    return {key: str(value) if isinstance(value, Path) else value for key, value in given.items()}


def _run(options: argparse.Namespace) -> int:
    from mmbench.commands.prospect import Prospect
    from mmbench.launching.benchmark import load
    from mmbench.planning.papers import published_for
    from mmbench.tracking.sink import check as check_sinks

    asked = load(options.file, _given(options))
    launcher = _launcher(options, asked)
    if not options.dry_run and not launcher:
        asked.expect_device()
    check_sinks(asked.way.log)
    plans = asked.plans()
    if any(part.suite and not part.dataset for part in asked.parts):
        print(f"For the embedded rooms the papers have no numbers; they have for {', '.join(published_for())}.")
    if options.save:
        asked.save(options.save)
        print(f"Written: {options.save}")
    settings = asked.options(_say, launcher.threads if launcher else 0)
    prospect = Prospect(plans, settings)
    prospect.prepare(measure=not options.dry_run and not launcher)
    prospect.show()
    if launcher:
        return _queue(options, asked, plans, settings, launcher, prospect.remaining())
    if options.dry_run:
        return 0
    from mmbench.launching.scheduler import execute

    return _report(asked, plans, execute(plans, settings, prospect.remaining()))


def _launcher(options: argparse.Namespace, asked: Benchmark) -> Launcher | None:
    """What cells are handed to; None for processes of this one."""
    from mmbench.launching.launcher import LOCAL, make
    from mmbench.launching.runfile import JOBS

    way = asked.way
    if way.launcher == LOCAL:
        for name, there in (("--detach", options.detach), ("--launcher-config", way.launcher_config)):
            if there:
                raise UserError(f"{name} is for jobs: give --launcher slurm with it")
        return None
    if way.jobs:
        raise UserError(
            f"{asked.called('jobs')} {way.jobs} is of cells on this machine; {way.launcher} runs as many as it can"
        )
    config, tables = (Path(way.launcher_config), None) if way.launcher_config else (asked.file, asked.launchers)
    made = make(way.launcher, config, asked.runs / JOBS, tables)
    if not options.dry_run:
        made.check()
    return made


def _queue(
    options: argparse.Namespace, asked: Benchmark, plans: list[Plan], settings: Options, launcher: Launcher,
    remaining: Remaining,
) -> int:  # fmt: skip
    """Hand all cells to a launcher; wait for them where that is not to be left to another command."""
    from mmbench.launching.queued import Queue

    queue = Queue(plans, settings, launcher, asked.way.launcher, asked.runs, remaining)
    print(launcher.about(queue.works()))
    if options.dry_run:
        return 0
    jobs = queue.submit()
    count = f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}"
    print(f"{count}{': ' if jobs else ''}{' '.join(jobs)}.", flush=True)
    if options.detach:
        print(f"How they are: python -m mmbench status --runs {asked.runs}")
        return 0
    return _report(asked, plans, queue.watch())


def _report(asked: Benchmark, plans: list[Plan], outcomes: list[Outcome]) -> int:
    """Write and print the tables; returns the exit code.

    The tables of each plan are printed. Of one plan they are what is written; of several, everything in the folder,
    since their cells belong on one page.
    """
    from mmbench.commands.report import print_tables
    from mmbench.launching.scheduler import summary
    from mmbench.planning.recorded import ids_of_test_images
    from mmbench.publishing.build import build_reports
    from mmbench.publishing.write import write_reports

    folder, names = asked.runs / "report", asked.way.reports
    if len(plans) > 1:
        write_reports(*build_reports(asked.runs, names, test_ids=ids_of_test_images), folder)
    for plan in plans:
        made, notes = build_reports(asked.runs, names, plan.dataset, plan.profile_name, ids_of_test_images)
        if len(plans) == 1:
            write_reports(made, notes, folder)
        print_tables(made, notes, details=bool(names))
        own = {cell.name for cell in plan.cells}
        line, _ = summary([outcome for outcome in outcomes if outcome.cell.name in own])
        print(f"\n{line}. Results: {asked.runs / plan.dataset / plan.profile_name}; tables and pictures: {folder}")
    for line in _hints(asked, plans, outcomes):
        print(line)
    return summary(outcomes)[1]


def _hints(asked: Benchmark, plans: Sequence[Plan], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What the tables do not say: where more can be read, and what to do about files of own images that cannot be."""
    from mmbench.publishing.write import PAGE
    from mmbench.store.folder import cell_folders, identity

    there = {(cell["dataset"], cell["profile"]) for cell in map(identity, cell_folders(asked.runs))}
    if len(plans) == 1 and there - {(plans[0].dataset, plans[0].profile_name)}:
        what = f"{plans[0].dataset}, profile {plans[0].profile_name}"
        everything = f"python -m mmbench report --runs {shlex.quote(str(asked.runs))}"
        yield f"{PAGE} there shows {what} alone; all that is in {asked.runs} on one page: {everything}"
    for folder in dict.fromkeys(plan.root for plan in plans if plan.root):
        if any(f"{folder}/" in ended.message for ended in outcomes):
            verify = f"python -m mmbench data verify {shlex.quote(str(folder))}"
            leaves_out = any("data.damaged" in ended.cell.overrides for ended in outcomes)
            more = "" if leaves_out else "; to leave damaged ones out: --skip-damaged"
            yield f"All files that cannot be used: {verify}{more}"


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(text)
    sys.stdout.flush()
