"""The command line: arguments in, exit code out. Exit codes: 0 fine, 1 some cell did not finish, 2 yours to mend."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from mmbench.commands import data as cli_data
from mmbench.commands import translate as cli_translate
from mmbench.commands.arguments import check_device, read_names, read_seeds
from mmbench.errors import UserError, did_you_mean
from mmbench.launching import messages

if TYPE_CHECKING:
    from mmbench.reporting import Figure, Table

EXAMPLES = """examples:
  python -m mmbench run                                    every method on the embedded set (minutes)
  python -m mmbench run --dry-run                          what that would do, and how long it takes
  python -m mmbench run --methods mmnet,mmnet-pp --dataset flowers --data-root ~/data
  python -m mmbench run --methods mmnet --set side_information=skip --seeds 0,1,2
  python -m mmbench run --suite ablation                   the papers' ablations, rows of tables 4.2 and 4.3
  python -m mmbench run --suite scalability --dataset colored-objects --data-root ~/data
  python -m mmbench run --methods mmnet,oracle --dataset ~/my-images
  python -m mmbench report                                 tables and pictures of all that is in runs/
  python -m mmbench translate --run runs/synthetic/laptop/mmnet/seed-0 --from depth --to segmentation a.png --out made
  python -m mmbench list methods
  python -m mmbench data verify flowers --data-root ~/data
  python -m mmbench data show synthetic --out rooms.png
