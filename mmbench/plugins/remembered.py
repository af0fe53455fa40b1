"""What was read out of source files, kept in the cache folder by their size and time of modification.

To parse a method and all that it imports takes longer than the rest of a plan. The file may be deleted any time; one
that is damaged is as one that is not there, and where the folder cannot be written, nothing is kept.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmbench.errors import UserError
from mmbench.given.files import parse_json, path_of, read_bytes

CACHE_VARIABLE = "MMBENCH_CACHE"
FRESH = 2.0  # seconds: a file that was just written may be written again within the same tick of the clock
LIMIT = 4096  # entries, after which a file begins anew: checkouts come and go


def cache_folder() -> Path:
    """``$MMBENCH_CACHE``, else ``~/.cache/mmbench``. Raises UserError where nobody's home folder is known."""
    try:
        return path_of(os.environ.get(CACHE_VARIABLE) or "~/.cache/mmbench")
    except UserError as error:
        raise UserError(f"{error}, for decoded images, in {CACHE_VARIABLE}") from error


class Remembered:
    """One file of answers about source files.

    Args:
        path: the file; None where there is no cache folder, and nothing is kept.
        makers: source files of the code that makes the answers; where one of them is another, nothing is believed.
    """

    def __init__(self, path: Path | None, makers: tuple[Path, ...]) -> None:
        self.path = path
        self.form = [list(stamp(maker)) for maker in makers]
        self.changed = False
        self.known: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError, RecursionError, TypeError, KeyError):
            kept = parse_json(read_bytes(path)) if path else {"form": []}
            if kept["form"] == self.form and isinstance(kept["known"], dict):
                self.known = kept["known"]

    def of(self, file: Path, question: str, answer: Callable[[], Any]) -> Any:
        """What is kept of a file under a question, or the answer made now.

        Args:
            answer: makes what JSON holds without loss. What it raises is not kept.
        """
        key, now = f"{file}\n{question}", list(stamp(file))
        kept = self.known.get(key)
        if isinstance(kept, list) and len(kept) == 2 and kept[0] == now:
            return kept[1]
        made = answer()
        if now and time.time() - now[0] / 1e9 > FRESH:
            self.known[key] = [now, made]
            self.changed = True
        return made

    def save(self) -> None:
        """Write what is new."""
        if not self.changed or not self.known or not self.path:
            return
        if len(self.known) > LIMIT:
            self.known.clear()
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps({"form": self.form, "known": self.known}), encoding="utf-8")
            beside.replace(self.path)
            self.changed = False


@functools.cache
def remembered(name: str, *makers: Path) -> Remembered:
    """The process's own :class:`Remembered` of a name, written when the process ends."""
    try:
        path = cache_folder() / f"{name}.json"
    except UserError:
        path = None
    made = Remembered(path, makers)
    atexit.register(made.save)
    return made


def stamp(path: Path) -> tuple[int, ...]:
    """What tells a file from another: time of modification in nanoseconds, size, inode; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
