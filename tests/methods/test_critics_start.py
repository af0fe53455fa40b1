"""Discriminators without norms let a gradient through from the first step on, at every profile's width."""

from __future__ import annotations

import pytest
import torch
from mmbench.datasets.domains import domain_task
from mmbench.methods.networks.sdit import ThreefoldDiscriminator
from mmbench.methods.networks.stargan import SharedDiscriminator
from mmbench.methods.networks.stargan_domains import DomainDiscriminator
from mmbench.methods.networks.widths import part_widths
from torch import Tensor, nn

from mmbench.method import Context
from mmbench.modality import Rgb
from mmbench.planning import config
from mmbench.plugins import catalog

TASK = domain_task("three", ("a", "b", "c"), "a")
METHODS = {
    "stargan-paired": "cross-modal",
    "stargan-unpaired": "cross-modal",
    "stargan": "cross-domain",
    "sdit": "cross-domain",
}


def _settings() -> list[tuple[str, int, int]]:
    """Discriminator, image size and width of every method in every profile, each once."""
    found: dict[tuple[str, int, int], None] = {}
    for name, kind in METHODS.items():
        for profile_name in catalog.cards("profiles"):
            profile = config.profile(profile_name, kind)
            settings = config.resolve(catalog.find("methods", name), profile, kind, {}).settings
            context = Context(TASK, profile.size, profile.network, settings)
            critic = "shared" if kind == "cross-modal" else name
            (width,) = part_widths(context, "discriminator")
            found[critic, profile.size, width] = None
    return list(found)


def _build(critic: str, size: int, width: int) -> nn.Module:
    if critic == "shared":
        return SharedDiscriminator((Rgb("rgb"),), size, width)
    return ThreefoldDiscriminator(3, size, width, code=8) if critic == "sdit" else DomainDiscriminator(3, size, width)


def _gradients(critic: nn.Module, images: Tensor) -> tuple[float, float]:
    """Lengths for the difference of two images' scores: of the weights' gradients, and of the images'."""
    critic.zero_grad()
    images = images.clone().requires_grad_()
    made = critic([("rgb", images)])[0] if isinstance(critic, SharedDiscriminator) else critic(images)
    real, fake = made[0].mean((1, 2, 3))
    (real - fake).backward()
    assert images.grad is not None
    weights = [p.grad.norm() for p in critic.parameters() if p.grad is not None]
    return float(torch.stack(weights).norm()), float(images.grad.norm())


@pytest.mark.parametrize(("critic", "size", "width"), _settings())
def test_gradients_at_the_start_are_as_long_as_with_torchs_own_weights(critic: str, size: int, width: int) -> None:
    torch.manual_seed(0)
    network = _build(critic, size, width)
    images = torch.rand(2, 3, size, size) * 2 - 1
    here = _gradients(network, images)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.reset_parameters()
    for mine, theirs in zip(here, _gradients(network, images), strict=True):
        assert 0.1 < mine / theirs < 10
