"""A cell's progress on its way to the user: JSON lines on the standard output of its process."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass

EVERY = 0.2  # seconds between lines
MOST = 2**53  # steps; what a plug-in prints may be any number
# Some work says nothing for long: summing up an evaluation, a slow disk. What does not move for six hours hangs.
STALL_MINUTES = 360.0
WAITS = "wait for another run"  # the work of a cell that another process does at the moment


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` steps or images of one kind of work, such as ``prepare data``."""

    what: str
    done: int
    total: int


class Writer:
    """In a cell's process: writes progress, at most every :data:`EVERY` seconds; the end of a work always."""

    def __init__(self) -> None:
        self.last = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Raises BrokenPipeError where nobody reads any more."""
        now = time.monotonic()
        if now - self.last >= EVERY or done >= total:
            self.last = now
            print(json.dumps(asdict(Progress(what, done, total))), flush=True)


def parse(line: str) -> Progress | None:
    """The progress on a line of a cell's standard output; None where it is something else, such as a plug-in's print.

    What a line holds beside it is left out.
    """
    try:
        found = json.loads(line)
        made = Progress(str(found["what"]), int(found["done"]), int(found["total"]))
        return made if 0 <= made.done <= made.total <= MOST else None
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return None
