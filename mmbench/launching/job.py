"""A cell in somebody else's job: what a launcher has to run on the machine that the job was given."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from mmbench.launching import messages, progress
from mmbench.launching.ends import how
from mmbench.planning.order import Order
from mmbench.store.folder import CellFolder
from mmbench.store.living import SIGNALS


@dataclass(frozen=True)
class Ended:
    """How a cell ended in a job.

    Attributes:
        state: as of its folder; ``running`` where another process works on it.
        message: the reason, in one line.
        asked: the signal that asked the job to end, such as ``SIGUSR2``; empty without one.
        moved: whether more of it is saved than before.
    """

    state: str
    message: str = ""
    asked: str = ""
    moved: bool = False


def carry_out(text: str) -> Ended:
    """Do a cell in a process of its own, which ends with this one; one that is done already is left alone.

    Signals by which clusters announce the end of a job are passed on: the cell then saves a checkpoint, and ends. What
    plug-ins print, warnings and errors go to standard output; progress is in the folder.

    Args:
        text: the order, as JSON in one line.
    """
    order = Order.from_json(text)
    folder = CellFolder(Path(order.folder))
    before = folder.saved_step()
    process = subprocess.Popen(
        [sys.executable, "-m", "mmbench.cell"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "OMP_NUM_THREADS": str(order.threads)}, encoding="utf-8", errors="replace",
    )  # fmt: skip
    assert process.stdin and process.stdout
    with _passing_on(process) as asked:
        with contextlib.suppress(BrokenPipeError):  # it died at once; its folder tells how
            process.stdin.write(f"{order.to_json()}\n")
            process.stdin.flush()
        said = ""
        for line in process.stdout:
            if progress.parse(line):
                continue
            message = messages.parse(line)
            print(message.line if message else line.rstrip(), flush=True)
            said = said if message else line.strip() or said
        code = process.wait()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    signalled = asked[0] if asked else ""
    state, reason = how(folder, order.key, code, said)  # running: it was asked to end while it waited for another run
    return Ended(state, reason, signalled, folder.saved_step() > before)


@contextlib.contextmanager
def _passing_on(process: subprocess.Popen[str]) -> Iterator[list[str]]:
    """Within, signals go to a process; yields their names. Without a main thread nothing is passed on."""
    asked: list[str] = []

    def take(number: int, frame: FrameType | None) -> None:
        asked.append(signal.Signals(number).name)
        process.send_signal(number)

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, take) for number in SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
