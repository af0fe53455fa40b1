"""How a cell's process ends beside being done: with its run, and with an error told in a line."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def end_with_run(abandon: Callable[[], None]) -> None:
    """Call ``abandon``, in a thread, once the other end of standard input is closed, by whatever end of its process."""
    threading.Thread(target=_wait_for_the_end, args=(abandon,), daemon=True).start()


def reason(error: BaseException) -> str:
    """One line; what its text raises is no reason to leave none."""
    try:
        text = str(error)
    except Exception:
        text = "its text cannot be made"
    return f"{type(error).__name__}: {text}".splitlines()[0]


def _wait_for_the_end(abandon: Callable[[], None]) -> None:
    try:
        while os.read(0, 4096):  # not through sys.stdin, whose lock would be held when the interpreter ends
            pass
    except OSError:
        return
    abandon()
