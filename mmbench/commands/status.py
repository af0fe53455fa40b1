"""The command ``status``: what runs do on a folder, read off its files alone, so that any machine can ask."""

from __future__ import annotations

import argparse
import time

from mmbench.commands.arguments import add_runs
from mmbench.errors import UserError

WATCH = 10.0
DAY = 86400
CLEAR = "\x1b[H\x1b[2J"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    add_runs(parser)
    parser.add_argument("--all", action="store_true", help="every cell, also those that are done")
    parser.add_argument(
        "--watch", nargs="?", type=float, const=WATCH, metavar="SECONDS",
        help=f"again and again, every {WATCH:g} seconds, until Ctrl-C",
    )  # fmt: skip
    parser.set_defaults(function=_status)


def _status(options: argparse.Namespace) -> int:
    from mmbench.launching.standing import lines

    if not options.runs.is_dir():
        raise UserError(f"--runs {options.runs}: no such folder; `python -m mmbench run` makes results there")
    if options.watch is not None and not 0 < options.watch <= DAY:
        raise UserError(f"--watch {options.watch}: expected seconds, more than 0 and at most {DAY}, a day")
    while True:
        text = "\n".join(lines(options.runs, options.all))
        print(f"{CLEAR if options.watch else ''}{text}", flush=True)
        if not options.watch:
            return 0
        time.sleep(options.watch)
