"""The command ``list``: what there is, and which methods can run on a data set."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mmbench.commands.arguments import Once
from mmbench.errors import UserError
from mmbench.given.texts import shown

if TYPE_CHECKING:
    from mmbench.plugins.catalog import Card

LONGEST = 80  # letters of a name that cannot be used
KINDS = ("methods", "datasets", "reports", "metrics", "launchers", "sinks", "profiles")
HEADERS = ("name", "title", "kinds of task", "suites", "access", "source")
SHARES = (0.0, 0.5, 0.0, 0.0, 0.0, 0.5)  # of what a terminal has left beside columns that are not folded
NARROWEST = 12


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("what", nargs="?", choices=KINDS)
    parser.add_argument(
        "--dataset", action=Once, help="with methods: which can run on this data set, and why others cannot"
    )
    parser.set_defaults(function=_list)


def _list(options: argparse.Namespace) -> int:
    from mmbench.planning.config import profiles
    from mmbench.plugins import catalog
    from mmbench.plugins.remembered import cache_folder
    from mmbench.store import machine

    if options.dataset is not None:
        if options.what != catalog.METHODS:
            raise UserError(f"--dataset is for methods: mmbench list methods --dataset {options.dataset}")
        _fitting(options.dataset)
        return 0
    if options.what == catalog.METHODS:
        _methods(catalog.cards(catalog.METHODS).values())
        return 0
    for what in [options.what] if options.what else KINDS:
        if not options.what:
            print(f"{what}:")
        _titles(what, profiles() if what == catalog.PROFILES else catalog.cards(what))
        if what == catalog.PROFILES:
            print(f"  {machine.read(cache_folder()).gpu}")
    return 0


def _titles(what: str, cards: Mapping[str, Card]) -> None:
    """Names and titles of all plug-ins of a folder."""
    from mmbench.plugins import metrics

    width = max(22, *(len(card.name) for card in cards.values() if not card.problem))
    for card in cards.values():
        problem = metrics.problem_of(card) if what == metrics.FOLDER else card.problem
        text = f"cannot be read: {problem}" if problem else card.get("TITLE", "")
        print(f"  {shown(card.name):{width}.{LONGEST}} {shown(str(text))}")


def _methods(cards: Iterable[Card]) -> None:
    """What a choice goes by of methods; those that cannot be read stand below."""
    from tabulate import tabulate

    from mmbench.planning.selection import DEFAULT_SUITE

    rows, unread = [], []
    terminal = sys.stdout.isatty()
    between = "\n" if terminal else ", "
    for card in cards:
        if card.problem:
            unread.append(card)
            continue
        suites = card.get("SUITES", (DEFAULT_SUITE,) if card.get("IN_ALL", True) else ())
        kinds, suites = (between.join(shown(str(word)) for word in words) for words in (card["KINDS"], suites))
        name, title, source = (shown(str(text)) for text in (card.name, card["TITLE"], card.get("CITATION", "")))
        rows.append([name, title, kinds, suites, shown(str(card["ACCESS"])), source])
    if rows:
        folded = _widths(rows) if terminal else None
        print(tabulate(rows, HEADERS, tablefmt="simple", disable_numparse=True, maxcolwidths=folded))
    for card in unread:
        print(f"{shown(card.name):.{LONGEST}}  cannot be read: {shown(card.problem)}")


def _widths(rows: list[list[str]]) -> list[int | None]:
    """How wide each column may be on this terminal; None where its words stay on one line."""
    heads = [f"{head}  " for head in HEADERS]  # tabulate leaves that room
    columns = zip(zip(heads, *rows, strict=True), SHARES, strict=True)
    whole = [max(len(line) for text in column for line in text.split("\n")) for column, share in columns if not share]
    left = shutil.get_terminal_size().columns - sum(whole) - 2 * (len(SHARES) - 1)
    return [max(NARROWEST, int(left * share)) if share else None for share in SHARES]


def _fitting(dataset: str) -> None:
    """The methods that can run on a data set, and why the others cannot."""
    from mmbench.planning.selection import choose_datasets
    from mmbench.plugins import catalog

    (source,) = choose_datasets([dataset])
    kind = source.card["KIND"]
    cards = catalog.cards(catalog.METHODS).values()
    reasons = {card.name: _why_not(card, kind) for card in cards}
    print(f"{shown(source.label)}, {kind}:")
    print()
    _methods(card for card in cards if not reasons[card.name])
    print()
    print("cannot run on it:")
    width = max(22, *(len(card.name) for card in cards if not card.problem))
    for name, reason in reasons.items():
        if reason:
            print(f"  {shown(name):{width}.{LONGEST}} {shown(reason)}")


def _why_not(card: Card, kind: str) -> str:
    """Why a method cannot run on a kind of task; empty where it can."""
    from mmbench.planning.selection import check_kind
    from mmbench.plugins.catalog import lacking

    if card.problem:
        return f"cannot be read: {card.problem}"
    if card.get("ROLE") == "judge":
        return "a judge: it scores what others translate, and is trained where they need it"
    try:
        check_kind(card, kind)
    except UserError as error:
        return str(error).removeprefix(f"method {card.name!r} ")
    return lacking(card)