"""


class _Parser(argparse.ArgumentParser):
    """One line on errors, with the near match for a mistyped option."""

    def error(self, message: str) -> NoReturn:
        _, marker, rest = message.partition("unrecognized arguments: ")
        if marker and rest.startswith("-"):
            given = rest.split()[0].partition("=")[0]
            options = {
                name: {option for action in parser._actions for option in action.option_strings}
                for name, parser in [("", self), *self._commands().items()]
            }
            if elsewhere := [name for name, known in options.items() if name and given in known]:
                message = f"{given} is an option of {', '.join(elsewhere)}: it stands behind that word"
            else:
                message = f"unknown option {given!r}{did_you_mean(given, set().union(*options.values()))}"
        raise UserError(message)

    def _commands(self) -> dict[str, argparse.ArgumentParser]:
        """``run``, ``data``, ``data verify`` and so on."""
        found: dict[str, argparse.ArgumentParser] = {}
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, parser in action.choices.items():
                    found[name] = parser
                    found |= {f"{name} {inner}": own for inner, own in parser._commands().items()}
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; bad input is one line on standard error and 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # tables hold arrows and Greek letters, terminals may not
    messages.show()
    try:
        options = _parser().parse_args(arguments)
        return int(options.function(options))
    except UserError as error:
        print(f"mmbench: {error}", file=sys.stderr)
        return 2
    except PermissionError as error:
        where = f"{error.filename}: {error.strerror}"
        print(f"mmbench: {where}; give yourself access or name another folder", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mmbench: stopped; the same command goes on from the last checkpoints", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mmbench",
        description="Benchmark harness for zero-pair image translation.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="train and evaluate methods on a data set, then print the tables")
    run.add_argument("--methods", help="names, comma-separated; all (the default) = every method that can run here")
    run.add_argument("--suite", default="", help="methods of the papers' tables, ablation or scalability")
    run.add_argument("--dataset", default="", help="names or a folder of own images; default: synthetic, embedded")
    run.add_argument("--profile", default=None, help="smoke, laptop, short or paper")
    run.add_argument("--seeds", default="0", help="comma-separated (default 0)")
    run.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; repeatable")
    run.add_argument("--data-root", type=Path, help="folder that holds the data set (or set MMBENCH_DATA)")
    run.add_argument("--cache", type=Path, help="folder for decoded images (default ~/.cache/mmbench)")
    run.add_argument("--jobs", type=int, default=0, help="cells at a time (default: one per GPU, or per CPU core)")
    run.add_argument("--device", default="auto", help="auto, cpu or cuda")
    run.add_argument("--precision", default="auto", choices=("auto", "bf16", "fp32"))
    run.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    _add_runs(run)
    run.set_defaults(function=_run)

    report = commands.add_parser("report", help="write tables and pictures of all results")
    report.add_argument("names", nargs="*", help="reports to write (default: all)")
    report.add_argument("--dataset", default="", help="the results of this data set only")
    report.add_argument("--profile", default="", help="the results of this profile only")
    report.add_argument("--out", type=Path, help="default: report/ in the runs folder")
    _add_runs(report)
    report.set_defaults(function=_report)

    cli_translate.add_options(commands.add_parser("translate", help="translate image files with a trained cell"))

    listing = commands.add_parser("list", help="what there is: methods, datasets, reports, profiles")
    listing.add_argument("what", nargs="?", choices=("methods", "datasets", "reports", "profiles"))
    listing.set_defaults(function=_list)

    cli_data.add_options(
        commands.add_parser("data", help="look after data sets: verify, prepare, show, download, init")
    )
    return parser


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="results folder (default runs)")


def _run(options: argparse.Namespace) -> int:
    from mmbench.launching.scheduler import Options, execute, summary
    from mmbench.planning.config import parse_overrides
    from mmbench.planning.plan import make_plans

    if options.jobs < 0:
        raise UserError(f"--jobs {options.jobs}: expected 1 or more, or 0 for one per GPU or CPU core")
    check_device(options.device)
    methods = read_names(options.methods)
    if options.methods is not None and not methods:
        raise UserError("--methods '': expected names, comma-separated, or all")
    plans = make_plans(
        methods, read_names(options.dataset), options.profile, read_seeds(options.seeds), options.runs,
        suite=options.suite, data_root=options.data_root, overrides=parse_overrides(options.set),
    )  # fmt: skip
    settings = Options(options.jobs, options.cache, options.device, options.precision, _say)
    for plan in plans:
        _print_plan(plan, *settings.slots(len(plan.cells)))
    if options.dry_run:
        return 0
    from mmbench.planning.recorded import ids_of_test_images
    from mmbench.publishing.build import build_reports
    from mmbench.publishing.write import write_reports

    code, folder = 0, options.runs / "report"
    for plan in plans:
        outcomes = execute(plan, settings)
        made, notes = build_reports(options.runs, (), plan.dataset, plan.profile.name, ids_of_test_images)
        write_reports(made, notes, folder)
        _print_tables(made, notes)
        line, here = summary(outcomes)
        code = max(code, here)
        print(f"\n{line}. Results: {options.runs / plan.dataset / plan.profile.name}; tables and pictures: {folder}")
    return code


def _print_plan(plan: object, jobs: int, threads: int) -> None:
    from mmbench.planning.config import profiles
    from mmbench.planning.plan import Plan, pace

    assert isinstance(plan, Plan)
    states = {cell.name: cell.folder.state(cell.key) for cell in plan.cells}
    speed, measured = pace([cell for cell in plan.cells if states[cell.name] == "done"])
    undone = [cell for cell in plan.cells if states[cell.name] != "done"]
    left = speed * sum(cell.seconds for cell in undone)
    print(f"{plan.dataset}, profile {plan.profile.name} ({plan.profile.title}): {plan.profile.size} px")
    for cell in plan.cells:
        waits = f", after {', '.join(c.method for c in cell.waits_for)}" if cell.waits_for else ""
        print(
            f"  {cell.name:52} {cell.steps:>7} steps  ~{speed * cell.seconds / 60:6.1f} min  {states[cell.name]}{waits}"
        )
    for note in plan.skipped:
        print(f"  left out: {note}")
    source = "as fast as the cells done here" if measured else "a rough guess before the first cell"
    minutes = left / 60 / max(1, min(jobs, len(undone)))
    print(f"{len(plan.cells)} cells, about {minutes:.0f} minutes left, {jobs} at a time ({source}).")
    print(f"CPU threads per cell: {threads}. The numbers of a seed are the same again with the same number of threads.")
    if plan.profile.name != "paper" and "paper" in profiles():
        print("The papers' sizes and schedules: --profile paper\n")


def _print_tables(made: Sequence[Table | Figure], notes: Sequence[str], details: bool = False) -> None:
    from mmbench.reporting import Table

    tables = [table for table in made if isinstance(table, Table)]
    for table in tables:
        if details or not table.detail:
            print(f"\n{table.text()}")
    if left := [table.name for table in tables if table.detail and not details]:
        print(f"Also written: {', '.join(left)}")
    for note in notes:
        print(note)


def _report(options: argparse.Namespace) -> int:
    from mmbench.planning.recorded import ids_of_test_images
    from mmbench.publishing.build import build_reports
    from mmbench.publishing.write import write_reports

    if not options.runs.is_dir():
        raise UserError(f"--runs {options.runs}: no such folder; `python -m mmbench run` makes results there")
    if options.dataset or options.profile:
        _check_there_is(options.runs, options.dataset, options.profile)
    made, notes = build_reports(options.runs, options.names, options.dataset, options.profile, ids_of_test_images)
    folder = options.out or options.runs / "report"
    files = write_reports(made, notes, folder)
    _print_tables(made, notes, details=bool(options.names))
    print(f"{len(files)} files in {folder}. To read: {files[-1]}")
    return 0


def _check_there_is(runs: Path, dataset: str, profile: str) -> None:
    """Raise UserError where no cell is of the data set and the profile asked for, which would leave an empty page."""
    from mmbench.store.folder import cell_folders, identity

    there = [identity(folder) for folder in cell_folders(runs)]
    for option, given, where in (("dataset", dataset, runs), ("profile", profile, runs / dataset)):
        found = {cell[option] for cell in there}
        if given and given not in found:
            raise UserError(f"--{option} {given}: no results of it in {where}{did_you_mean(given, found)}")
        there = [cell for cell in there if given in ("", cell[option])]


def _list(options: argparse.Namespace) -> int:
    from mmbench.planning import config
    from mmbench.plugins import catalog

    for what in [options.what] if options.what else ["methods", "datasets", "reports", "profiles"]:
        if not options.what:
            print(f"{what}:")
        if what == "profiles":
            for name in config.profiles():
                print(f"  {name:22} {config.profile(name, '').title}")
            continue
        cards = catalog.cards(what)
        width = max(22, *map(len, cards))
        for card in cards.values():
            text = f"cannot be read: {card.problem}" if card.problem else card.get("TITLE", "")
            print(f"  {card.name:{width}} {text}")
    return 0


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(text)
    sys.stdout.flush()
