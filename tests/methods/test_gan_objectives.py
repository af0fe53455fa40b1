"""CycleGAN's and UNIT's objectives on unpaired depth and segmentation, written out from their papers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmbench.methods.networks.shared_vae import StridedDiscriminator
from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.method import Batch, Method
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.schedule import Stage


def ready(bench: Any, name: str, **overrides: Any) -> tuple[Method, Stage, Batch]:
    method, resolved = bench.build(name, overrides=overrides)
    (stage,) = resolved.stages
    return method.train(), stage, bench.loader(name).batch(0, 0)


def shown(method: Method, name: str, batch: Batch) -> Tensor:
    """Real images as a network sees them."""
    real, modality = batch[name][name], method.task.modality(name)
    if modality.kind == "segmentation":
        return F.one_hot(real, modality.channels).permute(0, 3, 1, 2).float()
    return modality.to_network(real)


def cross_entropy(raw: Tensor, target: Tensor) -> Tensor:
    """Of segmentation: void carries no loss."""
    return F.cross_entropy(raw, target, ignore_index=0)


def test_cyclegan_has_least_squares_and_the_critics_half(bench: Any) -> None:
    """Zhu et al. 2017, section 4 and appendix 7.1: "we divide the objective by 2 while optimizing D"."""
    method, stage, batch = ready(bench, "cyclegan")
    made = method(batch, stage)
    assert {(one.source, one.target) for one in made} == {("depth", "segmentation"), ("segmentation", "depth")}
    gan, critic = [], []
    for one in made:
        judge = method.networks()[f"discriminator/{one.source}>{one.target}"]
        real, fake = judge(shown(method, one.target, batch)), judge(one.fake)
        gan.append(((fake - 1) ** 2).mean())
        critic.append((((real - 1) ** 2).mean() + (fake**2).mean()) / 2)
    losses = method.loss("generator", batch, made, stage)
    assert losses["gan"].item() == pytest.approx(torch.stack(gan).sum().item(), rel=1e-5)
    expected = torch.stack(critic).sum().item()
    assert method.loss("discriminator", batch, made, stage)["gan"].item() == pytest.approx(expected, rel=1e-5)
    assert set(losses) == {"gan", "cycle"}


def test_cyclegans_cycle_ends_at_the_images_it_began_with(bench: Any) -> None:
    method, stage, batch = ready(bench, "cyclegan")
    made = method(batch, stage)
    whole = method.loss("generator", batch, made, stage)["cycle"]
    parts = [method.loss("generator", batch, [one], stage)["cycle"] for one in made]
    assert whole.item() == pytest.approx(torch.stack(parts).sum().item(), rel=1e-5), "both directions count alike"
    (back,) = (one for one in made if one.source == "segmentation")
    expected = cross_entropy(back.back, batch["segmentation"]["segmentation"])
    assert parts[made.index(back)].item() == pytest.approx(expected.item(), rel=1e-5)


def test_unit_regularizes_both_latents_of_the_cycle(bench: Any) -> None:
    """Liu et al. 2017, equations 4 and 8: KL of N(mean, 1) from N(0, 1), of the source's latent and of the fake's."""
    method, stage, batch = ready(bench, "unit")
    made = method(batch, stage)
    losses = method.loss("generator", batch, made, stage)
    normal = torch.distributions.Normal
    standard = normal(0.0, 1.0)
    kl = lambda mean: torch.distributions.kl_divergence(normal(mean, 1.0), standard).mean()  # noqa: E731
    within = torch.stack([kl(one.mean) for one in made]).sum()
    back = torch.stack([kl(one.cycle_mean) for one in made]).sum()
    assert min(within.item(), back.item()) > 1e-3 * (within + back).item(), "either side would be missed"
    assert losses["kl"].item() == pytest.approx(within.item(), rel=1e-4)
    assert losses["cycle_kl"].item() == pytest.approx((within + back).item(), rel=1e-4)
    assert set(losses) == {"likelihood", "kl", "gan", "cycle", "cycle_kl"}


def test_unit_plays_the_game_of_the_original_gan(bench: Any) -> None:
    method, stage, batch = ready(bench, "unit")
    made = method(batch, stage)
    gan, critic = [], []
    for one in made:
        judge = method.networks()[f"discriminator/{one.pair}:{one.target}"]
        (real,), (fake,) = judge(shown(method, one.target, batch)), judge(one.fake)
        real, fake = real.sigmoid(), fake.sigmoid()
        gan.append(-fake.log().mean())
        critic.append(-(real.log().mean() + (1 - fake).log().mean()) / 2)
    generator, discriminator = (method.loss(player, batch, made, stage) for player in ("generator", "discriminator"))
    assert generator["gan"].item() == pytest.approx(torch.stack(gan).sum().item(), rel=1e-4)
    assert discriminator["gan"].item() == pytest.approx(sum(critic).item(), rel=1e-4)
    likelihoods = {one.source: one.own for one in made}, {one.source: one.back for one in made}
    for name, raws in zip(("likelihood", "cycle"), likelihoods, strict=True):
        only = [one for one in made if one.source == "segmentation"]
        expected = cross_entropy(raws["segmentation"], batch["segmentation"]["segmentation"])
        assert method.loss("generator", batch, only, stage)[name].item() == pytest.approx(expected.item(), rel=1e-5)


def test_unit_at_several_scales_adds_up_least_squares(bench: Any) -> None:
    """As in the authors' later code: the loss of each scale, none of them halved."""
    method, stage, batch = ready(bench, "unit", discriminator_scales=3, gan_loss="least-squares")
    made = method(batch, stage)
    gan, critic, scales = [], [], set()
    for one in made:
        judge = method.networks()[f"discriminator/{one.pair}:{one.target}"]
        real, fake = judge(shown(method, one.target, batch)), judge(one.fake)
        scales.add(len(fake))
        gan += [((scores - 1) ** 2).mean() for scores in fake]
        critic += [((scores - 1) ** 2).mean() for scores in real] + [(scores**2).mean() for scores in fake]
    assert scales == {2}, "of 16 pixels and 8; with 4 there is nothing left to halve"
    generator, discriminator = (method.loss(player, batch, made, stage) for player in ("generator", "discriminator"))
    assert generator["gan"].item() == pytest.approx(torch.stack(gan).sum().item(), rel=1e-4)
    assert discriminator["gan"].item() == pytest.approx(torch.stack(critic).sum().item(), rel=1e-4)


