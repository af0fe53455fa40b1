"""Which process is meant, and whether it lives: numbers of processes are used again, and mean nothing elsewhere."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any


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
