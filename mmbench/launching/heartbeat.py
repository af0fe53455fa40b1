"""A cell's word on how it is, in a file that any machine can read: ``progress.json`` in its folder.

Locks tell whether a process lives, but not where, and on some network file systems not even that.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from mmbench.launching.progress import Progress
from mmbench.launching.remaining import Pace
from mmbench.store.files import write_json
from mmbench.store.folder import PROGRESS

EVERY = 10.0  # seconds between beats


class Heartbeat:
    """Writes host, process, time and the latest progress every :data:`EVERY` seconds while it is entered.

    A cell that ends in an orderly way leaves no file: its state says all.

    Args:
        cell: its folder, whose lock is held.
        say: is told the progress too.
    """

    def __init__(self, cell: Path, say: Callable[[str, int, int], None]) -> None:
        self.path, self.say = cell / PROGRESS, say
        self.latest = Progress("start", 0, 0)
        self.moved = _now()
        self.pace = Pace()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take up progress, and pass it on."""
        if (latest := Progress(what, done, total)) != self.latest:
            self.latest, self.moved = latest, _now()
            self.pace.note(latest, time.monotonic())
        self.say(what, done, total)

    def write(self, ended: str = "") -> None:
        """Write the file now; ``ended`` says why the process ends. A disk that is full stops no cell."""
        left = self.pace.left()
        about = {
            "host": socket.gethostname(), "process": os.getpid(), "time": _now(), "moved": self.moved,
            "left": None if left is None else round(left),
        }  # fmt: skip
        with contextlib.suppress(OSError):
            write_json(self.path, {**about, **asdict(self.latest), **({"ended": ended} if ended else {})})

    def _beat(self) -> None:
        while not self._ends.wait(EVERY):
            self.write()

    def __enter__(self) -> Heartbeat:
        self.write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self.path.unlink()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
