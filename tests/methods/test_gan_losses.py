"""What the adversarial baselines are made of, each against a case computed by hand or by another library."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from mmbench.methods.gan_losses import bce_discriminator, bce_generator, l1, reconstruction_loss
from mmbench.methods.networks.image_pool import ImagePool
from mmbench.methods.networks.presentation import present, with_holes_of
from mmbench.methods.networks.shared_vae import kl
from mmbench.methods.networks.stargan import (
    SharedDiscriminator,
    adversarial_critic,
    adversarial_generator,
    gradient_penalty,
)
from torch import nn
from torch.distributions import Normal, kl_divergence

from mmbench.modality import Depth, Rgb, Segmentation

CLASSES = Segmentation("segmentation", classes=("a", "b"), palette=((0, 0, 0), (1, 1, 1), (2, 2, 2)))
DEPTH = Depth("depth", encoding="linear", centre=3.0, scale=2.0)


def test_gradient_penalty_of_a_linear_score() -> None:
    """The gradient of ``3 x_1 + 4 x_2`` has norm 5 everywhere: (5 - 1)^2."""
    slope = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    penalty = gradient_penalty(
        lambda x: (x * slope).sum(1, keepdim=True), torch.randn(6, 2, 1, 1), torch.zeros(6, 2, 1, 1)
    )
    assert float(penalty) == pytest.approx(16.0)


def test_gradient_penalty_is_that_of_the_sum_over_patches() -> None:
    """Four patches that are the pixels: a gradient of ones, whose norm is 2."""
    penalty = gradient_penalty(lambda x: x, torch.randn(3, 1, 2, 2), torch.zeros(3, 1, 2, 2))
    assert float(penalty) == pytest.approx(1.0)


def test_gradient_penalty_reaches_the_weights() -> None:
    critic = nn.Conv2d(1, 1, 1)
    gradient_penalty(critic, torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)).backward()
    assert critic.weight.grad is not None
    assert float(critic.weight.grad.abs()) > 0


def test_modalities_judged_in_one_pass_have_the_losses_of_each_alone() -> None:
    torch.manual_seed(0)
    critic = SharedDiscriminator((Rgb("rgb"), DEPTH), 16, 4)
    shown = [(name, torch.randn(2, c, 16, 16), torch.randn(2, c, 16, 16)) for name, c in (("depth", 1), ("rgb", 3))]
    torch.manual_seed(1)
    together = adversarial_critic(critic, shown)
    torch.manual_seed(1)
    alone = [adversarial_critic(critic, [one])[0] for one in shown]
    fakes = [(name, fake) for name, _, fake in shown]
    together += adversarial_generator(critic, fakes)
    alone += [adversarial_generator(critic, [one])[0] for one in fakes]
    for whole, single in zip(together, alone, strict=True):
        assert {name: float(value) for name, value in whole.items()} == pytest.approx(
            {name: float(value) for name, value in single.items()}, rel=1e-5
        )


def test_kl_is_that_of_gaussians() -> None:
    mean = torch.randn(2, 3, 4, 4)
    expected = kl_divergence(Normal(mean, 1.0), Normal(torch.zeros_like(mean), 1.0)).mean()
    assert float(kl(mean)) == pytest.approx(float(expected), rel=1e-5)


def test_adversarial_losses_are_binary_cross_entropies() -> None:
    real, fake = torch.randn(2, 1, 3, 3), torch.randn(2, 1, 3, 3)
    entropy = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones_like(real), torch.zeros_like(real)
    assert float(bce_generator(fake)) == pytest.approx(float(entropy(fake, ones)), rel=1e-5)
    expected = 0.5 * (entropy(real, ones) + entropy(fake, zeros))
    assert float(bce_discriminator(real, fake)) == pytest.approx(float(expected), rel=1e-5)


def test_l1_leaves_out_what_is_invalid() -> None:
    valid = torch.tensor([[[True, False]]])
    loss = l1(torch.tensor([[[[1.0, float("nan")]]]]), torch.zeros(1, 1, 1, 2), valid)
    assert float(loss) == 1.0


def test_depth_is_reconstructed_by_berhu() -> None:
    """Errors of 1 and 5 in network representation: the threshold is a fifth of 5, so (25 + 1) / 2 for the second."""
    target = torch.tensor([[[[3.0, 3.0]]]])
    raw = torch.tensor([[[[1.0, 5.0]]]])
    assert float(reconstruction_loss(DEPTH, raw, target)) == pytest.approx((1.0 + 13.0) / 2)


def test_a_segmentation_is_shown_hard_with_the_gradient_of_the_soft_one() -> None:
    raw = torch.tensor([0.1, 0.3, 0.2]).view(1, 3, 1, 1).requires_grad_()
    shown = present(CLASSES, raw)
    assert shown.flatten().tolist() == pytest.approx([0.0, 1.0, 0.0])
    shown[0, 1].sum().backward()
    soft = torch.tensor([0.1, 0.3, 0.2]).softmax(0)
    assert raw.grad is not None
    expected = soft[1] * (torch.tensor([0.0, 1.0, 0.0]) - soft)
    assert raw.grad.flatten().tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_what_is_generated_has_the_holes_of_real_images() -> None:
    """A void pixel on the left of the real label, so the generated image is void there and keeps the right."""
    made = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).T.view(1, 3, 1, 2)
    shown = with_holes_of(CLASSES, made, torch.tensor([[[0, 2]]]))
    assert shown[0, :, 0, 0].tolist() == [1.0, 0.0, 0.0]
    assert shown[0, :, 0, 1].tolist() == [0.0, 0.0, 1.0]
    depth = with_holes_of(DEPTH, torch.full((2, 1, 1, 1), 0.5), torch.tensor([0.0]).view(1, 1, 1, 1))
    assert depth.flatten().tolist() == [-1.5, -1.5], "0 m, for every generated image"


def test_the_history_fills_up_then_exchanges_half() -> None:
    torch.manual_seed(0)
    pool = ImagePool((1, 1, 1), size=50)
    first = torch.arange(50.0).view(50, 1, 1, 1)
    assert torch.equal(pool.query(first), first)
    new = torch.arange(100.0, 1100.0).view(1000, 1, 1, 1)
    shown = torch.cat([pool.query(part) for part in new.split(10)])
    exchanged = (shown != new).flatten()
    assert 0.45 < float(exchanged.float().mean()) < 0.55
    assert (shown[exchanged] < new[exchanged]).all(), "an older image is shown in place of a new one"
    everything = torch.cat([shown, pool.images]).flatten().sort().values
    assert torch.equal(everything, torch.cat([first, new]).flatten()), "none is lost, none is shown twice"


def test_the_history_rests_in_evaluation() -> None:
    pool = ImagePool((1, 1, 1), size=2).eval()
    fakes = torch.ones(4, 1, 1, 1)
    assert torch.equal(pool.query(fakes), fakes)
    assert int(pool.filled) == 0


def test_a_loaded_history_goes_on_where_it_was() -> None:
    """In a pool of another age: the count comes from the checkpoint, as the images do."""
    torch.manual_seed(0)
    old, other = ImagePool((1, 1, 1), size=4), nn.ModuleDict({"pool": ImagePool((1, 1, 1), size=4)})
    old.query(torch.arange(3.0).view(3, 1, 1, 1))
    pool = cast(ImagePool, other["pool"])
    pool.query(torch.full((1, 1, 1, 1), 9.0))
    other.load_state_dict({f"pool.{key}": value for key, value in old.state_dict().items()})
    pool.query(torch.full((1, 1, 1, 1), 7.0))
    assert pool.images.flatten().tolist() == [0.0, 1.0, 2.0, 7.0] and int(pool.filled) == 4


def test_one_place_exchanged_twice_in_a_batch_gives_the_first_to_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ImagePool((1, 1, 1), size=1)
    pool.query(torch.zeros(1, 1, 1, 1))
    monkeypatch.setattr(torch, "rand", lambda count: torch.zeros(count))
    new = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1, 1)
    assert pool.query(new).flatten().tolist() == [0.0, 1.0, 2.0]
    assert pool.images.flatten().tolist() == [3.0] and new.flatten().tolist() == [1.0, 2.0, 3.0]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_history_on_a_gpu_is_that_of_the_cpu_and_waits_for_nothing() -> None:
    new = torch.randn(40, 3, 8, 8)
    shown = {}
    for where in ("cpu", "cuda"):
        torch.manual_seed(0)
        pool = ImagePool((3, 8, 8), size=10).to(where)
        parts = [part.to(where) for part in new.split(4)]
        first = pool.query(parts[0])
        torch.cuda.set_sync_debug_mode("error")
        try:
            rest = [pool.query(part) for part in parts[1:]]
        finally:
            torch.cuda.set_sync_debug_mode("default")
        shown[where] = torch.cat([first, *rest, pool.images]).cpu()
    assert torch.equal(shown["cpu"], shown["cuda"])
