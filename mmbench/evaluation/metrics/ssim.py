"""Structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004) of each image of a batch, in plain tensor arithmetic.

The numbers are torchmetrics'. Its 11 x 11 window is one convolution with 121 products a pixel, which a GPU may run in
TF32 and whose rounding may depend on the batch. Here the window is taken apart into a column and a row of 11 weights,
and no pixel's arithmetic depends on what else is in the batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

STD, RADIUS = 1.5, 5  # of the Gaussian window, in pixels
K1, K2 = 0.01, 0.03


def ssim_map(prediction: Tensor, truth: Tensor, data_range: float) -> Tensor:
    """SSIM of each pixel's surroundings; an image's SSIM is its mean.

    Args:
        prediction, truth: ``(B, C, H, W)``, of one floating-point type, H and W > 5: borders are mirrored.
        data_range: what two values can differ by.

    Returns:
        ``(B, C, H, W)`` in [-1, 1].
    """
    products = (prediction, truth, prediction.square(), truth.square(), prediction * truth)
    p, t, pp, tt, pt = _blurred(torch.cat(products)).chunk(5)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    variances = (pp - p.square()).clamp_(min=0) + (tt - t.square()).clamp_(min=0)
    both = p * t
    return (2 * both + c1) * (2 * (pt - both) + c2) / ((p.square() + t.square() + c1) * (variances + c2))


def _blurred(images: Tensor) -> Tensor:
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    window = torch.exp(-((offsets / STD) ** 2) / 2)
    weights = (window / window.sum()).tolist()
    padded = F.pad(images, (RADIUS,) * 4, mode="reflect")
    return _weighted(_weighted(padded, 2, weights), 3, weights)


def _weighted(images: Tensor, axis: int, weights: list[float]) -> Tensor:
    """Sums of neighbours along an axis, which gets shorter by all but one of them."""
    length = images.shape[axis] - len(weights) + 1
    total = images.narrow(axis, 0, length) * weights[0]
    for offset, weight in enumerate(weights[1:], start=1):
        total.add_(images.narrow(axis, offset, length), alpha=weight)
    return total
