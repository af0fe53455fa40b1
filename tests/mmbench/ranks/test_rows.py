"""Rows of a batch in several processes: gradients, of any order, are those of the whole batch; so are statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from several import in_threads
from torch import Tensor, nn

from mmbench.ranks.group import Ranks
from mmbench.ranks.rows import gathered, shared, taken
from mmbench.ranks.statistics import batch_norm

X = torch.randn(6, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 + 3
SHARES = torch.randn(6, 3, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_batch_norm_and_its_gradients_are_those_of_the_whole_batch(size: int, dtype: torch.dtype) -> None:
    def values(norm: Callable[..., Tensor]) -> list[Tensor]:
        x, layer = X.to(dtype).clone().requires_grad_(), nn.BatchNorm2d(3, momentum=0.3, dtype=dtype)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([1.0, 0.5, -2.0]))
        made = norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias)
        (made * SHARES.to(dtype)).sum().backward()
        found = [made.detach(), x.grad, layer.weight.grad, layer.bias.grad, layer.running_mean, layer.running_var]
        return [value for value in found if value is not None]

    def in_rank(ranks: Ranks) -> list[Tensor]:
        def split(x: Tensor, *given: Any) -> Tensor:
            return gathered(batch_norm(ranks, taken(x, ranks), *given, momentum=0.3), ranks)  # type: ignore[misc]

        return values(split)

    whole = values(lambda *given: F.batch_norm(*given, training=True, momentum=0.3))  # type: ignore[misc]
    found = in_threads(size, in_rank)
    tolerance = 1e-12 if dtype == torch.float64 else 2e-5
    for one in found:
        for number in (0, 1, 4, 5):  # the output, the gradient of x and the running statistics are whole in each
            torch.testing.assert_close(one[number], whole[number], rtol=tolerance, atol=tolerance)
    for number in (2, 3):  # parameters have each process's part
        total = torch.stack([one[number] for one in found]).sum(0)
        torch.testing.assert_close(total, whole[number], rtol=tolerance, atol=5 * tolerance)


def test_one_value_per_channel_is_refused_as_by_torch() -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        batch_norm(Ranks(0, 1), torch.ones(1, 3), None, None)


def test_a_penalty_on_gradients_has_the_gradient_of_the_whole_batch() -> None:
    def penalty(score: Callable[[Tensor], Tensor], weight: Tensor) -> Tensor:
        x = X.clone().requires_grad_()
        (slope,) = torch.autograd.grad(score(x).sum(), x, create_graph=True)
        (slope.flatten(1).norm(dim=1) - 1).square().mean().backward()
        assert weight.grad is not None
        return weight.grad

    def in_rank(ranks: Ranks) -> Tensor:
        weight = torch.linspace(-1, 1, 3, dtype=torch.float64).requires_grad_()
        return penalty(lambda x: gathered((taken(x, ranks) @ F.pad(weight, (0, 2))).tanh(), ranks), weight)

    weight = torch.linspace(-1, 1, 3, dtype=torch.float64).requires_grad_()
    whole = penalty(lambda x: (x @ F.pad(weight, (0, 2))).tanh(), weight)
    torch.testing.assert_close(torch.stack(in_threads(3, in_rank)).sum(0), whole, rtol=1e-12, atol=1e-12)


def test_what_concerns_every_row_has_the_gradient_of_all_rows() -> None:
    def in_rank(ranks: Ranks) -> Any:
        code = torch.ones(1, 3, 1, 1, dtype=torch.float64, requires_grad=True)
        (gathered(taken(X, ranks) * shared(code, ranks), ranks) * SHARES).sum().backward()
        return code.grad

    for found in in_threads(2, in_rank):
        torch.testing.assert_close(found, (X * SHARES).sum((0, 2, 3), keepdim=True))
