"""A cell as a process on this machine: its cores, its GPU, its progress, how it ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from mmbench.launching import messages, progress
from mmbench.launching.ends import Outcome, how
from mmbench.launching.remaining import Pace
from mmbench.planning.order import Order
from mmbench.planning.plan import Cell
from mmbench.planning.words import duration
from mmbench.store.lock import Lock
from mmbench.store.processors import GPUS_VARIABLE, visible_gpus

PLAIN_EVERY = 60.0  # seconds between progress lines where there is no terminal
ERRORS = 200  # lines of standard error that are kept: the last one is shown


def gpus_of(slot: int, count: int, gpus: Sequence[str]) -> list[str]:
    """The GPUs of the cell in a slot, ``count`` of its own as long as there are enough."""
    return [gpus[(slot * count + n) % len(gpus)] for n in range(count)]


class LocalProcess:
    """A cell's process on this machine, and the display of its progress.

    Args:
        slot: number of the place it takes among the cells that run beside it; GPUs are handed out by it.
        say: shows a line to the user.
        lock: of the cell, held; the process has it from then on, this one no longer.
    """

    def __init__(self, cell: Cell, order: Order, slot: int, say: Callable[[str], None], lock: Lock) -> None:
        self.cell, self.slot, self.say, self._lock = cell, slot, say, lock
        self.started = self.last_line = self.moved = time.monotonic()
        self.latest: progress.Progress | None = None
        self.pace = Pace()
        from tqdm import tqdm  # takes as long to import as a plan to make

        self.bar = tqdm(
            total=cell.steps, desc=cell.name, position=slot, leave=False, unit="step", disable=not sys.stderr.isatty()
        )
        environment = {**os.environ, "OMP_NUM_THREADS": str(order.threads)}
        if gpus := visible_gpus():
            environment[GPUS_VARIABLE] = ",".join(gpus_of(slot, order.processes, gpus))
        order = replace(order, ticket=lock.ticket)
        with lock:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mmbench.cell"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                encoding="utf-8", errors="replace",  # whatever a plug-in prints, its reader reads on
                pass_fds=lock.descriptors,
            )  # fmt: skip
            lock.hand_over()
        self.errors: deque[str] = deque(maxlen=ERRORS)
        self.readers = [
            threading.Thread(target=self._read_progress, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self.readers:
            reader.start()
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the process died at once; poll() tells how
            # It stays open: the kernel closes it when this process ends, however it ends, and the cell ends then.
            self.process.stdin.write(f"{order.to_json()}\n")
            self.process.stdin.flush()

    def poll(self) -> Outcome | None:
        """The outcome once the process has ended; shows progress until then."""
        self._show()
        if self.process.poll() is None:
            return None
        self._close()
        return self._ended()

    def _ended(self) -> Outcome:
        """What the folder says."""
        said = next((line.strip() for line in reversed(self.errors) if line.strip()), "")
        state, message = how(self.cell.folder, self.cell.key, self.process.returncode, said)
        return Outcome(self.cell, state, self.passed(), message)

    def passed(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self.started

    def training_left(self) -> float | None:
        """Seconds that its training still takes; None before that can be told."""
        trains = self.latest is not None and self.latest.total == self.cell.steps
        return self.pace.left() if trains else None

    def ask(self) -> None:
        """Ask the process to save itself and end."""
        self.process.terminate()

    def stop(self, patience: float = 0.0) -> str:
        """End the process; its folder stays as the last checkpoint left it. Returns a word about that.

        Args:
            patience: seconds after which a process that was asked to end, and has not, is killed.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        self.process.kill()
        self.process.wait()
        self._close()
        return self.cell.folder.saved_of(self.cell.steps)

    def stalled(self, seconds: float) -> bool:
        """Whether nothing has moved for so long; a cell that waits for another run does not count."""
        waits = self.latest is not None and self.latest.what == progress.WAITS
        return not waits and time.monotonic() - self.moved > seconds

    def fail(self, reason: str) -> Outcome:
        """Kill the process, and leave word why."""
        saved = self.stop()
        self.cell.folder.set_failed("failed", f"{reason}; {saved}")
        return Outcome(self.cell, "failed", self.passed(), f"{reason}; {saved}")

    def _close(self) -> None:
        self._lock.child_ended()
        for reader in self.readers:
            reader.join(timeout=5)
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self.bar.close()

    def _read_progress(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if made := progress.parse(line):
                if made != self.latest:
                    self.moved = time.monotonic()
                self.latest = made
            else:
                self.say(line.rstrip())  # a plug-in's own print

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if message := messages.parse(line):
                self.say(f"{self.cell.name}: {message.line}")
            else:
                self.errors.append(line)

    def _show(self) -> None:
        if (latest := self.latest) is None:
            return
        begins = self.pace.latest is None
        self.pace.note(latest, time.monotonic())
        what, done, total = latest.what, latest.done, latest.total
        if not self.bar.disable:
            if begins or self.bar.total != total or done < self.bar.n:
                self.bar.reset(total)
            self.bar.set_postfix_str(what, refresh=False)
            self.bar.update(done - self.bar.n)
        elif time.monotonic() - self.last_line >= PLAIN_EVERY:
            self.last_line = time.monotonic()
            seconds = self.pace.left()
            left = "" if seconds is None or done >= total else f", about {duration(seconds)} left"
            self.say(f"{self.cell.name}: {what} {done}/{total}{left}")
