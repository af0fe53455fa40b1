"""The command ``check``: a plug-in held against its contract, a line per check."""

from __future__ import annotations

import argparse

from mmbench.commands.arguments import add_data_root
from mmbench.errors import UserError

KINDS = ("method", "dataset", "metric", "report")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its argument and options, and what it does."""
    parser.add_argument("name", help="of a method, data set, metric or report, mmbench's own or yours")
    parser.add_argument("--kind", choices=KINDS, help="which one, where several kinds share the name (default: all)")
    add_data_root(parser, "folder that holds the data set (or set MMBENCH_DATA)")
    parser.set_defaults(function=_check)


def _check(options: argparse.Namespace) -> int:
    import tempfile
    from pathlib import Path

    from mmbench.contracts.plugins import contracts_of, named
    from mmbench.training.device import use_threads

    cards = [card for card in named(options.name) if options.kind in (None, card.folder.removesuffix("s"))]
    if not cards:
        raise UserError(f"no {options.kind} named {options.name!r}; leave --kind out")
    if broken := next((card for card in cards if card.problem), None):
        print(f"{broken.folder.removesuffix('s')} {broken.name}, {broken.path}")
        print(f"  WRONG {'card':15} {broken.problem}")
        return 1
    use_threads(1)
    problems = 0
    with tempfile.TemporaryDirectory(prefix="mmbench-") as scratch:
        for card in cards:
            for contract in contracts_of(card, options.data_root, Path(scratch)):
                about = f" ({contract.about})" if contract.about else ""
                print(f"{card.folder.removesuffix('s')} {card.name}{about}, {card.path}")
                for finding in contract.findings():
                    state = "WRONG" if finding.problem else "-" if finding.unchecked else "ok"
                    unchecked = f"not checked: {finding.unchecked}" if finding.unchecked else ""
                    text = finding.problem or unchecked or finding.check.rule
                    print(f"  {state:5} {finding.check.name:15} {text}", flush=True)
                    problems += bool(finding.problem)
    print(f"{problems or 'no'} check{'' if problems == 1 else 's'} broken")
    return 1 if problems else 0
