"""Train and evaluate one cell, in a process of its own: ``python -m mmbench.cell`` with an order on standard input.

Progress goes to standard output as JSON lines. Exit code: 0 done, 1 failed (``traceback.txt`` in the folder),
2 bad input (one line says what to change), 3 diverged, 4 asked to end by a signal, after a checkpoint. What counts is
the state in the folder, not the code.

Of a cell that several processes share this is each of them; those whose order has a rank train along and write nothing.

The order is one line. Of an order that is ``watched`` standard input stays open as long as the run lives that gave it:
where it ends, the cell ends, and its lock is free.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from mmbench.cells.ends import end_with_run, reason
from mmbench.cells.work import Work
from mmbench.errors import UserError
from mmbench.launching import messages, progress
from mmbench.launching.heartbeat import Heartbeat
from mmbench.planning.order import Order
from mmbench.store.files import write_bytes
from mmbench.store.folder import TRACEBACK, CellFolder
from mmbench.store.living import SIGNALS, STOPPED
from mmbench.training.loop import DivergedError
from mmbench.training.stopping import Stop, StoppedError

DONE, FAILED, USER, DIVERGED = 0, 1, 2, 3  # and STOPPED


class CellRun:
    """One cell under its lock: its work, and what the folder says of how it ended."""

    def __init__(self, order: Order, say: Callable[[str, int, int], None]) -> None:
        self.order, self.say = order, say
        self.heart: Heartbeat | None = None
        self.stop = Stop()
        self.work = Work(order, self.stop, self._lose)
        self.folder = self.work.folder

    def run(self) -> int:
        """Do the cell unless it is done. Returns the exit code."""
        self.folder.make_room()
        lock = self.folder.lock(self.order.ticket)
        if not lock.take(wait=False):
            self.say(progress.WAITS, 0, 0)
        with lock:
            if self.folder.state(self.order.key) == "done":
                return DONE
            self.folder.start_over(self.order.key)
            try:
                with Heartbeat(self.folder.path, self.say) as self.heart:
                    self.say = self.heart
                    return self._guarded()
            except StoppedError as error:
                return self._stopped(error)

    def assist(self) -> int:
        """Train along with the cell's first process. Returns the exit code."""
        try:
            self.work.do(self.say)
        except StoppedError:
            return STOPPED
        return DONE

    def _stopped(self, error: StoppedError) -> int:
        saved, state = self.folder.saved_step(), self.folder.state(self.order.key)
        if self.heart and state != "done":
            self.heart.write(ended=f"{error}, {f'saved at step {saved}' if saved else 'nothing of it is saved yet'}")
        return STOPPED

    def _guarded(self) -> int:
        try:
            self.work.do(self.say)
        except DivergedError as error:
            return self._ended("diverged", str(error), DIVERGED)
        except (UserError, BrokenPipeError):
            raise  # the latter: the run that started this cell is gone, and the next one goes on from here
        except (Exception, SystemExit) as error:  # a method that ends the process has not done its cell
            # Text of others may hold what no encoding has.
            write_bytes(self.folder.path / TRACEBACK, traceback.format_exc().encode(errors="backslashreplace"))
            return self._ended("failed", reason(error), FAILED)
        return DONE

    def _ended(self, state: str, reason: str, code: int) -> int:
        self.folder.set_failed(state, reason)
        print(f"{self.order.method}: {state}: {reason}", file=sys.stderr)
        return code

    def _lose(self, word: str) -> None:
        """End this process, because another one of the cell has died; the folder says so."""
        self._ended("failed", word, FAILED)
        os._exit(FAILED)

    def abandon(self) -> None:
        """End this process at once, because the run that started it is gone; the folder says so."""
        if self.heart:
            self.heart.write(ended="its run has died")
        os._exit(FAILED)


def _unheard(what: str, done: int, total: int) -> None:
    """Say nothing of progress: the first process does."""


def main() -> int:
    """Read an order, do the cell."""
    order = Order.from_json(sys.stdin.readline())
    if not order.rank:
        messages.emit()
    try:
        cell = CellRun(order, _unheard if order.rank else progress.Writer())
        if order.rank:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)  # they are for the first process, which says when to end
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        else:
            cell.stop.listen()
        if order.watched:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which then ends its cells
            end_with_run(cell.abandon)
        return cell.assist() if order.rank else cell.run()
    except BrokenPipeError:
        return FAILED
    except StoppedError:
        return STOPPED  # while it waited for another run
    except UserError as error:
        if not order.rank:
            CellFolder(Path(order.folder)).set_failed("failed", str(error))
        print(f"mmbench: {error}", file=sys.stderr)
        return USER


if __name__ == "__main__":
    sys.exit(main())
