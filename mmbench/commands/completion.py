"""Completion in bash, zsh and fish: commands and options, and the names that options take, those of plug-ins too.

The shell runs ``mmbench`` itself for every TAB, so nothing that takes long may be imported on the way.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from typing import Any

from mmbench.errors import UserError

SHELLS = ("bash", "zsh", "fish")
ASKED = "_ARGCOMPLETE"  # set by the shell where it asks for completions
HOW = {
    "bash": 'eval "$(mmbench completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(mmbench completion zsh)" in ~/.zshrc, behind compinit',
    "fish": "mmbench completion fish | source in ~/.config/fish/config.fish",
}

Completer = Callable[..., Iterable[str]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its argument, and what it does."""
    parser.add_argument("shell", choices=SHELLS, help="; ".join(HOW.values()))
    parser.set_defaults(function=_script)


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell that asks for completions and end; do nothing where none asks."""
    if ASKED not in os.environ:
        return
    import argcomplete

    for own in _parsers(parser):
        for action in own._actions:
            if action.dest in COMPLETERS and (own.prog.split()[-1], action.dest) not in FREE:
                action.completer = COMPLETERS[action.dest]  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def _script(options: argparse.Namespace) -> int:
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError:
        raise UserError("completion needs the package argcomplete: pip install argcomplete") from None
    print(shellcode(["mmbench"], shell=options.shell))
    return 0


def _parsers(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    """A parser and those of its commands and their actions."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for own in action.choices.values():
                yield from _parsers(own)


def _names(*folders: str, more: tuple[str, ...] = (), judges: bool = False) -> Completer:
    """Names of plug-ins; behind a comma the next one, without those that stand before it."""

    def completer(prefix: str = "", **_: Any) -> list[str]:
        from mmbench.plugins import catalog

        cards = [card for folder in folders for card in catalog.cards(folder).values() if not card.problem]
        found = [card.name for card in cards if judges or card.get("ROLE") != "judge"]
        before, comma, _last = prefix.rpartition(",")
        given = before.split(",") if comma else ()
        return [f"{before}{comma}{name}" for name in dict.fromkeys([*found, *more]) if name not in given]

    return completer


def _suites(prefix: str = "", **_: Any) -> list[str]:
    from mmbench.planning.selection import EVERYTHING, suites

    return [*suites(), EVERYTHING]


def _tables(prefix: str = "", **_: Any) -> list[str]:
    from mmbench.planning.papers import papers

    return list(papers().tables)


def _sets_and_folders(prefix: str = "", **_: Any) -> list[str]:
    """Data sets, and folders of own images where none begins so."""
    from argcomplete.completers import DirectoriesCompleter

    found = [name for name in _names("datasets")(prefix) if name.startswith(prefix)]
    return found or list(DirectoriesCompleter()(prefix))


COMPLETERS: dict[str, Completer] = {
    "methods": _names("methods", more=("all",)),
    "method": _names("methods", judges=True),
    "dataset": _sets_and_folders,
    "profile": _names("profiles"),
    "launcher": _names("launchers", more=("local",)),
    "suite": _suites,
    "table": _tables,
    "name": _names("methods", "datasets", "metrics", "reports"),
    "names": _names("reports"),
}
FREE = {("new", "name"), ("papers", "names")}  # a name of one's own; the papers' tables
