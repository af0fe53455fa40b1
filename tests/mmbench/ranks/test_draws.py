"""What processes draw within a network is, put together, what one process draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mmbench.errors import UserError
from mmbench.ranks.draws import drawn
from mmbench.ranks.group import Ranks

WHOLE = torch.rand(6, 4, 3, 5, generator=torch.Generator().manual_seed(0)) + 0.1


def together(function: Callable[..., Tensor], x: Tensor | None, *args: object, **kwargs: object) -> Tensor:
    """The rows of three processes; each draws from the same seed."""
    parts = []
    for rank in range(3):
        ranks = Ranks(rank, 3)
        torch.manual_seed(5)
        given = args if x is None else (ranks.own(x).clone(memory_format=torch.preserve_format), *args)
        made = drawn(ranks, 2, function, given, kwargs)
        assert made is not None
        parts.append(made)
    return torch.cat(parts)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ("function", "args"),
    [
        (F.dropout, (0.5, True)), (F.dropout, (0.3, True, True)), (F.dropout2d, (0.5, True)), (torch.randn_like, ()),
        (torch.rand_like, ()), (torch.randint_like, (9,)), (Tensor.normal_, (1.0, 2.0)), (Tensor.uniform_, ()),
    ],
)  # fmt: skip
def test_of_a_tensor(function: Callable[..., Tensor], args: tuple[object, ...], layout: torch.memory_format) -> None:
    whole = WHOLE.contiguous(memory_format=layout)
    torch.manual_seed(5)
    expected = function(whole.clone(memory_format=torch.preserve_format), *args)
    assert torch.equal(together(function, whole, *args), expected)


def test_of_a_size() -> None:
    cases: tuple[tuple[Any, tuple[Any, ...], dict[str, Any]], ...] = (
        (torch.randn, (2, 4), {}), (torch.rand, ((2, 4),), {}), (torch.randint, (9, (2, 4)), {}),
        (torch.randint, (3, 9), {"size": (2, 4)}), (torch.randn, (), {"size": (2, 4)}),
    )  # fmt: skip
    for function, args, kwargs in cases:
        whole = [6 if one == 2 else (6, 4) if one == (2, 4) else one for one in args]
        torch.manual_seed(5)
        expected = function(*whole, **dict.fromkeys(kwargs, (6, 4)))
        assert torch.equal(together(function, None, *args, **kwargs), expected), (function, args)


def test_dropout_lets_gradients_through_where_it_kept() -> None:
    x = WHOLE[:2].clone().requires_grad_()
    made = drawn(Ranks(0, 3), 2, F.dropout, (x, 0.5, True), {})
    assert made is not None
    made.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, (made != 0) * 2.0)


def test_what_is_not_of_the_batch_is_drawn_alike() -> None:
    ranks = Ranks(1, 3)
    assert drawn(ranks, 2, torch.randn, (4, 2), {}) is None
    assert drawn(ranks, 2, torch.randn_like, (WHOLE,), {}) is None
    assert drawn(ranks, 2, F.dropout, (WHOLE[:2], 0.5, False), {}) is None
    assert drawn(ranks, 2, torch.dropout, (WHOLE[:2], 0.5, False), {}) is None
    assert drawn(ranks, 2, torch.normal, (0.0, 1.0, (4, 3)), {}) is None
    assert drawn(ranks, 2, torch.add, (WHOLE[:2], 1), {}) is None


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (F.gumbel_softmax, (WHOLE[:2],), {}),
        (torch.normal, (0.0, 1.0, (2, 3)), {}),
        (torch.normal, (0.0, 1.0), {"size": (2, 3)}),
        (torch.normal, (), {"mean": WHOLE[:2]}),
        (torch.dropout, (WHOLE[:2], 0.5, True), {}),
        (torch.poisson, (WHOLE[:2],), {}),
        (torch.randperm, (2,), {}),
    ],
)
def test_an_unknown_way_to_draw_is_refused(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"{function.__name__}, which cannot be split"):
        drawn(Ranks(0, 3), 2, function, args, kwargs)


def test_a_tensor_may_be_named() -> None:
    ranks = Ranks(1, 3)
    for function, name, more in ((torch.randn_like, "input", {}), (F.dropout, "input", {"p": 0.5})):
        torch.manual_seed(5)
        named = drawn(ranks, 2, function, (), {name: WHOLE[:2], **more})
        torch.manual_seed(5)
        placed = drawn(ranks, 2, function, (WHOLE[:2],), more)
        assert named is not None and placed is not None and torch.equal(named, placed)
