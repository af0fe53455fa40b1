"""MUNIT: its losses against networks that are known, layer shapes against the paper's appendix, styles by sample."""

from __future__ import annotations

from typing import Any

import pytest
import recolouring
import torch
from mmbench.methods.networks.style import ContentEncoder, StyleDecoder, StyleEncoder, patch_discriminators
from recolouring import noise, numbered
from torch import Tensor, nn

from mmbench.method import Method
from mmbench.schedule import NetworkSize, Stage
from mmbench.task import Translation
from mmbench.training.loop import set_modes

NETWORK = NetworkSize(width=4, poolings=2, convs=(1, 1), blocks=1, kernel=3)


def build(count: int = 3, **overrides: Any) -> tuple[Method, Stage]:
    method, (stage,) = recolouring.build("munit", numbered(count), NETWORK, **overrides)
    return method, stage


def convolutions(module: nn.Module) -> list[tuple[int, ...]]:
    return [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0])
        for m in module.modules()
        if isinstance(m, nn.Conv2d)
    ]


def linear(module: nn.Module) -> list[tuple[int, int]]:
    return [(m.in_features, m.out_features) for m in module.modules() if isinstance(m, nn.Linear)]


def test_the_networks_are_those_of_the_appendix() -> None:
    """Appendix B at 128 x 128."""
    pair = [(256, 256, 3, 1)] * 2
    with torch.device("meta"):
        contents, styles, decoder = ContentEncoder(64, 4), StyleEncoder(64, 8), StyleDecoder(64, 4, 8)
        critic, image = patch_discriminators(64, 128, 3), torch.empty(2, 3, 128, 128)
        content, style, scores = contents(image), styles(image), critic(image)
        made = decoder(content, style)
    assert convolutions(contents) == [(3, 64, 7, 1), (64, 128, 4, 2), (128, 256, 4, 2), *pair * 4]
    downs = [(64, 128, 4, 2), (128, 256, 4, 2), (256, 256, 4, 2), (256, 256, 4, 2)]
    assert convolutions(styles) == [(3, 64, 7, 1), *downs]
    assert linear(styles) == [(256, 8)]
    assert convolutions(decoder) == [*pair * 4, (256, 128, 5, 1), (128, 64, 5, 1), (64, 3, 7, 1)]
    assert linear(decoder) == [(8, 256), (256, 256), (256, 4096)]
    one = [(3, 64, 4, 2), (64, 128, 4, 2), (128, 256, 4, 2), (256, 512, 4, 2), (512, 1, 1, 1)]
    assert convolutions(critic) == one * 3
    assert (content.shape, style.shape, made.shape) == ((2, 256, 32, 32), (2, 8), (2, 3, 128, 128))
    assert [tuple(s.shape) for s in scores] == [(2, 1, 8, 8), (2, 1, 4, 4), (2, 1, 2, 2)]


@pytest.mark.parametrize(("size", "scales"), [(16, 1), (32, 2), (64, 3), (128, 3)])
def test_scales_that_leave_too_few_pixels_are_left_out(size: int, scales: int) -> None:
    assert len(patch_discriminators(2, size, 3)(torch.zeros(1, 3, size, size))) == scales


@pytest.mark.parametrize("count", [3, 11])
def test_n_domains_need_n_networks_of_each_kind_and_every_pair_is_translated(count: int) -> None:
    with torch.device("meta"):
        method = build(count)[0]
    for kind in ("encoder", "style", "decoder", "discriminator"):
        assert sum(role.startswith(f"{kind}/") for role in method.networks()) == count
    assert len(set(method.translations())) == count * (count - 1)


