"""The journal of a runs folder: a line for every cell that was finished, appended and never changed.

``journal.jsonl`` tells of cells that are not there any more. A runs folder of older code has none.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mmbench.given.files import read_bytes

FILE = "journal.jsonl"


def enter(runs: Path, cell: str, key: str) -> None:
    """Append that a cell was finished just now. Where the file cannot be written, nothing is kept."""
    line = json.dumps({"cell": cell, "key": key, "finished": datetime.now(UTC).isoformat(timespec="seconds")})
    with contextlib.suppress(OSError):
        descriptor = os.open(runs / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            # One write, so that lines of several processes do not mix; what a killed one left half ends here.
            os.write(descriptor, f"\n{line}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def finished(runs: Path) -> tuple[Mapping[str, Mapping[str, Any]], list[str]]:
    """The latest line of each cell, by its name, and a note for what cannot be read."""
    path = runs / FILE
    try:
        lines = read_bytes(path).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [f"{path}: damaged ({error.strerror})"]
    found: dict[str, Mapping[str, Any]] = {}
    damaged = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line) if line.strip() else None
            if entry is not None:
                found[str(entry["cell"])] = entry
        except (ValueError, KeyError, TypeError, RecursionError):
            damaged.append(str(number))
    return found, [f"{path}: damaged (line {', '.join(damaged[:3])})"] if damaged else []
