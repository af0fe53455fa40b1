"""A lease: what stands behind a lock where a file system's locks are not seen by all machines that have it.

``<lock>.lease-<n>`` says host, process and beat of whoever holds it, who writes it anew every :data:`BEAT` seconds.
A lease that was given back, whose process has died on this machine, or that has not changed for :data:`STALE` seconds
is taken over by making number ``n + 1``, which the file system lets one process do. A holder that was silent so long,
such as a machine that slept, finds the higher number and ends at once: it must not write any more.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from mmbench.given.files import read_bytes
from mmbench.store.files import write_bytes
from mmbench.store.living import started, this_machine

BEAT, STALE = 10.0, 60.0
LOST = 1  # exit code of a holder that was taken over

_seen: dict[Path, tuple[bytes, float]] = {}  # what a lease of others said, and since when


class Lease:
    """For the lock file ``path``. ``take``, ``hand_over`` and ``release`` go with those of its :class:`Lock`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number, self.secret, self._beats = 0, "", 0
        self._ends, self._handed = threading.Event(), False
        self._beating: threading.Thread | None = None

    @classmethod
    def adopted(cls, path: Path, token: str) -> Lease:
        """The one that the parent process took and handed over. Raises ValueError where the token is not of it."""
        lease = cls(path)
        number, _, lease.secret = token.partition("-")
        lease.number = int(number)
        if lease._read(lease.number).get("secret") != lease.secret:
            raise ValueError(f"{path}: {token!r} is no token of its lease")
        lease._begin()
        return lease

    @property
    def token(self) -> str:
        """What a child has to be told."""
        return f"{self.number}-{self.secret}" if self.secret else ""

    def take(self) -> bool:
        """Hold it, unless a living process on any machine does. Raises OSError where it cannot be written."""
        number = max(self._numbers(), default=0)
        if number and not self._is_over(number):
            return False
        secret = secrets.token_hex(8)
        try:
            descriptor = os.open(self._file(number + 1), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        os.close(descriptor)
        if max(self._numbers()) > number + 1:  # it was taken, given back and taken again since the look above
            self._file(number + 1).unlink(missing_ok=True)
            return False
        self.number, self.secret, self._beats = number + 1, secret, 0
        self._begin()
        for older in self._numbers():
            if older < self.number:
                self._file(older).unlink(missing_ok=True)
        return True

    def hand_over(self) -> None:
        """Leave it to the child that was told the token; it beats on until that one has adopted it."""
        self._handed = True

    def forget(self) -> None:
        """Have nothing to do with it any more, as a forked process."""
        self.secret = ""

    def child_ended(self) -> None:
        """Give back what the child that it was handed to has not given back: it died, before or after adopting it."""
        self._stop()
        about = self._read(self.number)
        if about.get("secret") == self.secret and not about.get("released"):
            self.release()

    def release(self) -> None:
        """Give it back."""
        if self.secret:
            self._stop()
            with contextlib.suppress(OSError):
                self._write(released=True)
            self.secret = ""

    def is_held(self) -> bool:
        """Whether somebody has it, as far as one look can tell; clocks may differ by as much as a lease lasts."""
        number = max(self._numbers(), default=0)
        if not number:
            return False
        about = self._read(number)
        if about.get("machine") == this_machine() or about.get("released"):
            return not self._is_over(number)
        with contextlib.suppress(OSError):
            return time.time() - self._file(number).stat().st_mtime < 2 * STALE
        return False

    def _file(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.lease-{number}")

    def _numbers(self) -> list[int]:
        names = (path.name.rpartition("-")[2] for path in self.path.parent.glob(f"{self.path.name}.lease-*"))
        return [int(name) for name in names if name.isdigit()]

    def _read(self, number: int) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError, RecursionError):
            about = json.loads(read_bytes(self._file(number)))
            return about if isinstance(about, dict) else {}
        return {}

    def _is_over(self, number: int) -> bool:
        """Whether a lease was given back, its process has died here, or it has not moved for long before our eyes."""
        about, path = self._read(number), self._file(number)
        if about.get("released"):
            return True
        if about.get("machine") == this_machine():
            return started(about.get("process")) != about.get("started")
        content, now = json.dumps(about).encode(), time.monotonic()
        if (known := _seen.get(path)) is None or known[0] != content:
            _seen[path] = content, now
            return False
        return now - known[1] >= STALE

    def _begin(self) -> None:
        self._ends.clear()
        self._write()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def _stop(self) -> None:
        """Beat no more: a beat that is being written would stand over what is written next."""
        self._ends.set()
        if self._beating is not None:
            self._beating.join()

    def _beat(self) -> None:
        while not self._ends.wait(BEAT):
            # Of a disk that is full, or a network folder that does not answer, the next beat may see more.
            with contextlib.suppress(OSError):
                if max(self._numbers(), default=0) > self.number:
                    if self._handed:
                        return  # the child says so
                    print(f"mmbench: {self.path}: another process took it over after a silence", file=sys.stderr)
                    sys.stderr.flush()
                    os._exit(LOST)
                if self._handed and self._read(self.number).get("process") != os.getpid():
                    return
                self._write()

    def _write(self, released: bool = False) -> None:
        self._beats += 1
        about = {
            "host": socket.gethostname(), "process": os.getpid(), "started": started(os.getpid()),
            "machine": this_machine(), "secret": self.secret, "beat": self._beats,
            **({"released": True} if released else {}),
        }  # fmt: skip
        write_bytes(self._file(self.number), json.dumps(about).encode())
