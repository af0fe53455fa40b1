"""Which process is meant, whether it lives, and how it is asked to end.

Numbers of processes are used again, and mean nothing elsewhere.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

SIGNALS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM)
"""By which clusters, and runs, ask a cell to save itself and end."""

STOPPED = 4
"""Exit code of a cell's process that did."""


def started(process: Any) -> str:
    """When a process of this machine began, in the kernel's ticks since the boot; empty where there is none."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    return ""


def this_machine() -> str:
    """One string where numbers of processes mean the same: of a host, its boot, and a container in it."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


@functools.cache
def short_name() -> str:
    """The same as a part of a file's name: containers that are called alike have different ones."""
    host = re.sub(r"[^\w-]", "_", socket.gethostname())[:24]
    return f"{host}-{hashlib.sha256(this_machine().encode()).hexdigest()[:6]}"


@contextlib.contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Have SIGTERM, by which schedulers and containers end a program, do what Ctrl-C does."""

    def stop(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
