"""SDIT: conditional instance normalization and attention by hand, shapes against thesis 6.4, and a task it solves."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import pytest
import recolouring
import torch
from mmbench.methods.networks.adain import AdaptiveBlocks, AdaptiveNorm, AffinePerceptron, code_of_sample
from mmbench.methods.networks.labels import draw
from mmbench.methods.networks.sdit import AttentiveGenerator, LabelledEncoder, ThreefoldDiscriminator
from recolouring import COLOURS, NAMES, SIZE, batches, check_red_becomes_green, numbered, squares, train
from torch import Tensor, nn

from mmbench.method import Method
from mmbench.planning.selection import choose_methods
from mmbench.schedule import NetworkSize, Stage
from mmbench.task import Translation
from mmbench.training.loop import set_modes

NETWORK = NetworkSize(width=16, poolings=2, convs=(1, 1), blocks=1, kernel=3)


def build(name: str = "sdit", names: tuple[str, ...] = NAMES, **overrides: Any) -> tuple[Method, Stage]:
    method, (stage,) = recolouring.build(name, names, NETWORK, **overrides)
    return method, stage


def test_a_normalized_map_has_the_mean_and_deviation_that_were_predicted() -> None:
    scale, shift = torch.tensor([[2.0, 0.5], [1.0, -3.0]]), torch.tensor([[0.0, 1.0], [-2.0, 4.0]])
    made = AdaptiveNorm(2)(5 * torch.randn(2, 2, 8, 8) + 7, scale, shift)
    assert torch.allclose(made.mean((2, 3)), shift, atol=1e-4)
    assert torch.allclose(made.std((2, 3), correction=0), scale.abs(), atol=1e-3)


def test_every_block_takes_its_own_numbers() -> None:
    blocks = AdaptiveBlocks(3, 2)
    x, affines = torch.randn(2, 3, 4, 4), torch.randn(2, blocks.affines)
    assert blocks.affines == 24
    expected = x
    for number, block in enumerate(blocks.blocks):
        expected = block(expected, affines.view(2, 2, 4, 3)[:, number])
    assert torch.equal(blocks(x, affines), expected)
    second = affines.clone()
    second[:, 12:] += 1
    assert not torch.allclose(blocks(x, second), expected)


def test_predicted_scales_start_around_one_and_shifts_around_zero() -> None:
    torch.manual_seed(0)
    affines = AffinePerceptron(8, AdaptiveBlocks(16, 2))(torch.randn(200, 8)).view(200, 2, 4, 16)
    assert torch.allclose(affines.mean((0, 1, 3)), torch.tensor([1.0, 0.0, 1.0, 0.0]), atol=0.1)
    assert 0.05 < affines.std(0).mean() < 0.6, "they differ from code to code"


@pytest.mark.parametrize(("bias", "share"), [(-1e9, 0.0), (1e9, 1.0), (0.0, 0.5)])
def test_attention_blends_the_features_with_the_changed_ones(bias: float, share: float) -> None:
    """Eq. 6.9; where the map is 0 everything is as the encoder left it, whatever z says."""
    torch.manual_seed(0)
    generator = AttentiveGenerator(4, 1, 1, attention=True)
    assert generator.attention is not None
    nn.init.zeros_(generator.attention[-1].get_parameter("weight"))
    nn.init.constant_(generator.attention[-1].get_parameter("bias"), bias)
    features, affines = torch.randn(2, 16, 4, 4), torch.randn(2, 64)
    changed = generator.adaptive(features, affines)
    assert torch.allclose(generator.attended(features, affines), (1 - share) * features + share * changed)
    if share == 0:
        assert torch.equal(generator.attended(features, affines), features)
        assert torch.equal(generator(features, affines), generator(features, torch.randn(2, 64)))


def test_without_attention_the_changed_features_go_on() -> None:
    generator = AttentiveGenerator(4, 1, 1, attention=False)
    features, affines = torch.randn(2, 16, 4, 4), torch.randn(2, 64)
    assert torch.equal(generator.attended(features, affines), generator.adaptive(features, affines))
    assert build("sdit-no-attention")[0].get_submodule("generator").attention is None
    assert build()[0].get_submodule("generator").attention is not None


def convolutions(module: nn.Module) -> list[tuple[int, ...]]:
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    return [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0]) for m in module.modules() if isinstance(m, kinds)
    ]


def test_the_networks_are_those_of_the_thesis() -> None:
    """Section 6.4 at 128 x 128, four domains; residual blocks are pairs of 3 x 3 convolutions of 256 channels."""
    pair = [(256, 256, 3, 1)] * 2
    with torch.device("meta"):
        encoder, critic = LabelledEncoder(4, 64, 6), ThreefoldDiscriminator(4, 128, 64, 8)
        generator = AttentiveGenerator(64, 6, 4, attention=True)
        assert isinstance(generator.adaptive, AdaptiveBlocks)
        perceptron = AffinePerceptron(8, generator.adaptive)
        image, label = torch.empty(2, 3, 128, 128), torch.zeros(2, dtype=torch.int64)
        features = encoder(image, label)
        made = generator(features, perceptron(torch.empty(2, 8)))
        scores, logits, code = critic(image)
    assert generator.attention is not None
    assert convolutions(encoder) == [(7, 64, 7, 1), (64, 128, 4, 2), (128, 256, 4, 2), *pair * 6]
    assert convolutions(generator.adaptive) == pair * 4
    assert convolutions(generator.attention) == [*pair * 6, (256, 1, 3, 1)]
    assert convolutions(generator.up) == [(256, 128, 4, 2), (128, 64, 4, 2), (64, 3, 7, 1)]
    assert [(m.in_features, m.out_features) for m in perceptron.modules() if isinstance(m, nn.Linear)] == [
        (8, 256),
        (256, 4096),
    ]
    assert 1e6 < sum(p.numel() for p in perceptron.parameters()) < 1.1e6, "around 1M parameters"
    widths = [3, 64, 128, 256, 512, 1024, 2048]
    assert convolutions(critic.trunk) == [(a, b, 4, 2) for a, b in pairwise(widths)]
    assert (critic.recovered.in_features, critic.recovered.out_features) == (32, 8)
    assert features.shape == (2, 256, 32, 32)
    assert made.shape == (2, 3, 128, 128)
    assert (scores.shape, logits.shape, code.shape) == ((2, 1, 2, 2), (2, 4), (2, 8))


@pytest.mark.parametrize("count", [3, 11])
def test_all_domains_share_one_encoder_and_one_decoder(count: int) -> None:
    with torch.device("meta"):
        method = build(names=numbered(count))[0]
    assert sorted(method.networks()) == [
        "decoder/shared",
        "discriminator/shared",
        "encoder/shared",
        "perceptron/shared",
    ]
    assert len(method.translations()) == count * (count - 1)


def test_a_step_takes_the_number_of_domains_it_is_told() -> None:
    names = numbered(7)
    batch = {name: {name: torch.full((2, 3, 4, 4), float(n))} for n, name in enumerate(names)}
    seen = set()
    for step in range(30):
        torch.manual_seed(step)
        drawn = draw(batch, names, 4)
        assert torch.equal(drawn.images.mean((1, 2, 3)), drawn.own.float())
        assert (drawn.own != drawn.other).all()
        assert torch.equal(drawn.own.sort().values, drawn.other.sort().values)
        assert drawn.own.unique().numel() == 4
        seen |= set(drawn.own.tolist())
    assert seen == set(range(7))
    assert draw(batch, names, 0).own.unique().numel() == 7
    assert draw(batch, names, 1).own.unique().numel() == 2


def test_losses_by_hand_with_a_discriminator_that_is_known() -> None:
    class Known(nn.Module):
        def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            mean = image.mean((1, 2, 3))
            return mean[:, None, None, None], torch.zeros(len(image), 3), torch.full((len(image), 8), 0.5)

    method, stage = build()
    made = method(batches(0), stage)
    method.discriminator = Known()
    z = (0.5 - made.z).abs().mean()
    mine = method.loss("generator", {}, made, stage)
    theirs = method.loss("discriminator", {}, made, stage)
    assert set(mine) == {"gan", "classify", "latent", "cycle"}
    assert set(theirs) == {"gan", "classify", "latent", "penalty"}
    assert torch.allclose(mine["gan"], -made.fake.mean())
    assert torch.allclose(theirs["gan"], made.fake.mean() - made.real.mean())
    assert torch.allclose(mine["latent"], z)
    assert torch.allclose(theirs["latent"], z)
    assert torch.allclose(mine["classify"], torch.tensor(3.0).log())
    generate: Any = method._generate
    back = generate(made.fake, made.source, made.z)
    assert torch.allclose(mine["cycle"], (back - made.real).abs().mean())
    norm = (1 / (3 * SIZE**2)) ** 0.5  # of the gradient of a mean over 3 * SIZE^2 values
    assert torch.allclose(theirs["penalty"], torch.tensor((norm - 1) ** 2))


def test_the_penalty_may_be_of_the_sum_of_scores() -> None:
    """Of four patches that score the mean of the image each: a gradient four times as long."""

    class Patches(nn.Module):
        def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            mean = image.mean((1, 2, 3))
            return mean.view(-1, 1, 1, 1).expand(-1, 1, 2, 2), torch.zeros(len(image), 3), torch.zeros(len(image), 8)

    norm = (1 / (3 * SIZE**2)) ** 0.5
    for penalty_score, patches in (("mean", 1), ("sum", 4)):
        method, stage = build(penalty_score=penalty_score)
        method.discriminator = Patches()
        penalty = method.loss("discriminator", {}, method(batches(0), stage), stage)["penalty"]
        assert penalty.item() == pytest.approx((patches * norm - 1) ** 2, rel=1e-4)


def test_as_in_the_authors_code_the_discriminator_is_not_trained_on_the_code() -> None:
    method, stage = build(code_loss="generator")
    made = method(batches(0), stage)
    assert "latent" not in method.loss("discriminator", {}, made, stage)
    assert method.loss("generator", {}, made, stage)["latent"].item() > 0
    head = [method.get_parameter(f"discriminator.{name}.weight") for name in ("code", "recovered")]
    before = [weight.detach().clone() for weight in head]
    trunk = next(method.get_submodule("discriminator.trunk").parameters())
    first = trunk.detach().clone()
    train(method, dataclasses.replace(stage, steps=2))
    assert all(torch.equal(old, new) for old, new in zip(before, head, strict=True))
    assert not torch.equal(first, trunk)


@pytest.mark.parametrize(("back_code", "same"), [("same", True), ("new", False)])
def test_the_way_back_has_the_same_code_or_another(back_code: str, same: bool) -> None:
    method, stage = build(back_code=back_code)
    made = method(batches(0), stage)
    assert torch.equal(made.z, made.back_z) == same
    back = method._generate(made.fake, made.source, made.back_z)  # type: ignore[operator]
    expected = (back - made.real).abs().mean()
    assert torch.allclose(method.loss("generator", {}, made, stage)["cycle"], expected)


# Table 6.1: attention, CIN, latent code loss.
TABLE_6_1 = {
    "sdit-no-cin": (True, False, False),
    "sdit-no-attention-no-code": (False, True, False),
    "sdit-no-attention": (False, True, True),
    "sdit-no-code": (True, True, False),
    "sdit": (True, True, True),
}


def test_the_ablation_suite_is_table_6_1() -> None:
    assert {card.name for card in choose_methods([], "cross-domain", "sdit-ablation")[0]} == set(TABLE_6_1)


@pytest.mark.parametrize("name", TABLE_6_1)
@pytest.mark.parametrize("profile", ["paper", "laptop"])
def test_the_variants_lack_what_table_6_1_says(name: str, profile: str) -> None:
    attention, cin, code = TABLE_6_1[name]
    method, stage = build(name, profile=profile)
    assert (method.get_submodule("generator").attention is not None) == attention
    assert ("perceptron/shared" in method.networks()) == cin
    assert (stage.weights["latent"] > 0) == code
    method.eval()
    image, to_green = squares(COLOURS["red"], 0, 2), Translation(("red",), "green")
    with torch.inference_mode():
        one, two = (method.translate({"red": image}, to_green, sample=n) for n in (1, 2))
        blue = method.translate({"red": image}, Translation(("red",), "blue"))
    assert (not torch.equal(one, two)) == cin, "without CIN no code reaches the image"
    assert not torch.equal(one, blue)


@pytest.mark.parametrize("name", ["sdit", "sdit-no-attention", "sdit-no-cin"])
def test_both_players_reach_all_of_their_networks(name: str) -> None:
    method, stage = build(name)
    set_modes(method, stage)
    made = method(batches(0), stage)
    for player in ("discriminator", "generator"):
        method.zero_grad(set_to_none=True)
        torch.stack(list(method.loss(player, batches(0), made, stage).values())).sum().backward()
        for role, network in method.networks().items():
            if method.player_of(role) == player:
                assert not [n for n, p in network.named_parameters() if p.grad is None], role


def test_a_sample_is_a_code_of_its_own_and_always_the_same() -> None:
    method = build(perceptron_label=True)[0].eval()
    image = squares(COLOURS["red"], 0, 2)
    with torch.inference_mode():
        to_green = Translation(("red",), "green")
        one, two, again = (method.translate({"red": image}, to_green, sample=n) for n in (1, 2, 1))
        alone = method.translate({"red": image[1:]}, to_green, sample=1)
        blue = method.translate({"red": image}, Translation(("red",), "blue"), sample=1)
    assert torch.equal(one, again)
    assert (one - two).abs().mean() > 1e-4
    assert (one - blue).abs().mean() > 1e-4
    assert torch.allclose(one[1:], alone, atol=1e-4), "images of a batch share the code"
    torch.manual_seed(123)
    assert torch.equal(code_of_sample(1, 8, image), code_of_sample(1, 8, image)), "the global generator is not asked"


def test_the_recipe_is_that_of_the_thesis() -> None:
    _, stage = build()
    assert stage.weights == {"gan": 10.0, "penalty": 100.0, "classify": 1.0, "latent": 10.0, "cycle": 800.0}
    assert (stage.lr, stage.beta1) == (1e-4, 0.5)
    assert stage.players == {"discriminator": 5, "generator": 1}


def test_recolouring_is_learnt_without_pairs() -> None:
    """With the laptop's settings, but full width and StarGAN's weights: networks and images are tiny as it is.

    In so few steps a shade of green is what it learns; how light the background stays depends on the seed.
    """
    weights = {"gan": 1.0, "penalty": 10.0, "classify": 1.0, "cycle": 10.0}
    changes = {"lr": 1e-3, "steps": 300, "anneal": 0.5, **{f"weights.{name}": value for name, value in weights.items()}}
    overrides: dict[str, Any] = {f"stage.train.{key}": value for key, value in changes.items()}
    method, stage = build(profile="laptop", generator_width=1.0, discriminator_width=1.0, **overrides)
    train(method, stage)
    check_red_becomes_green(method, margin=0.2, light=False)
