"""A process that is asked to end: what it is training is saved at the next step, anything else is left at once.

Clusters send a signal before a job's time is up, before it makes way for another one, and when it is cancelled.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from mmbench.store.living import SIGNALS


class StoppedError(BaseException):
    """The process was asked to end. Not an Exception, so that no plug-in takes it for an error of its own."""


class Stop:
    """Whether a signal asked this process to end; more than one are as one.

    Outside of :meth:`deferred` the signal raises :class:`StoppedError` where the process is: what it does there is done
    again by whoever goes on, as after a kill.
    """

    def __init__(self) -> None:
        self.asked = ""
        self._process, self._deferred = os.getpid(), False

    def listen(self) -> None:
        """Take the signals; only a process's main thread can."""
        for number in SIGNALS:
            signal.signal(number, self._take)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Within, whoever works looks at :attr:`asked`, leaves all in order and calls :meth:`end`."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        if self.asked:
            self.end()

    def now(self) -> bool:
        """Whether to end after the present step."""
        return bool(self.asked)

    def end(self) -> NoReturn:
        """Raise StoppedError."""
        raise StoppedError(f"asked to end by {self.asked}")

    def _take(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            return  # a worker that was forked: the signal went to all processes of a job
        first, self.asked = not self.asked, signal.Signals(number).name
        if first and not self._deferred:
            self.end()
