"""M&MNets over domains: N encoders and N decoders, every network trained, and colours that were never paired."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmbench.datasets.domains import domain_task
from torch import Tensor

from mmbench import catalog, config
from mmbench.device import Compute
from mmbench.method import Batch, Context, Method
from mmbench.schedule import NetworkSize
from mmbench.train import Tally, make_optimizers, train_step

CPU = Compute(torch.device("cpu"), "fp32")
SIZE = 16
COLOURS = {"blue": (-0.8, -0.8, 0.8), "red": (0.8, -0.8, -0.8), "green": (-0.8, 0.8, -0.8)}
NETWORK = NetworkSize(width=8, poolings=2, convs=(1, 1), blocks=1, kernel=3)


def build(names: tuple[str, ...], name: str = "mmnet-domains", **stage: Any) -> tuple[Method, Any]:
    card = catalog.find("methods", name)
    profile = config.profile("paper", "cross-domain")
    resolved = config.resolve(card, profile, "cross-domain", {f"stage.train.{key}": v for key, v in stage.items()})
    torch.manual_seed(0)
    context = Context(domain_task("colours", names, "blue"), SIZE, NETWORK, resolved.settings)
    return catalog.load(card, card["CLASS"])(context), resolved.stages[0]


def squares(colour: tuple[float, ...], seed: int, count: int = 4) -> Tensor:
    """White images with a square of one colour somewhere."""
    draw = torch.Generator().manual_seed(seed)
    images = torch.full((count, 3, SIZE, SIZE), 0.9)
    for image in images:
        top, left = torch.randint(0, SIZE - 8, (2,), generator=draw).tolist()
        image[:, top : top + 8, left : left + 8] = torch.tensor(colour).view(3, 1, 1)
    return images


def batches(names: tuple[str, ...], step: int) -> Batch:
    return {name: {name: squares(COLOURS[name], 10 * step + n)} for n, name in enumerate(names)}


@pytest.mark.parametrize("count", [3, 7, 11])
def test_n_domains_need_n_encoders_and_n_decoders(count: int) -> None:
    roles = list(build(("blue", *(f"other{n}" for n in range(1, count))))[0].networks())
    for kind in ("encoder", "decoder", "discriminator"):
        assert sum(role.startswith(f"{kind}/") for role in roles) == count


def test_every_pair_of_domains_is_translated() -> None:
    names = tuple(COLOURS)
    method = build(names)[0].eval()
    pairs = {(t.inputs[0], t.output) for t in method.translations()}
    assert pairs == {(a, b) for a in names for b in names if a != b}
    with torch.inference_mode():
        made = method.translate({"red": squares(COLOURS["red"], 0)}, "green")
    assert made.shape == (4, 3, SIZE, SIZE)
    assert made.abs().max() <= 1.0


def test_an_unseen_recolouring_is_learnt_from_seen_ones() -> None:
    """Red to green, while training only had blue with red and blue with green, and no pairs."""
    names = tuple(COLOURS)
    method, stage = build(names, lr=2e-3, steps=150, anneal=0.5)
    optimizers = make_optimizers(method, stage, CPU)
    for step in range(stage.steps):
        torch.manual_seed(step)
        train_step(method, stage, step, batches(names, step), optimizers, CPU, Tally({}))
    method.eval()
    image = squares(COLOURS["red"], 10**6, 16)
    with torch.inference_mode():
        made = method.translate({"red": image}, "green")
    inside = image[:, 1] < 0
    red, green, blue = (made[:, channel][inside].mean() for channel in range(3))
    assert green > red + 0.5
    assert green > blue + 0.5
    assert made.mean(1)[~inside].mean() > made.mean(1)[inside].mean() + 0.5, "the background stays light"


def test_the_adversarial_variant_has_no_other_loss() -> None:
    _, stage = build(tuple(COLOURS), "mmnet-domains-adversarial")
    assert stage.weights == {"gan": 1.0, "cycle": 0.0, "autoencoder": 0.0}
