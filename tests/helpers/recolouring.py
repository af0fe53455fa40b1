"""A task that methods over domains learn in seconds: white images with a square of their domain's colour."""

from __future__ import annotations

from typing import Any

import torch
from mmbench.datasets.domains import domain_task
from torch import Tensor

from mmbench.method import Batch, Context, Method
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.schedule import NetworkSize, Stage
from mmbench.task import Translation
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, make_optimizers, train_step

CPU = Compute(torch.device("cpu"), "fp32")
SIZE = 16
COLOURS = {"blue": (-0.8, -0.8, 0.8), "red": (0.8, -0.8, -0.8), "green": (-0.8, 0.8, -0.8)}
NAMES = tuple(COLOURS)
NETWORK = NetworkSize(width=8, poolings=2, convs=(1, 1), blocks=1, kernel=3)


def numbered(count: int) -> tuple[str, ...]:
    """Names of so many domains."""
    return tuple(f"d{n}" for n in range(count))


def build(
    name: str,
    names: tuple[str, ...] = NAMES,
    network: NetworkSize = NETWORK,
    profile: str = "paper",
    **overrides: Any,
) -> tuple[Method, tuple[Stage, ...]]:
    """A method over domains, the first of them the anchor, and its stages."""
    card = catalog.find("methods", name)
    resolved = config.resolve(card, config.profile(profile, "cross-domain"), "cross-domain", overrides)
    torch.manual_seed(0)
    context = Context(domain_task("colours", names, names[0]), SIZE, network, resolved.settings)
    return catalog.load(card, card["CLASS"])(context), resolved.stages


def squares(colour: tuple[float, ...], seed: int, count: int = 4) -> Tensor:
    """White images with a square of one colour somewhere."""
    draw = torch.Generator().manual_seed(seed)
    images = torch.full((count, 3, SIZE, SIZE), 0.9)
    for image in images:
        top, left = torch.randint(0, SIZE - 8, (2,), generator=draw).tolist()
        image[:, top : top + 8, left : left + 8] = torch.tensor(colour).view(3, 1, 1)
    return images


def batches(step: int) -> Batch:
    """Images of every domain."""
    return {name: {name: squares(colour, 10 * step + n)} for n, (name, colour) in enumerate(COLOURS.items())}


def noise(count: int, images: int, seed: int = 0) -> Batch:
    """Images without a meaning, of numbered domains."""
    draw = torch.Generator().manual_seed(seed)
    return {name: {name: torch.rand(images, 3, SIZE, SIZE, generator=draw) * 2 - 1} for name in numbered(count)}


def train(method: Method, stage: Stage) -> None:
    """All steps of a stage."""
    optimizers = make_optimizers(method, stage, CPU)
    for step in range(stage.steps):
        torch.manual_seed(step)
        own = [batches(step * stage.rounds + each) for each in range(stage.rounds)]
        train_step(method, stage, step, own, optimizers, CPU, LossSums({}))


def check_red_becomes_green(method: Method, *, margin: float = 0.5, light: bool = True) -> None:
    """Squares of other places than in training: green inside by ``margin``, and with ``light`` light around."""
    method.eval()
    image = squares(COLOURS["red"], 10**6, 16)
    with torch.inference_mode():
        made = method.translate({"red": image}, Translation(("red",), "green"))
    inside = image[:, 1] < 0
    red, green, blue = (made[:, channel][inside].mean() for channel in range(3))
    assert green > red + margin
    assert green > blue + margin
    if light:
        assert made.mean(1)[~inside].mean() > made.mean(1)[inside].mean() + 0.5, "the background stays light"