def test_losses_by_hand_with_networks_that_are_known() -> None:
    """Contents are images and styles their mean colour; a decoder adds the style's first number."""

    class Style(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3))

    class Decoder(nn.Module):
        def forward(self, content: Tensor, style: Tensor) -> Tensor:
            return content + style[:, :1, None, None]

    class Scales(nn.Module):
        def forward(self, x: Tensor) -> list[Tensor]:
            return [x.mean((1, 2, 3)), torch.full((len(x),), 3.0)]

    method, stage = build(style=3)
    for group, kind in (
        ("contents", nn.Identity),
        ("styles", Style),
        ("decoders", Decoder),
        ("discriminators", Scales),
    ):
        parts = method.get_submodule(group)
        for name in ("d0", "d1", "d2"):
            parts.add_module(name, kind())
    batch = noise(3, 2)
    torch.manual_seed(0)
    made = method(batch, stage)
    anchor, others = batch["d0"]["d0"], torch.cat([batch["d1"]["d1"], batch["d2"]["d2"]])
    torch.manual_seed(0)
    assert torch.randperm(2).tolist()  # the draw of domains comes first
    drawn = {name: torch.randn(count, 3) for name, count in (("d0", 4), ("d1", 2), ("d2", 2))}
    given = {"d0": others, "d1": anchor, "d2": anchor}
    for name, z in drawn.items():
        assert torch.allclose(made.fakes[name], given[name] + z[:, :1, None, None], atol=1e-6)
    mine = method.loss("generator", batch, made, stage)
    real = {name: batch[name][name] for name in drawn}
    red = {name: image[:, 0].mean((1, 2)) for name, image in real.items()}
    assert torch.allclose(mine["image"], torch.stack([value.abs().mean() for value in red.values()]).sum())
    # A translation's content is the content plus the style's first number; its style, the fake's mean colour.
    assert torch.allclose(mine["content"], torch.stack([z[:, 0].abs().mean() for z in drawn.values()]).sum())
    styles = [(made.fakes[name].mean((2, 3)) - z).abs().mean() for name, z in drawn.items()]
    assert torch.allclose(mine["style"], torch.stack(styles).sum())
    scores = [(made.fakes[name].mean((1, 2, 3)) - 1).square().mean() + 4 for name in drawn]
    assert torch.allclose(mine["gan"], torch.stack(scores).sum())
    theirs = method.loss("discriminator", batch, made, stage)
    assert set(theirs) == {"gan"}
    scores = [
        (real[name].mean((1, 2, 3)) - 1).square().mean() + made.fakes[name].mean((1, 2, 3)).square().mean() + 4 + 9
        for name in drawn
    ]
    assert torch.allclose(theirs["gan"], torch.stack(scores).sum())


def test_both_players_reach_all_of_their_networks() -> None:
    method, stage = build()
    set_modes(method, stage)
    made = method(noise(3, 2), stage)
    for player in ("discriminator", "generator"):
        method.zero_grad(set_to_none=True)
        torch.stack(list(method.loss(player, noise(3, 2), made, stage).values())).sum().backward()
        for role, network in method.networks().items():
            if method.player_of(role) == player:
                assert not [n for n, p in network.named_parameters() if p.grad is None], role


def test_a_step_takes_the_anchor_and_as_many_others_as_it_is_told() -> None:
    method, stage = build(6, domains_per_step=2)
    seen = set()
    for step in range(12):
        torch.manual_seed(step)
        made = method(noise(6, 1), stage)
        assert "d0" in made.fakes
        assert len(made.fakes) == 3
        seen |= set(made.fakes)
    assert seen == {f"d{n}" for n in range(6)}


def test_a_sample_is_a_style_of_its_own_and_always_the_same() -> None:
    torch.manual_seed(0)
    method, image = build()[0].eval(), noise(3, 2)["d1"]["d1"]
    with torch.inference_mode():
        one, two, again = (method.translate({"d1": image}, Translation(("d1",), "d2"), sample=n) for n in (1, 2, 1))
        alone = method.translate({"d1": image[1:]}, Translation(("d1",), "d2"), sample=1)
    assert torch.equal(one, again)
    assert (one - two).abs().mean() > 1e-3
    assert torch.allclose(one[1:], alone, atol=1e-4), "images of a batch share the style"


def test_the_recipe_is_that_of_the_paper() -> None:
    method, stage = build()
    assert stage.weights == {"gan": 1.0, "image": 10.0, "content": 1.0, "style": 1.0}
    assert (stage.lr, stage.beta1) == (1e-4, 0.5)
    settings = method.context.settings
    assert (settings["style"], settings["blocks"], settings["scales"]) == (8, 4, 3)
