from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmbench.methods.losses import (
    berhu,
    cross_entropy,
    l2,
    latent_distance,
    lsgan_discriminator,
    lsgan_generator,
    translation_loss,
)
from torch import Tensor

from mmbench.modality import Depth, Rgb, Scalar, Segmentation

RGB = Rgb("rgb")
DEPTH = Depth("depth", centre=3.0, scale=2.0)
NIR = Scalar("nir", loss="berhu")
SEGMENTATION = Segmentation("segmentation", classes=("a", "b"), palette=((0, 0, 0),) * 3)


def test_cross_entropy_is_the_mean_over_valid_pixels() -> None:
    torch.manual_seed(0)
    raw, target = torch.randn(2, 5, 3, 4), torch.randint(0, 5, (2, 3, 4))
    assert (target == 0).any()
    torch.testing.assert_close(cross_entropy(raw, target), F.cross_entropy(raw, target, ignore_index=0))


def test_cross_entropy_counts_the_void_channel_in_the_soft_max() -> None:
    raw = torch.zeros(1, 4, 1, 1)
    assert float(cross_entropy(raw, torch.ones(1, 1, 1, dtype=torch.long))) == pytest.approx(np.log(4))


def test_berhu_by_hand() -> None:
    # Image 1: errors 1, 5, 10 -> c = 2: 1, (25 + 4) / 4 = 7.25, (100 + 4) / 4 = 26; its last pixel is invalid.
    # Image 2: errors 0.1, 0.1, 0.5, 0.1 -> c = 0.1: 0.1 three times, (0.25 + 0.01) / 0.2 = 1.3.
    prediction = torch.tensor([[1.0, -5.0, 10.0, 1000.0], [0.1, 0.1, -0.5, 0.1]]).view(2, 1, 2, 2)
    valid = torch.tensor([[True, True, True, False], [True] * 4]).view(2, 2, 2)
    expected = (1 + 7.25 + 26 + 0.3 + 1.3) / 7
    assert float(berhu(prediction, torch.zeros_like(prediction), valid)) == pytest.approx(expected)


def test_berhu_is_continuous_at_c_and_zero_for_no_error() -> None:
    errors = torch.tensor([1.0, 0.2 - 1e-6, 0.2 + 1e-6]).view(1, 1, 1, 3)
    valid = torch.ones(1, 1, 3, dtype=torch.bool)
    assert float(berhu(errors, torch.zeros_like(errors), valid)) == pytest.approx((2.6 + 0.4) / 3, abs=1e-5)
    same = torch.ones(1, 1, 1, 3, requires_grad=True)
    loss = berhu(same, torch.ones(1, 1, 1, 3), valid)
    loss.backward()
    assert float(loss.detach()) == 0
    assert same.grad is not None
    assert same.grad.tolist() == torch.zeros(1, 1, 1, 3).tolist()


def test_berhus_gradient_takes_c_for_a_constant() -> None:
    errors = torch.tensor([10.0, 5.0, 1.0]).view(1, 1, 1, 3).requires_grad_()
    berhu(errors, torch.zeros_like(errors), torch.ones(1, 1, 3, dtype=torch.bool)).backward()
    assert errors.grad is not None
    # error / c for the large ones, the sign for the small one, over 3 pixels; c = 2
    torch.testing.assert_close(errors.grad.flatten(), torch.tensor([5.0, 2.5, 1.0]) / 3)


def test_l2_reductions() -> None:
    a, b = torch.randn(3, 2, 4, 4), torch.randn(3, 2, 4, 4)
    torch.testing.assert_close(l2(a, b), F.mse_loss(a, b))
    norms = [np.linalg.norm((x - y).numpy().ravel()) for x, y in zip(a, b, strict=True)]
    assert float(l2(a, b, "norm")) == pytest.approx(float(np.mean(norms)), rel=1e-6)
    assert torch.equal(latent_distance(a, b, "norm"), l2(a, b, "norm"))
    assert torch.equal(latent_distance(a, b), l2(a, b, "mean"))


def test_l2_skips_invalid_pixels() -> None:
    prediction = torch.tensor([3.0, 4.0, 100.0]).view(1, 1, 1, 3)
    valid = torch.tensor([True, True, False]).view(1, 1, 3)
    zero = torch.zeros_like(prediction)
    assert float(l2(prediction, zero, "mean", valid)) == pytest.approx(12.5)
    assert float(l2(prediction, zero, "norm", valid)) == pytest.approx(5.0)


def test_the_norm_of_no_error_has_a_finite_gradient() -> None:
    a = torch.ones(2, 3, requires_grad=True)
    l2(a, torch.ones(2, 3), "norm").backward()
    assert a.grad is not None
    assert a.grad.isfinite().all()


def test_least_squares_gan_by_hand() -> None:
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    assert float(lsgan_generator(fake)) == 1.0
    assert float(lsgan_discriminator(real, fake)) == 2.0 + 2.0


def test_no_valid_pixel_costs_nothing_and_keeps_the_graph() -> None:
    raw = torch.randn(1, 3, 2, 2, requires_grad=True)
    void = torch.zeros(1, 2, 2, dtype=torch.long)
    one = raw[:, :1]
    loss = (
        translation_loss(SEGMENTATION, raw, void)
        + translation_loss(DEPTH, one, torch.zeros(1, 1, 2, 2))
        + l2(one, torch.zeros_like(one), "mean", void.bool())
    )
    loss.backward()
    assert float(loss.detach()) == 0
    assert raw.grad is not None
    assert not raw.grad.any()


def test_translation_loss_compares_in_the_networks_representation() -> None:
    # 5 m enters the network as (5 - 3) / 2 = 1; the second pixel is invalid.
    raw, metres = torch.tensor([1.5, 9.0]).view(1, 1, 1, 2), torch.tensor([5.0, 0.0]).view(1, 1, 1, 2)
    # One error of 0.5: c = 0.1, (0.25 + 0.01) / 0.2
    assert float(translation_loss(DEPTH, raw, metres)) == pytest.approx(1.3)
    squared = Depth("depth", centre=3.0, scale=2.0, loss="l2")
    assert float(translation_loss(squared, raw, metres)) == pytest.approx(0.25)


def test_translation_loss_by_modality() -> None:
    torch.manual_seed(0)
    a, b, valid = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4), torch.ones(2, 4, 4, dtype=torch.bool)
    ids = torch.randint(0, 3, (2, 4, 4))
    assert torch.equal(translation_loss(RGB, a, b), l2(a, b))
    assert torch.equal(translation_loss(RGB, a, b, "norm"), l2(a, b, "norm"))
    assert torch.equal(translation_loss(NIR, a[:, :1], b[:, :1]), berhu(a[:, :1], b[:, :1], valid))
    assert torch.equal(translation_loss(SEGMENTATION, a, ids), cross_entropy(a, ids))


@pytest.mark.parametrize(
    "loss",
    [
        lambda a, b: cross_entropy(a, torch.ones(2, 4, 4, dtype=torch.long)),
        lambda a, b: berhu(a, b, torch.ones(2, 4, 4, dtype=torch.bool)),
        lambda a, b: l2(a, b, "norm"),
        lambda a, b: latent_distance(a, b),
        lambda a, b: lsgan_generator(a),
        lambda a, b: lsgan_discriminator(a, b),
    ],
)
def test_losses_are_fp32_under_autocast(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    a, b = torch.randn(2, 3, 4, 4).bfloat16(), torch.randn(2, 3, 4, 4).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        low = loss(a, b)
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, loss(a.float(), b.float()))
