"""Several processes that share a method, as those of a cell do with gloo; and threads in their place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.multiprocessing.spawn import spawn

from mmbench.ranks.group import Ranks, join, leave


def in_each(size: int, function: Callable[..., None], *args: Any) -> None:
    """Call ``function(ranks, *args)`` in so many new processes at once; what one of them raises is raised here."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    spawn(_one, (size, store.port, function, args), nprocs=size)


def in_threads(size: int, function: Callable[[Ranks], Any]) -> list[Any]:
    """What ``function`` gives in each of so many threads, which draw no random numbers."""
    barrier, board = threading.Barrier(size, timeout=60), [torch.empty(0)] * size

    def one(rank: int) -> Any:
        try:
            return function(InThread(rank, size, barrier, board))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        made = [pool.submit(one, rank) for rank in range(size)]
    # Where one raises, the others find the barrier broken.
    errors = [error for future in made if (error := future.exception())]
    if errors:
        raise next((error for error in errors if not isinstance(error, threading.BrokenBarrierError)), errors[0])
    return [future.result() for future in made]


class InThread(Ranks):
    """A thread among others, which see one board."""

    def __init__(self, rank: int, size: int, barrier: threading.Barrier, board: list[Tensor]) -> None:
        super().__init__(rank, size)
        self.__dict__.update(barrier=barrier, board=board)  # the base is frozen

    def gathered(self, rows: Tensor) -> Tensor:
        return torch.cat(self._exchanged(rows))

    def summed(self, part: Tensor) -> Tensor:
        return torch.stack(self._exchanged(part)).sum(0)

    def _exchanged(self, mine: Tensor) -> list[Tensor]:
        self.__dict__["board"][self.rank] = mine
        self.__dict__["barrier"].wait()
        found = list(self.__dict__["board"])
        self.__dict__["barrier"].wait()
        return found


def _one(rank: int, size: int, port: int, function: Callable[..., None], args: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    function(join(rank, size, port, torch.device("cpu")), *args)
    leave()
