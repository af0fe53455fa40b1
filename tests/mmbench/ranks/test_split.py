"""Networks split over processes: what a network sees, what it gives back, gradients, and what is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import first_steps
import pytest
import torch
from several import in_each, in_threads
from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.method import Batch, Context, Losses, Method, NetworkSize, Stage
from mmbench.ranks.group import Ranks
from mmbench.ranks.split import Split

X = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


class Pair(NamedTuple):
    """What a network may take and give beside single tensors."""

    image: Tensor
    more: list[dict[str, Tensor]]


class Network(nn.Module):
    """A layer with batch statistics; ``gives`` makes something of its output and of what it was called with."""

    def __init__(self, gives: Callable[[Tensor, Any], Any]) -> None:
        super().__init__()
        self.layer, self.norm, self.gives, self.seen = nn.Linear(4, 3), nn.BatchNorm1d(3), gives, list[int]()

    def forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        image = x.image if isinstance(x, Pair) else x
        self.seen.append(len(image))
        return self.gives(self.norm(self.layer(image)), x)


class Toy(Method):
    """One network."""

    def __init__(self, gives: Callable[[Tensor, Any], Any] = lambda made, x: made) -> None:
        super().__init__(Context(first_steps.CHANNELS, 8, NetworkSize(), {}))
        torch.manual_seed(0)
        self.network = Network(gives)

    def forward(self, batch: Batch, stage: Stage) -> Any:
        return self.network(batch["a"]["a"])

    def loss(self, player: str, batch: Batch, made: Any, stage: Stage) -> Losses:
        return {"loss": made.square().mean()}


def in_ranks(size: int, do: Callable[[Toy], Any], method: Toy | None = None) -> list[Any]:
    """What is done with a method of its own in each of so many threads."""
    methods = [copy.deepcopy(method or Toy()) for _ in range(size)]

    def one(ranks: Ranks) -> Any:
        with Split(methods[ranks.rank], ranks):
            ranks.summed(X)  # all have come in, or none has gone: torch's hooks on optimizers are of all threads
            made = do(methods[ranks.rank])
            ranks.summed(X)
        return made

    return in_threads(size, one)


@pytest.mark.parametrize("size", [2, 3])
def test_a_network_computes_its_rows_and_gives_the_whole_batch(size: int) -> None:
    plain = Toy()
    expected = plain.network(X)

    def do(method: Toy) -> Tensor:
        made: Tensor = method.network(X)
        assert method.network.seen == [6 // size]
        return made

    for made in in_ranks(size, do):
        torch.testing.assert_close(made, expected)


def test_steps_are_those_of_one_process() -> None:
    def step(method: Toy) -> list[Tensor]:
        # Twice through the network, so that a gradient runs from rows to the whole batch and back to rows.
        optimizer = torch.optim.SGD(method.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            once = method.network(X)
            twice = method.network(torch.cat([once.flip(0), X[:, :1]], 1))
            (twice * X[:, 1:]).square().sum().backward()
            optimizer.step()
        return [tensor.detach() for tensor in (*method.parameters(), *method.buffers())]

    expected = step(Toy())
    for found in in_ranks(3, step):
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_tensors_anywhere_in_arguments_and_outputs_are_split_and_put_together() -> None:
    method = Toy(lambda made, x: Pair(made, [{"own": x.more[0]["own"] + x.more[0]["code"]}]))
    code = torch.arange(4.0).unsqueeze(0)
    given = Pair(X, [{"own": 2 * X, "code": code}])
    for made in in_ranks(2, lambda split: split.network(given, "a text", number=3), method):
        assert isinstance(made, Pair)
        torch.testing.assert_close(made.more[0]["own"], 2 * X + code)


def test_hooks_on_parts_of_a_network_see_the_whole_batch() -> None:
    def do(method: Toy) -> Tensor:
        seen: list[Tensor] = []
        handle = method.network.layer.register_forward_hook(lambda module, args, made: seen.append(made))
        method.network(X)
        handle.remove()
        method.network(X)
        assert method.network.seen == [6, 3]
        return seen[0]

    for seen in in_ranks(2, do):
        torch.testing.assert_close(seen, Toy().network.layer(X))


def test_alone_a_process_computes_whole_batches_and_so_it_does_afterwards() -> None:
    method = Toy()
    split = Split(method, Ranks(0, 2))
    with split, split.alone():
        method.network(X)
    method.network(X)
    assert method.network.seen == [6, 6]


@pytest.mark.parametrize(
    ("gives", "given", "why"),
    [
        (lambda made, x: made.mean(), X, r"network/shared gives \(\), expected a row for each of 3 rows"),
        (lambda made, x: made[:1], X, r"gives \(1, 3\)"),
        (lambda made, x: made, X[:5], "is called with 5 rows"),
        (lambda made, x: made, Pair(X, [{"other": X[:4]}]), "is called with 4, 6 rows"),
    ],
)
def test_a_network_that_is_no_function_of_rows_is_refused(gives: Any, given: Any, why: str) -> None:
    with pytest.raises(UserError, match=f"--gpus-per-cell 2: network/shared.*{why.removeprefix('network/shared ')}"):
        in_ranks(2, lambda method: method.network(given), Toy(gives))


def test_a_parameter_outside_of_calls_is_refused() -> None:
    with pytest.raises(UserError, match="a parameter of network/shared is used outside of a call"):
        in_ranks(2, lambda method: method.network.layer.weight.square().sum())


def test_mmnet_steps_in_two_processes_as_in_one(tmp_path: Path) -> None:
    in_each(2, first_steps.measure, [("mmnet", "cross-modal")], 2, tmp_path)
    first_steps.measure(None, [("mmnet", "cross-modal")], 2, tmp_path)
    one, two = (torch.load(tmp_path / f"mmnet.cross-modal.{size}.pt") for size in (1, 2))
    assert first_steps.farthest(one["gradients"], two["gradients"]) < 1e-5
    assert first_steps.farthest(one["weights"], two["weights"]) < 1e-3
