"""IcGAN: stages, losses by hand, shapes of a DCGAN, and encoders that find the code of what was generated."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmbench.methods.networks.dcgan import ConditionalDiscriminator, ConditionalGenerator, VectorEncoder, level_sizes
from recolouring import CPU, build, noise, numbered
from torch import Tensor, nn

from mmbench.task import Translation
from mmbench.training.loop import LossSums, make_optimizers, set_modes, train_step


def convolutions(module: nn.Module) -> list[tuple[int, ...]]:
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    return [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0]) for m in module.modules() if isinstance(m, kinds)
    ]


def test_the_networks_are_a_conditional_dcgan_at_64_pixels() -> None:
    """Radford et al. 2016, figure 1, at half its width; five labels beside z, and behind the first convolution."""
    with torch.device("meta"):
        generator, critic = ConditionalGenerator(100, 5, 64, 64), ConditionalDiscriminator(5, 64, 64)
        encoder, z, y = VectorEncoder(100, 64, 32), torch.empty(2, 100), torch.empty(2, 5)
        made = generator(z, y)
        scores, codes = critic(made, y), encoder(made)
    ups = [(105, 512, 4, 1), (512, 256, 4, 2), (256, 128, 4, 2), (128, 64, 4, 2), (64, 3, 4, 2)]
    assert convolutions(generator) == ups
    downs = [(3, 64, 4, 2), (69, 128, 4, 2), (128, 256, 4, 2), (256, 512, 4, 2), (512, 1, 4, 1)]
    assert convolutions(critic) == downs
    assert convolutions(encoder) == [(3, 32, 5, 2), (32, 64, 5, 2), (64, 128, 5, 2), (128, 256, 5, 2)]
    linear = [(m.in_features, m.out_features) for m in encoder.modules() if isinstance(m, nn.Linear)]
    assert linear == [(256 * 16, 512), (512, 100)]
    assert (made.shape, scores.shape, codes.shape) == ((2, 3, 64, 64), (2,), (2, 100))


@pytest.mark.parametrize(
    ("size", "base", "widths"),
    [(8, 4, [2]), (16, 4, [2, 4]), (48, 6, [2, 4, 8]), (128, 4, [2, 4, 8, 16, 16])],
)
def test_other_sizes_have_other_levels(size: int, base: int, widths: list[int]) -> None:
    assert level_sizes(size, 2) == (base, widths)
    label = torch.eye(3)
    made = ConditionalGenerator(5, 3, size, 2)(torch.randn(3, 5), label)
    assert made.shape == (3, 3, size, size)
    assert ConditionalDiscriminator(3, size, 2)(made, label).shape == (3,)
    assert VectorEncoder(7, size, 2)(made).shape == (3, 7)


@pytest.mark.parametrize("size", [6, 15])
def test_sizes_that_cannot_be_halved_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"got {size}"):
        level_sizes(size, 2)


@pytest.mark.parametrize("count", [3, 11])
def test_all_domains_share_one_encoder_and_one_decoder(count: int) -> None:
    with torch.device("meta"):
        method = build("icgan", numbered(count))[0]
    assert sorted(method.networks()) == ["decoder/shared", "discriminator/shared", "encoder/shared"]
    assert len(set(method.translations())) == count * (count - 1)


@pytest.mark.parametrize("mismatched", [False, True])
def test_losses_by_hand_with_a_discriminator_that_is_known(mismatched: bool) -> None:
    class Known(nn.Module):
        def forward(self, image: Tensor, label: Tensor) -> Tensor:
            return image.mean((1, 2, 3)) + label @ torch.tensor([0.0, 1.0, 2.0])

    method, (gan, encoder) = build("icgan", numbered(3), mismatched=mismatched)
    made = method(noise(3, 4), gan)
    method.discriminator = Known()
    assert torch.equal(made.label.sum(0), torch.tensor([4.0, 4.0, 4.0]))
    assert (made.label * made.other).sum() == 0, "the other label is never the own one"
    number, another = (label.argmax(1).float() for label in (made.label, made.other))
    real, fake = (image.mean((1, 2, 3)) for image in (made.real, made.fake))
    wrong = F.softplus(fake + number).mean()
    if mismatched:
        wrong = 0.5 * (wrong + F.softplus(real + another).mean())
    expected = F.softplus(-real - number).mean() + wrong
    assert torch.allclose(method.loss("discriminator", {}, made, gan)["gan"], expected)
    assert torch.allclose(method.loss("generator", {}, made, gan)["gan"], F.softplus(-fake - number).mean())
    losses = method.loss("generator", {}, made, encoder)
    z = method.get_submodule("inverse.z")(made.fake)
    y = method.get_submodule("inverse.y")(made.real)
    assert torch.allclose(losses["z"], (z - made.z).square().mean())
    assert torch.allclose(losses["y"], (y - made.label).square().mean())


def test_each_stage_trains_its_own_networks() -> None:
    method, stages = build("icgan", numbered(3))
    for stage, trained in zip(stages, ({"decoder", "discriminator"}, {"encoder"}), strict=True):
        before = {role: [p.clone() for p in n.parameters()] for role, n in method.networks().items()}
        train_step(method, stage, 0, [noise(3, 4)], make_optimizers(method, stage, CPU), CPU, LossSums({}))
        for role, network in method.networks().items():
            same = [torch.equal(a, b) for a, b in zip(before[role], network.parameters(), strict=True)]
            assert not any(same) if role.split("/")[0] in trained else all(same), role


def test_the_encoder_finds_the_code_of_what_was_generated() -> None:
    """The path z -> image -> z, through a generator that was not trained."""
    changes: dict[str, Any] = {"stage.encoder.lr": 2e-3, "stage.encoder.steps": 150}
    method, (_, stage) = build("icgan", numbered(3), code=4, **changes)
    generator = method.get_submodule("generator")
    for _ in range(50):  # its normalizations learn their statistics
        generator(torch.randn(48, 4), torch.eye(3)[torch.arange(48) % 3])
    optimizers = make_optimizers(method, stage, CPU)
    for step in range(stage.steps):
        torch.manual_seed(step)
        train_step(method, stage, step, [noise(3, 4, step)], optimizers, CPU, LossSums({}))
    method.eval()
    z, label = torch.randn(64, 4), torch.eye(3)[torch.arange(64) % 3]
    with torch.inference_mode():
        found = method.get_submodule("inverse.z")(generator(z, label))
    assert (found - z).square().mean() < 0.4, "1 is what knowing nothing gives"


def test_a_translation_is_generated_of_the_inputs_code_and_the_outputs_label() -> None:
    method, image = build("icgan", numbered(3))[0].eval(), noise(3, 4)["d1"]["d1"]
    with torch.inference_mode():
        made = method.translate({"d1": image}, Translation(("d1",), "d2"))
        expected = method.get_submodule("generator")(
            method.get_submodule("inverse.z")(image), torch.tensor([[0.0, 0.0, 1.0]] * 4)
        )
        assert torch.equal(made, expected)
        assert torch.equal(made, method.translate({"d1": image}, Translation(("d1",), "d2"), sample=7))
        assert not torch.equal(made, method.translate({"d1": image}, Translation(("d1",), "d0")))


def test_a_frozen_generator_keeps_its_statistics() -> None:
    method, (_, stage) = build("icgan", numbered(3))
    set_modes(method, stage)
    generator = method.get_submodule("generator")
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    method(noise(3, 4), stage)
    assert all(torch.equal(before[key], value) for key, value in generator.state_dict().items())
