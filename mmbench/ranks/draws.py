"""Random numbers within a network: drawn for the whole batch as in one process, of which each process takes its rows.

A draw is of the batch where its first dimension is the batch's; any other one is the same in all processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmbench.errors import UserError
from mmbench.ranks.group import Ranks, is_channels_last

LIKE = {torch.randn_like, torch.rand_like, torch.randint_like}  # of the form of a tensor
SIZED = {torch.randn, torch.rand, torch.randint}  # of a size
WRITTEN = {  # into a tensor, whatever it holds
    Tensor.normal_, Tensor.uniform_, Tensor.random_, Tensor.exponential_, Tensor.log_normal_, Tensor.cauchy_,
    Tensor.geometric_,
}  # fmt: skip
DEPENDING = {torch.bernoulli, Tensor.bernoulli, torch.multinomial, Tensor.multinomial}  # on a tensor's values
DROPOUT = {F.dropout, F.dropout1d, F.dropout2d, F.dropout3d}
OTHERS = {
    F.alpha_dropout, F.feature_alpha_dropout, F.rrelu, F.gumbel_softmax, F.fractional_max_pool2d, torch.normal,
    Tensor.bernoulli_, torch.nn.init.normal_, torch.poisson,
}  # fmt: skip
NATIVE = {torch.dropout, torch.feature_dropout, torch.alpha_dropout}  # what the functions above are made of
DROPPING = {F.scaled_dot_product_attention, F.multi_head_attention_forward}

NAMES = ("input", "self", "mean", "query")  # of the tensor that a draw goes by, in torch's signatures

Function = Callable[..., Any]


def drawn(ranks: Ranks, rows: int, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """What a call of torch draws of the batch for this process's rows; None where it draws nothing of the batch.

    Args:
        rows: of the batch that this process has.

    Raises:
        UserError: it draws in a way that is not known here.
    """
    if function in SIZED:
        return _sized(ranks, rows, function, args, kwargs)
    if function is torch.randperm and args[:1] == (rows,):
        raise _unknown(function)
    if function is torch.normal and _size_of(args[2:], kwargs)[:1] == (rows,):
        raise _unknown(function)
    if function not in KNOWN:
        return None
    args, kwargs = _in_order(args, kwargs)
    if not args or not isinstance(args[0], Tensor) or args[0].shape[:1] != (rows,):
        return None
    x: Tensor = args[0]
    if function in DROPOUT:
        return _dropped(ranks, x, function, args[1:], kwargs)
    if function in DROPPING:
        if kwargs.get("dropout_p") and kwargs.get("training", True):
            raise _unknown(function)
        return None
    if function in NATIVE:
        if not (dict(zip(("p", "train"), args[1:], strict=False)) | dict(kwargs)).get("train"):
            return None
        raise _unknown(function)
    if function in OTHERS:
        if kwargs.get("training") is False:
            return None
        raise _unknown(function)
    if function in DEPENDING:
        with torch.no_grad():
            return ranks.own(function(ranks.gathered(x), *args[1:], **kwargs))
    whole = function(_whole_like(ranks, x), *args[1:], **kwargs)
    if function in WRITTEN:
        with torch.no_grad():
            return x.copy_(ranks.own(whole))
    return ranks.own(whole)


KNOWN = LIKE | WRITTEN | DEPENDING | DROPOUT | DROPPING | NATIVE | OTHERS


def _sized(ranks: Ranks, rows: int, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Of ``randn(2, 3)``, ``randn((2, 3))`` and ``randint(9, (2, 3))``; ``size`` may be named."""
    before, size, named = list(args), kwargs.get("size"), "size" in kwargs
    if not named:
        if args and isinstance(args[-1], Sequence):
            size = before.pop()
        else:
            before, size = [], args
    if not size or size[0] != rows:
        return None
    whole = (ranks.size * rows, *size[1:])
    return ranks.own(function(*before, **{**kwargs, "size": whole}))


def _size_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[int, ...]:
    """A size behind a call's other arguments, or by its name; () without one."""
    size = kwargs.get("size", args[0] if args else ())
    return tuple(size) if isinstance(size, Sequence) else ()


def _in_order(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """A call whose tensor is named, as torch names it, with the tensor in front."""
    if args or not (named := [name for name in NAMES if name in kwargs]):
        return args, kwargs
    return (kwargs[named[0]],), {name: value for name, value in kwargs.items() if name != named[0]}


def _dropped(ranks: Ranks, x: Tensor, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What one process drops of the same elements: its mask, times ``x``."""
    given = dict(zip(("p", "training", "inplace"), args, strict=False)) | dict(kwargs)
    p, training = given.get("p", 0.5), given.get("training", True)
    if not training or not p:
        return None
    with torch.no_grad():
        mask = function(_whole_like(ranks, x).fill_(1), p, True)
    return x * ranks.own(mask)


def _whole_like(ranks: Ranks, x: Tensor) -> Tensor:
    """Room for a whole batch that lies in memory as ``x`` does: torch draws in that order."""
    layout = torch.channels_last if is_channels_last(x) else torch.contiguous_format
    shape = (ranks.size * len(x), *x.shape[1:])
    return torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=layout)


def _unknown(function: Function) -> UserError:
    name = getattr(function, "__name__", str(function))
    return UserError(f"a network draws random numbers by {name}, which cannot be split: leave --gpus-per-cell out")
