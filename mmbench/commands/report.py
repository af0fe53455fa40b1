"""The command ``report``: tables and pictures of what is in a runs folder."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.commands.arguments import Once, read_path
from mmbench.errors import UserError, did_you_mean
from mmbench.given.texts import told

if TYPE_CHECKING:
    from mmbench.reporting import Figure, Table


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.add_argument("names", nargs="*", help="reports to write (default: all)")
    parser.add_argument("--dataset", action=Once, default="", help="the results of this data set only")
    parser.add_argument("--profile", default="", help="the results of this profile only")
    parser.add_argument("--out", type=read_path, help="default: report/ in the runs folder")
    parser.add_argument(
        "--runs", type=read_path, action="append", metavar="RUNS",
        help="results folder (default runs); repeatable: the cells of all, each once",
    )  # fmt: skip
    parser.set_defaults(function=_report)


def print_tables(made: Sequence[Table | Figure], notes: Sequence[str], details: bool = False) -> None:
    """Tables in full, with ``details`` the detailed ones too, else their names; then the notes."""
    from mmbench.reporting import Table

    tables = [table for table in made if isinstance(table, Table)]
    for table in tables:
        if details or not table.detail:
            try:
                print(f"\n{table.text()}")
            except Exception as error:  # a report may put anything into its table
                print(f"{table.name}: cannot be shown ({told(error)})")
    if left := [table.name for table in tables if table.detail and not details]:
        print(f"Also written: {', '.join(left)}")
    for note in notes:
        print(note)


def _report(options: argparse.Namespace) -> int:
    from mmbench.planning.recorded import ids_of_test_images
    from mmbench.publishing.build import build_reports
    from mmbench.publishing.write import write_reports
    from mmbench.store.folder import expect_cells

    folders = options.runs or [Path("runs")]
    for runs in folders:
        expect_cells(runs)
    with _as_one(folders) as (runs, conflicts):
        if options.dataset or options.profile:
            _check_there_is(runs, options.dataset, options.profile)
        folder = options.out or folders[0] / "report"
        made, notes = build_reports(runs, options.names, options.dataset, options.profile, ids_of_test_images)
        notes += conflicts
        files = write_reports(made, notes, folder)
        print_tables(made, notes, details=bool(options.names))
    print(f"{len(files)} files in {folder}. To read: {files[-1]}")
    return 0


@contextlib.contextmanager
def _as_one(folders: Sequence[Path]) -> Iterator[tuple[Path, list[str]]]:
    """The runs folder to report on, of several one with links to their cells; and what is to be said of them."""
    from mmbench.store import merging

    if len(folders) == 1:
        yield folders[0], []
        return
    merged = merging.union(folders)
    with tempfile.TemporaryDirectory(prefix="mmbench-") as made:
        merging.link(merged, folders, Path(made))
        yield Path(made), list(merged.conflicts)


def _check_there_is(runs: Path, dataset: str, profile: str) -> None:
    """Raise UserError where no cell is of the data set and the profile asked for, which would leave an empty page."""
    from mmbench.store.folder import cell_folders, identity

    there = [identity(folder) for folder in cell_folders(runs)]
    for option, given, where in (("dataset", dataset, runs), ("profile", profile, runs / dataset)):
        found = {cell[option] for cell in there}
        if given and given not in found:
            raise UserError(f"--{option} {given}: no results of it in {where}{did_you_mean(given, found)}")
        there = [cell for cell in there if given in ("", cell[option])]