def test_unit_has_the_blocks_layers_and_upsampling_of_its_settings(bench: Any) -> None:
    method, _, _ = ready(bench, "unit", blocks=3, shared=2, discriminator_layers=1, upsampling="resize")
    one, other = (method.networks()[f"encoder/depth+segmentation:{name}"] for name in ("depth", "segmentation"))
    both = {id(p) for p in one.parameters()} & {id(p) for p in other.parameters()}
    assert len(both) == 2 * 4, "two blocks of two convolutions, each with a bias"
    critic = method.networks()["discriminator/depth+segmentation:depth"]
    assert [m.stride for m in critic.modules() if isinstance(m, nn.Conv2d)] == [(2, 2), (1, 1)]
    generator = method.networks()["generator/depth+segmentation:depth"]
    assert any(isinstance(m, nn.Upsample) for m in generator.modules())
    with pytest.raises(UserError, match="shared"):
        ready(bench, "unit", shared=9)


@pytest.mark.parametrize(
    ("name", "off", "blocks"),
    [
        ("unit", set(), 1),
        ("unit-no-sharing", {"likelihood", "kl"}, 0),
        ("unit-no-cycle", {"cycle", "cycle_kl"}, 1),
        ("unit-more-sharing", set(), 2),
    ],
)
def test_units_ablations_are_those_of_its_figure_2(bench: Any, name: str, off: set[str], blocks: int) -> None:
    method, stage, _ = ready(bench, name)
    assert {loss for loss, weight in stage.weights.items() if weight == 0} == off
    for kind in ("encoder", "generator"):
        one, other = (method.networks()[f"{kind}/depth+segmentation:{each}"] for each in ("depth", "segmentation"))
        assert len({id(p) for p in one.parameters()} & {id(p) for p in other.parameters()}) == 4 * blocks


def test_the_shallow_discriminators_have_two_layers_at_any_size() -> None:
    card = catalog.find("methods", "unit-shallow")
    paper = config.resolve(card, config.profile("paper", "cross-modal"), "cross-modal", {})
    assert paper.settings["discriminator_layers"] == 2
    with torch.device("meta"):
        critic = StridedDiscriminator(3, 256, 64, paper.settings["discriminator_layers"])
    assert [m.stride for m in critic.modules() if isinstance(m, nn.Conv2d)] == [(2, 2), (2, 2), (1, 1)]


def test_cyclegan_resizes_where_it_is_told_to(bench: Any) -> None:
    for generator in ("unet", "residual"):
        method, _, _ = ready(bench, "cyclegan", generator=generator, upsampling="resize")
        assert any(isinstance(m, nn.Upsample) for m in method.modules())
        assert not any(isinstance(m, nn.ConvTranspose2d) for m in method.modules())
