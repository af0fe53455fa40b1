"""The command ``merge``: the finished cells of several runs folders, such as of several machines, in one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
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
    from mmbench.store.folder import expect_cells

    into: Path = options.into
    for runs in options.folders:
        expect_cells(runs, "RUNS")
        if runs.resolve() == into.resolve():
            raise UserError(f"--into {into}: the folder that is to be merged; name another one")
        if runs.resolve().is_relative_to(into.resolve()) or into.resolve().is_relative_to(runs.resolve()):
            raise UserError(f"--into {into}: lies in {runs}, or {runs} in it; name a folder beside it")
    if into.exists() and not into.is_dir():
        raise UserError(f"--into {into}: no folder")
    into.mkdir(parents=True, exist_ok=True)
    counts, trouble = merging.copy_all(merging.union([into, *options.folders]), into)
    print_copied(counts, trouble, f"Results: {into}")
    return 1 if trouble else 0


def print_copied(counts: Mapping[str, int], trouble: Sequence[str], where: str) -> None:
    """Say what :func:`mmbench.store.merging.copy_all` did."""
    for line in trouble:
        print(shown(line))
    print(f"{', '.join(f'{count} {what}' for what, count in counts.items())}. {where}")
