"""StarGAN over domains: one network for all, the layers of the paper's tables, and colours that are learnt."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmbench.methods.networks.stargan_domains import DomainDiscriminator, LabelGenerator
from recolouring import SIZE, build, check_red_becomes_green, numbered, train
from torch import nn

# Tables 4 and 5 of Choi et al. 2018 at 128 x 128: kind, channels in and out, kernel, stride, padding.
GENERATOR = [
    ("conv", "3+n", 64, 7, 1, 3),
    ("conv", 64, 128, 4, 2, 1),
    ("conv", 128, 256, 4, 2, 1),
    *[("conv", 256, 256, 3, 1, 1)] * 12,
    ("deconv", 256, 128, 4, 2, 1),
    ("deconv", 128, 64, 4, 2, 1),
    ("conv", 64, 3, 7, 1, 3),
]
TRUNK = [("conv", into, out, 4, 2, 1) for into, out in ((3, 64), *((64 * 2**i, 128 * 2**i) for i in range(5)))]


def layers(network: nn.Module) -> list[tuple[Any, ...]]:
    kinds = {nn.Conv2d: "conv", nn.ConvTranspose2d: "deconv"}
    return [
        (kinds[type(m)], m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.padding[0])
        for m in network.modules()
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)
    ]


@pytest.mark.parametrize("domains", [3, 11])
def test_the_generator_is_table_4(domains: int) -> None:
    with torch.device("meta"):
        network = LabelGenerator(domains)
        made = network(torch.empty(2, 3, 128, 128), torch.zeros(2, dtype=torch.int64))
    wanted = [(kind, 3 + domains if into == "3+n" else into, *rest) for kind, into, *rest in GENERATOR]
    assert layers(network) == wanted
    assert made.shape == (2, 3, 128, 128)
    norms = [m.num_features for m in network.modules() if isinstance(m, nn.InstanceNorm2d)]
    assert norms == [128, 256, *[256] * 12, 128, 64], "all convolutions but the first and the last"


@pytest.mark.parametrize("domains", [3, 11])
def test_the_discriminator_is_table_5(domains: int) -> None:
    with torch.device("meta"):
        network = DomainDiscriminator(domains, 128)
        scores, logits = network(torch.empty(2, 3, 128, 128))
    heads = [("conv", 2048, 1, 3, 1, 1), ("conv", 2048, domains, 2, 1, 0)]
    assert layers(network) == [*TRUNK, *heads]
    assert scores.shape == (2, 1, 2, 2)
    assert logits.shape == (2, domains)
    assert not any(isinstance(m, nn.InstanceNorm2d | nn.BatchNorm2d) for m in network.modules())
    assert {m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)} == {0.01}


@pytest.mark.parametrize("domains", [3, 4, 11])
def test_all_domains_share_one_generator_and_one_discriminator(domains: int) -> None:
    with torch.device("meta"):
        method, _ = build("stargan", numbered(domains))
    assert list(method.networks()) == ["generator/shared", "discriminator/shared"]
    assert len(method.translations()) == domains * (domains - 1)


def test_the_generator_sees_the_label_everywhere() -> None:
    """Not only at the border, where zero padding would let some of it through."""
    torch.manual_seed(0)
    network, image = LabelGenerator(3, 8, 1).eval(), torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        made = [network(image, torch.tensor([label])) for label in range(3)]
    assert ((made[0] - made[1])[..., 12:20, 12:20].abs().mean() > 1e-4).all()
    assert ((made[1] - made[2])[..., 12:20, 12:20].abs().mean() > 1e-4).all()


def test_a_step_takes_as_many_domains_as_it_is_told_and_permutes_their_labels() -> None:
    names = numbered(7)
    method, (stage,) = build("stargan", names, domains_per_step=4)
    batch = {name: {name: torch.full((2, 3, SIZE, SIZE), n / 10)} for n, name in enumerate(names)}
    seen = set()
    for step in range(20):
        torch.manual_seed(step)
        made = method(batch, stage)
        assert made.source.unique().numel() == 4
        assert torch.equal(made.source.sort().values, made.target.sort().values)
        assert torch.allclose(made.real.mean((1, 2, 3)), made.source / 10)
        seen |= set(made.source.tolist())
    assert seen == set(range(7))


def test_the_recipe_is_that_of_the_paper() -> None:
    _, (stage,) = build("stargan")
    assert stage.weights == {"gan": 1.0, "classify": 1.0, "penalty": 10.0, "cycle": 10.0}
    assert stage.players == {"discriminator": 5, "generator": 1}
    assert (stage.lr, stage.beta1, stage.anneal) == (1e-4, 0.5, 0.5)
    assert build("stargan", profile="laptop")[1][0].players == stage.players


def test_recolouring_is_learnt_without_pairs() -> None:
    """Few steps on tiny images: a heavier adversarial loss and a higher learning rate than the paper's."""
    changes: dict[str, Any] = {"stage.train.lr": 1e-3, "stage.train.steps": 120, "stage.train.weights.gan": 4.0}
    method, (stage,) = build("stargan", discriminator_width=2.0, **changes)
    train(method, stage)
    check_red_becomes_green(method)
