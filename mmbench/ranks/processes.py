"""The other processes of a cell: started by the first one, ended with it, and heard where one of them dies.

torchrun is not what starts them: it closes the lock that a cell is handed, gives all processes one standard input, does
not pass on the signals by which clusters announce the end of a job, and where it is killed they live on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import torch
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from mmbench.errors import UserError
from mmbench.planning.order import Order
from mmbench.store.living import SIGNALS, STOPPED
from mmbench.store.processors import GPUS_VARIABLE, visible_gpus

LINES = 50  # of standard error that are kept of each
GRACE = 10.0  # seconds in which the first process says itself why it ends
MOMENT = 2.0  # seconds between a lost connection and the end of the process that was at its other end


class Others:
    """All processes of a cell but the first, which this one is.

    Each is ``python -m mmbench.cell`` with the order and its rank in it, and sees one GPU of those that this one sees.

    Args:
        order: of the cell.
        device: of this process.
        lost: called in a thread, with a line, where one of them has died and this process does not end by itself.

    Raises:
        UserError: there are fewer GPUs than processes.
    """

    def __init__(self, order: Order, device: torch.device, lost: Callable[[str], object]) -> None:
        self._lost, self._closing, self._deaths = lost, False, [""] * order.processes
        self._store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        self.port = int(self._store.port)
        gpus = _gpus(order, device)
        # A signal that comes before they ignore it would end them; what is blocked here is blocked in them at first.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self._processes = [self._started(order, rank, gpus) for rank in range(1, order.processes)]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for rank, process in enumerate(self._processes, 1):
            threading.Thread(target=self._watch, args=(rank, process), daemon=True).start()

    def word(self) -> str:
        """What the first that has died said last, waited for a moment; empty where all live."""
        ends = time.monotonic() + MOMENT
        while not any(self._deaths) and time.monotonic() < ends:
            time.sleep(0.05)
        return next(filter(None, self._deaths), "")

    def close(self) -> None:
        """End those that have not ended."""
        self._closing = True
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=MOMENT)
            process.kill()
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()

    def _started(self, order: Order, rank: int, gpus: list[str]) -> subprocess.Popen[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": str(order.threads)}
        if gpus:
            environment[GPUS_VARIABLE] = gpus[rank]
        process = subprocess.Popen(
            [sys.executable, "-m", "mmbench.cell"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=environment, encoding="utf-8", errors="replace",
        )  # fmt: skip
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            # It stays open as long as this process lives: where it is closed, the other one ends.
            process.stdin.write(f"{replace(order, rank=rank, port=self.port, watched=True, ticket='').to_json()}\n")
            process.stdin.flush()
        return process

    def _watch(self, rank: int, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        lines = deque(process.stderr, LINES)
        code = process.wait()
        if self._closing or code in (0, STOPPED):
            return
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        said = said.removeprefix(f"[rank{rank}]: ")  # torch's, in front of each line of a traceback
        word = f"process {rank} of {len(self._deaths)} (from 0) {how}{f': {said}' if said else ''}"
        self._deaths[rank] = word
        time.sleep(GRACE)
        if not self._closing:
            self._lost(word)


def _gpus(order: Order, device: torch.device) -> list[str]:
    """As CUDA_VISIBLE_DEVICES names them, one for each process; none where the cell is on the CPU."""
    count = order.processes
    if device.type != "cuda":
        if order.device == "auto":
            raise UserError(f"--gpus-per-cell {count}: no GPU is to be seen here; --device cpu takes the CPU instead")
        return []
    found = visible_gpus() or [str(number) for number in range(torch.cuda.device_count())]
    if len(found) < count:
        raise UserError(f"--gpus-per-cell {count}: the cell sees {len(found)} GPU{'' if len(found) == 1 else 's'}")
    return found[:count]
