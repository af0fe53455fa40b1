"""What the training of a cell is given: alone, or as one of several processes that share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist

from mmbench.method import Method
from mmbench.planning.order import Order
from mmbench.ranks.group import Ranks, join, leave
from mmbench.ranks.processes import Others
from mmbench.ranks.split import Split
from mmbench.store.living import SIGNALS
from mmbench.training.stopping import Stop

T = TypeVar("T")


class LostError(Exception):
    """Another process of the cell has died; the message is its last line."""


class SharedStop(Stop):
    """Whether the first process was asked to end: all of them end after the same step."""

    def __init__(self, own: Stop, ranks: Ranks) -> None:
        super().__init__()
        self._own, self._ranks = own, ranks

    def now(self) -> bool:
        """What the first process says; every one has to ask."""
        names = [number.name for number in SIGNALS]
        number = self._ranks.told(names.index(self._own.asked) + 1 if self._own.asked else 0)
        self.asked = names[number - 1] if number else ""
        return bool(number)


@dataclass(frozen=True)
class Team:
    """The processes of a cell while they train.

    Attributes:
        stop: whether all of them are to end.
        split: of several the context in which networks are split.
        writes: whether this one saves and logs.
    """

    stop: Stop
    split: Split | None = None
    writes: bool = True

    def alone(self, look: Callable[[Method], T] | None) -> Callable[[Method], T] | None:
        """What looks at a method now and then, such as an observer: of several processes the one that logs, alone."""
        split = self.split
        if look is None or split is None:
            return look
        if not self.writes:
            return None

        def by_itself(method: Method) -> T:
            with split.alone():
                return look(method)

        return by_itself


@contextmanager
def together(
    order: Order, method: Method, device: torch.device, stop: Stop, lost: Callable[[str], object]
) -> Iterator[Team]:
    """A context in which the processes of a cell train a method; the first one starts the others.

    Args:
        order: ``processes``, and of the others ``rank`` and ``port``.
        lost: see :class:`mmbench.ranks.processes.Others`.

    Raises:
        LostError: another process has died.
        UserError: there are too few GPUs, or a network cannot be split.
    """
    if order.processes == 1:
        yield Team(stop)
        return
    others = Others(order, device, lost) if order.rank == 0 else None
    try:
        ranks = join(order.rank, order.processes, others.port if others else order.port, device)
        ranks.begin_alike(method)
        with Split(method, ranks) as split:
            yield Team(SharedStop(stop, ranks), split, others is not None)
        leave()
    except RuntimeError as error:
        cut_off = isinstance(error, dist.DistError) or "gloo" in str(error)
        if others and cut_off and (word := others.word()):
            raise LostError(word) from error
        raise
    finally:
        if others:
            others.close()
