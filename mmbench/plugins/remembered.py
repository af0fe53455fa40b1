"""What was read out of source files, kept in the cache folder by their size and time of modification.

To parse a method and all that it imports takes longer than the rest of a plan. The file may be deleted any time; one
that is damaged is as one that is not there, and where the folder cannot be written, nothing is kept. Its last line is
the SHA-256 of the rest: an answer in which one letter is another would often be believed too.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
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
LIMIT = 4096  # entries: checkouts come and go


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
        limit: entries, after which the file begins anew.
    """

    def __init__(self, path: Path | None, makers: tuple[Path, ...], limit: int = LIMIT) -> None:
        self.limit = limit
        self.path = path
        self.form = [list(stamp(maker)) for maker in makers]
        self.changed = False
        self.known: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError, RecursionError, TypeError, KeyError):
            content, _, seal = (read_bytes(path) if path else b"").rpartition(b"\n")
            kept = parse_json(content) if seal == _seal(content) else {"form": None}
            if kept["form"] == self.form and isinstance(kept["known"], dict):
                self.known = kept["known"]

    def of(self, file: Path, question: str, answer: Callable[[], Any]) -> Any:
        """What is kept of a file under a question, or the answer made now.

        Args:
            answer: makes what JSON holds without loss. What it raises is not kept.
        """
        now = list(stamp(file))
        same, kept = self.last(file, question)
        if same:
            return kept
        made = answer()
        self._keep(file, question, made, now)
        return made

    def last(self, file: Path, question: str) -> tuple[bool, Any]:
        """Whether the file is still the one that an answer is kept of, and that answer; None where there is none."""
        kept = self.known.get(f"{file}\n{question}")
        if not isinstance(kept, list) or len(kept) != 2:
            return False, None
        return kept[0] == list(stamp(file)), kept[1]

    def keep(self, file: Path, question: str, made: Any) -> None:
        """An answer that was made just now, in place of what was kept."""
        self._keep(file, question, made, list(stamp(file)))

    def _keep(self, file: Path, question: str, made: Any, now: list[int]) -> None:
        if now and time.time() - now[0] / 1e9 > FRESH:
            self.known[f"{file}\n{question}"] = [now, made]
            self.changed = True

    def save(self) -> None:
        """Write what is new."""
        if not self.changed or not self.known or not self.path:
            return
        if len(self.known) > self.limit:
            self.known.clear()
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            content = json.dumps({"form": self.form, "known": self.known}).encode()
            beside.write_bytes(content + b"\n" + _seal(content))
            beside.replace(self.path)
            self.changed = False


@functools.cache
def remembered(name: str, *makers: Path, limit: int = LIMIT) -> Remembered:
    """The process's own :class:`Remembered` of a name, written when the process ends."""
    try:
        path = cache_folder() / f"{name}.json"
    except UserError:
        path = None
    made = Remembered(path, makers, limit)
    atexit.register(made.save)
    return made


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def stamp(path: Path) -> tuple[int, ...]:
    """What tells a file from another: time of modification in nanoseconds, size, inode, and the time of the last change
    of any of them, which programs cannot set back; empty where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns
