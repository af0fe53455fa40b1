"""A method whose gradients are written down beforehand, and Adam in plain numbers, for the training loop's tests.

Every role is one weight, 0 at first, and every loss a multiple of a player's weights, so that the gradient of each step
is the number that the script names, whatever the weights are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method
from mmbench.modality import Scalar
from mmbench.schedule import NetworkSize, Stage
from mmbench.store.folder import CellFolder
from mmbench.task import Group, Task, Translation
from mmbench.training.device import Compute
from mmbench.training.loop import Intervals, train

CPU = Compute(torch.device("cpu"), "fp32")
TASK = Task(
    name="tiny",
    kind="cross-channel",
    modalities=tuple(Scalar(name) for name in ("a", "b", "c")),
    anchor="a",
    groups=(Group(("a", "b")), Group(("a", "c"))),
    unseen=(Translation(("b",), "c"),),
)
ROLES = ("encoder/a", "encoder/b", "decoder/c", "discriminator/c")
EVERY = Intervals(log=1, checkpoint=10**6, observe=1)
Script = Callable[[str, int], dict[str, float]]


class Weight(nn.Module):
    """One linear layer of one weight, followed by batch normalization, whose statistics move in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.linear.weight)
        self.norm = nn.BatchNorm1d(1, affine=False)

    @property
    def value(self) -> float:
        """The weight."""
        return self.linear.weight.item()


class Tiny(Method):
    """Losses as a script names them: ``script(player, step)`` -> name -> gradient of each of the player's weights.

    Attributes:
        modes: role -> whether it was in training mode, of each forward pass.
        gradients: whether gradients were on, of each forward pass.
        draws: a random number of each forward pass.
        asked: the players whose losses were asked for, in order.
        parts: role -> its network, as ``roles`` holds them.
    """

    def __init__(self, script: Script) -> None:
        super().__init__(Context(TASK, 8, NetworkSize(), {}))
        self.script = script
        self.parts = {role: Weight() for role in ROLES}
        self.roles = nn.ModuleDict(self.parts)
        self.modes: list[dict[str, bool]] = []
        self.gradients: list[bool] = []
        self.draws: list[float] = []
        self.asked: list[str] = []

    def networks(self) -> dict[str, nn.Module]:
        return dict(self.parts)

    def forward(self, batch: Batch, stage: Stage) -> int:
        for network in self.parts.values():
            network.norm(network.linear(torch.tensor([[1.0], [3.0]])) + torch.tensor([[1.0], [3.0]]))
        self.modes.append({role: network.norm.training for role, network in self.parts.items()})
        self.gradients.append(torch.is_grad_enabled())
        self.draws.append(torch.rand(()).item())
        return int(batch["step"]["step"])

    def loss(self, player: str, batch: Batch, made: int, stage: Stage) -> Losses:
        self.asked.append(player)
        weights = [network.linear.weight.sum() for network in self.parts.values()]
        return {name: gradient * torch.stack(weights).sum() for name, gradient in self.script(player, made).items()}

    def weights(self) -> dict[str, float]:
        """Role -> weight."""
        return {role: network.value for role, network in self.parts.items()}


class Steps:
    """A loader whose batches hold the number of their step."""

    def stream(self, stage: int, start: int, stop: int) -> Iterator[dict[str, dict[str, Tensor]]]:
        yield from ({"step": {"step": torch.tensor(step)}} for step in range(start, stop))


def run(
    method: Tiny,
    folder: Path,
    *stages: Stage,
    seed: int = 0,
    intervals: Intervals = EVERY,
    **options: Any,
) -> list[dict[str, float]]:
    """Train a tiny method; its weights after each step."""
    after: list[dict[str, float]] = []
    folder.mkdir(parents=True, exist_ok=True)
    loader: Any = Steps()
    options.setdefault("progress", lambda *_: after.append(method.weights()))
    train(method, stages, loader, CellFolder(folder), CPU, seed=seed, intervals=intervals, **options)
    return after


def adam(gradients: Sequence[float], rates: Sequence[float], beta1: float, beta2: float = 0.999) -> list[float]:
    """A weight that starts at 0, after each step (Kingma and Ba 2015, algorithm 1)."""
    weight = mean = square = 0.0
    path = []
    for number, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        weight -= rate * mean / (1 - beta1**number) / (math.sqrt(square / (1 - beta2**number)) + 1e-8)
        path.append(weight)
    return path
