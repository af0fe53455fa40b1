"""The command ``papers``: the papers' tables and figures, what each needs, and how far each is."""

from __future__ import annotations

import argparse
import shlex
import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.commands.arguments import Once, add_data_root, add_runs, read_seeds

if TYPE_CHECKING:
    from mmbench.planning.papers import PaperTable
    from mmbench.publishing.verdicts import VerdictCounts


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.add_argument("names", nargs="*", metavar="TABLE", help="such as thesis-4.4; all without names")
    parser.add_argument(
        "--seeds",
        action=Once,
        const="0,1",
        default="0,1,2",
        help="comma-separated (default 0,1,2: a verdict needs three)",
    )
    add_data_root(parser, "folder that holds the data sets (or set MMBENCH_DATA)")
    add_runs(parser)
    parser.set_defaults(function=_papers)


def _papers(options: argparse.Namespace) -> int:
    from mmbench.launching.scheduler import Options, where
    from mmbench.planning import papers
    from mmbench.planning.plan import DATA_VARIABLE, named_root
    from mmbench.planning.tables import Estimates, progress
    from mmbench.planning.words import duration
    from mmbench.plugins.remembered import cache_folder
    from mmbench.publishing.verdicts import VerdictCounts
    from mmbench.store import machine

    seeds = read_seeds(options.seeds)
    tables = {name: papers.find(name) for name in options.names or papers.papers().tables}
    root = options.data_root or named_root()
    here = where(machine.read(cache_folder()), Options(), cells=len(tables))
    estimates, verdicts = Estimates(here), VerdictCounts(options.runs)
    more = f"--seeds {','.join(map(str, seeds))}"
    if options.data_root or root is None:
        more += f" --data-root {shlex.quote(str(root or 'DATA'))}"
    if options.runs != Path("runs"):
        more += f" --runs {shlex.quote(str(options.runs))}"
    sources = set()
    for name, table in tables.items():
        state = progress(table, estimates, seeds, options.runs, root)
        sources.add(state.source)
        left = f"about {duration(state.seconds)} for the rest" if state.done < state.cells else "nothing left"
        if state.needs_gpu and state.done < state.cells:
            left = f"needs a GPU: about {duration(state.seconds)} here for the rest"
        print(f"{name}: {table.title}")
        for line in (
            f"python -m mmbench run --table {name} {more}",
            f"data: {state.data}",
            f"profile {table.profile}; {state.done} of {state.cells} cells done in {options.runs}; {left}",
            *([_numbers(table, verdicts if state.done else None)] if table.numbers else []),
            f"report {table.report}; rows: {', '.join(table.methods)}",
            *([table.note] if table.note else []),
        ):
            print(textwrap.fill(line, 110, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))
    if root is not None and any(papers.found_in(table.dataset, root) for table in tables.values()):
        print("What is found is a data set's folder: `python -m mmbench data verify NAME` tells what is missing in it.")
    if root is None:
        print(f"No data were looked for: give --data-root FOLDER or set {DATA_VARIABLE}.")
    if here.machine.why:
        print(f"{here.machine.why}: `run` measures again.")
    words = " and ".join(source.words for source in sorted(sources))
    print(f"Times are of one cell after the other: {words}. {here.machine.gpu}.")
    return 0


def _numbers(table: PaperTable, verdicts: VerdictCounts | None) -> str:
    """How many numbers it prints and, where there are results, how many have which verdict."""
    from mmbench.planning.papers import printed

    total = sum(printed()[place] for place in table.numbers)
    counted: Counter[str] = Counter()
    if verdicts:
        for place in table.numbers:
            counted.update(verdicts.of(table.dataset, table.profile).get(place, {}))
    if not counted:
        return f"numbers: {total}, none beside a result"
    counted["no result"] = total - counted.total()
    return f"numbers: {total}; {', '.join(f'{verdict} {count}' for verdict, count in counted.items() if count)}"
