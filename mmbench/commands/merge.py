"""The command ``merge``: the finished cells of several runs folders, such as of several machines, in one."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from mmbench.commands.arguments import read_path
from mmbench.errors import UserError
from mmbench.given.texts import shown


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.add_argument("folders", nargs="+", type=read_path, metavar="RUNS", help="runs folders")
    parser.add_argument("--into", type=read_path, required=True, metavar="RUNS", help="the runs folder to copy to")
    parser.set_defaults(function=_merge)


def _merge(options: argparse.Namespace) -> int:
    from mmbench.store import merging
    from mmbench.store.folder import CellFolder, expect_cells

    into: Path = options.into
    for runs in options.folders:
        expect_cells(runs)
        if runs.resolve() == into.resolve():
            raise UserError(f"--into {into}: the folder that is to be merged; name another one")
        if runs.resolve().is_relative_to(into.resolve()) or into.resolve().is_relative_to(runs.resolve()):
            raise UserError(f"--into {into}: lies in {runs}, or {runs} in it; name a folder beside it")
    if into.exists() and not into.is_dir():
        raise UserError(f"--into {into}: no folder")
    into.mkdir(parents=True, exist_ok=True)
    merged = merging.union([into, *options.folders])
    counts, trouble = Counter[str](), list(merged.conflicts)
    for name, choice in merged.cells.items():
        if choice.runs == into:
            counts["there already"] += 1
        elif choice.state != "done":
            counts[f"{choice.state}, left out"] += 1
        elif (state := CellFolder(into / name).state()) != "absent":
            trouble.append(f"{name}: {state} in {into}; delete it there, or end its run")
        elif problem := merging.copy(choice, into):
            trouble.append(problem)
        else:
            counts["copied"] += 1
    for line in trouble:
        print(shown(line))
    print(f"{', '.join(f'{count} {what}' for what, count in counts.items())}. Results: {into}")
    return 1 if trouble else 0
