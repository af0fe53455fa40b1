"""How a cell's process ended: by what it left in its folder, never by its exit code alone."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from mmbench.planning.plan import Cell
from mmbench.planning.words import duration
from mmbench.store.folder import TRACEBACK, CellFolder
from mmbench.store.living import STOPPED


@dataclass(frozen=True)
class Outcome:
    """How a cell ended: done, found done, failed, diverged, blocked or interrupted (killed, or asked to end)."""

    cell: Cell
    state: str
    seconds: float = 0.0
    message: str = ""

    @property
    def line(self) -> str:
        """What a run says of it."""
        took = f" in {duration(self.seconds)}" if self.seconds else ""
        said = f" - {self.message}" if self.message else ""
        trace = self.cell.folder.path / TRACEBACK
        where = f" ({trace})" if self.state == "failed" and trace.is_file() else ""
        return f"{self.cell.name}: {self.state}{took}{said}{where}"


def how(folder: CellFolder, key: str, code: int, said: str) -> tuple[str, str]:
    """State and reason of a cell whose process has ended; ``running`` where another run has taken it over.

    A process that left no word in the folder has not done its cell, whatever its exit code, and the folder says so.

    Args:
        code: as ``subprocess`` has it: below 0 the signal that killed it.
        said: the last line that it wrote.
    """
    state, about = folder.look(key)
    if state in ("done", "running"):
        return state, ""
    if code == STOPPED:
        return "interrupted", folder.word() or said or "asked to end"
    if code < 0:
        return "interrupted", said or f"its process was ended by {_signal(-code)}"
    if state in ("failed", "diverged"):
        return state, said or str(about.get("reason", ""))
    if state == "interrupted" and (word := folder.word()):
        return state, word
    reason = f"its process ended with exit code {code} and left no result"
    folder.set_failed("failed", reason)
    return "failed", f"{reason}: {said}" if said else reason


def _signal(number: int) -> str:
    """``SIGKILL``; a number that has no name as it is."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
