"""The command ``reference``: committed numbers of finished cells, the tables made of them, and whether others agree."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.commands.arguments import read_path
from mmbench.commands.merge import print_copied
from mmbench.errors import UserError
from mmbench.given.texts import shown

if TYPE_CHECKING:
    from mmbench.store.agreement import Agreement
    from mmbench.store.merging import Union
    from mmbench.store.sources import Cells

NUMBERS, TABLES = Path("reports/reference/numbers"), Path("reports/reference")
FORMS = (".md", ".csv", ".png")  # what is read in a repository
SHOWN = 5  # cells, or differences of one cell, that are named; of others their number
DIGITS = ".12g"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its actions and their options."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    parser.set_defaults(function=_reference)
    add = actions.add_parser("add", help="copy the numbers of finished cells: no weights, no pictures")
    tables = actions.add_parser("tables", help="make all tables and figures of the numbers")
    check = actions.add_parser("check", help="whether finished cells have the same numbers, bit by bit")
    for action in (add, check):
        action.add_argument("runs", type=read_path, nargs="+", metavar="RUNS", help="results folders")
    for action in (add, tables, check):
        action.add_argument(
            "--numbers", type=read_path, default=NUMBERS, metavar="FOLDER", help=f"the numbers (default {NUMBERS})"
        )
    for action in (add, tables):
        action.add_argument("--mixed", action="store_true", help="also of cells that differ in code, data or settings")
    tables.add_argument("--out", type=read_path, default=TABLES, help=f"where to (default {TABLES})")


def _reference(options: argparse.Namespace) -> int:
    from mmbench.store.folder import expect_cells

    for runs in getattr(options, "runs", ()):
        expect_cells(runs, "RUNS")
    if options.action == "add":
        return _add(options)
    expect_cells(options.numbers, "--numbers")
    return _tables(options) if options.action == "tables" else _check(options)


def _add(options: argparse.Namespace) -> int:
    """Copy what is not there yet. Every cell, new or there already, must be of the code that there is here."""
    from mmbench.store import merging, sources

    numbers: Path = options.numbers
    merged = merging.union([numbers, *options.runs])
    cells = _finished(merged)
    if not options.mixed:
        _refuse({**sources.contradicting(cells), **sources.made_elsewhere(cells)}, "add")
    counts, trouble = merging.copy_all(merged, numbers, numbers_only=True)
    print_copied(counts, trouble, f"Numbers: {numbers}")
    print(_source(cells))
    return 1 if trouble else 0


def _tables(options: argparse.Namespace) -> int:
    from mmbench.planning.recorded import ids_of_test_images
    from mmbench.publishing.build import build_reports
    from mmbench.publishing.write import write_forms
    from mmbench.store import merging, sources

    cells = _finished(merging.union([options.numbers]))
    odd = sources.contradicting(cells)
    if not options.mixed:
        _refuse(odd, "tables")
    made, notes = build_reports(options.numbers, test_ids=ids_of_test_images)
    files = write_forms(made, options.out, FORMS)
    for note in notes:
        print(shown(note))
    print(_source(cells) + (f" Mixed: {_some(odd)}." if odd else ""))
    print(f"{len(files)} files in {options.out}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from mmbench.store import merging
    from mmbench.store.agreement import compare

    mine, theirs = merging.union(options.runs), merging.union([options.numbers])
    common = [name for name in _finished(theirs) if name in _finished(mine)]
    if not common:
        raise UserError(
            f"RUNS {', '.join(map(str, options.runs))}: no finished cell that {options.numbers} has too, such as "
            f"{next(iter(theirs.cells))}; run one of them"
        )
    found = [compare(mine.cells[name], theirs.cells[name]) for name in common]
    for agreement in found:
        print(shown(f"{agreement.name}: {_said(agreement)}"))
        for difference in agreement.differences[:SHOWN]:
            values = f"{difference.value:{DIGITS}}, of the reference {difference.reference:{DIGITS}}"
            print(shown(f"  {difference.what}: {values}"))
        if (more := len(agreement.differences) - SHOWN) > 0:
            print(f"  and {more} more")
    wrong = [one for one in found if one.reason or (one.differences and not one.machine)]
    equal = sum(not one.reason and not one.differences for one in found)
    print(
        f"{equal} of {len(found)} cells equal, {len(wrong)} wrong; {len(theirs.cells) - len(common)} of the reference "
        "not looked at"
    )
    return 1 if wrong else 0


def _said(agreement: Agreement) -> str:
    if agreement.reason:
        return f"not compared, {agreement.reason}"
    if not agreement.differences:
        return f"equal ({agreement.numbers} numbers, and statistics of every test image)"
    machine = f"another kind of machine, so that bits may differ ({agreement.machine})"
    return f"{len(agreement.differences)} differences; {machine if agreement.machine else 'the same kind of machine'}"


def _finished(union: Union) -> Cells:
    return {name: choice.result for name, choice in union.cells.items() if choice.state == "done"}


def _source(cells: Cells) -> str:
    """Which code the cells come from, as far as they record it."""
    from mmbench.plugins import protocol
    from mmbench.store import sources

    others = sources.made_elsewhere(cells)
    here = f"{len(others)} of them of other code than here" if others else f"protocol {protocol.number()}, as here"
    commits = sorted({str(about.get("commit") or "unknown") for about in cells.values()})
    return f"Source {sources.code_digest(cells)} of {len(cells)} cells: {here}; commits {', '.join(commits)}."


def _refuse(odd: Mapping[str, str], action: str) -> None:
    if odd:
        raise UserError(
            f"reference {action}: cells that do not belong together: {_some(odd)}; leave them out, run them again with "
            "the code that there is here, or say --mixed"
        )


def _some(odd: Mapping[str, str]) -> str:
    named = [f"{name} ({what})" for name, what in list(odd.items())[:SHOWN]]
    return "; ".join([*named, *([f"and {len(odd) - SHOWN} more"] if len(odd) > SHOWN else [])])
