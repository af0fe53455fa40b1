"""The command ``list``: what there is."""

from __future__ import annotations

import argparse

from mmbench.given.texts import shown

LONGEST = 80  # letters of a name that cannot be used
KINDS = ("methods", "datasets", "reports", "metrics", "launchers", "sinks", "profiles")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its argument, and what it does."""
    parser.add_argument("what", nargs="?", choices=KINDS)
    parser.set_defaults(function=_list)


def _list(options: argparse.Namespace) -> int:
    from mmbench.planning.config import profiles
    from mmbench.plugins import catalog, metrics
    from mmbench.plugins.remembered import cache_folder
    from mmbench.store import machine

    for what in [options.what] if options.what else KINDS:
        if not options.what:
            print(f"{what}:")
        cards = profiles() if what == catalog.PROFILES else catalog.cards(what)
        width = max(22, *(len(card.name) for card in cards.values() if not card.problem))
        for card in cards.values():
            problem = metrics.problem_of(card) if what == metrics.FOLDER else card.problem
            text = f"cannot be read: {problem}" if problem else card.get("TITLE", "")
            print(f"  {shown(card.name):{width}.{LONGEST}} {shown(str(text))}")
        if what == catalog.PROFILES:
            print(f"  {machine.read(cache_folder()).gpu}")
    return 0
