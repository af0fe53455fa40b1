"""From a whole batch to a process's rows of it and back, with gradients of any order.

Outside of networks every process has the whole batch and computes the same; within a network it has its rows. A
gradient outside is therefore the same in all processes, and one within is of this process's rows alone: each function
here is the other one's derivative in pairs.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.autograd import Function

from mmbench.ranks.group import Ranks


def taken(whole: Tensor, ranks: Ranks) -> Tensor:
    """This process's rows of a whole batch."""
    made: Tensor = _Taken.apply(whole, ranks)
    return made


def gathered(rows: Tensor, ranks: Ranks) -> Tensor:
    """The whole batch of all processes' rows."""
    made: Tensor = _Gathered.apply(rows, ranks)
    return made


def shared(whole: Tensor, ranks: Ranks) -> Tensor:
    """What is the same everywhere and concerns every row, on its way into a network."""
    made: Tensor = _Shared.apply(whole, ranks)
    return made


# torch's own functions of this kind (torch.distributed.nn) take the objective for the sum of the processes' own, each
# of its rows. Here every process has the whole objective, and counts once.


class _Taken(Function):
    @staticmethod
    def forward(ctx: Any, whole: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        return ranks.own(whole).clone()  # a network may write into it

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _Gathered.apply(gradients[0], ctx.ranks), None


class _Gathered(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        return ranks.gathered(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _Taken.apply(gradients[0], ctx.ranks), None


class _Shared(Function):
    @staticmethod
    def forward(ctx: Any, whole: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        return whole.view_as(whole)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _Summed.apply(gradients[0], ctx.ranks), None


class _Summed(Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        return ranks.summed(part)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _Shared.apply(gradients[0], ctx.ranks), None
