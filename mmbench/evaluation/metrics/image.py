"""Image quality: PSNR and SSIM of each image, correlations of opponent channels over the whole test set.

The correlations say which channel a translation got right where a judge's accuracy does not: in the cross-channel task
theta1 tells R-G, theta2 tells G-B, and neither tells the intensity.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

OPPONENT = ("correlation_r-g", "correlation_g-b", "correlation_intensity")
SCALAR = ("correlation",)
DATA_RANGE = 2.0  # images are in [-1, 1]
CONSTANT = 1e-10  # a variance below this share of the mean square is rounding: the channel is constant


def update(prediction: Tensor, truth: Tensor) -> np.ndarray:
    """Statistics of each image of a batch.

    Args:
        prediction, truth: ``(B, C, H, W)`` in [-1, 1] with C = 3 (RGB) or C = 1 (scalar modalities), H and W > 5
            (half of SSIM's 11 x 11 Gaussian window).

    Returns:
        float64 ``(B, 3 + 5 k)``: PSNR (dB), SSIM, the number of pixels, then for each of the k = 3 opponent channels
        (R-G, G-B, mean of R, G, B), or for the k = 1 scalar one, the sums of p, t, p^2, t^2 and p t.

    Raises:
        ValueError: shapes differ, or the number of channels is neither 1 nor 3.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} differ in shape")
    if truth.ndim != 4 or truth.shape[1] not in (1, 3):
        raise ValueError(f"expected (B, 3, H, W) or (B, 1, H, W), got {tuple(truth.shape)}")
    if not len(truth):
        return np.empty((0, 3 + 5 * len(OPPONENT if truth.shape[1] == 3 else SCALAR)))
    # Image by image: sums over a batch may be split differently, and so rounded differently, for other batch sizes.
    with torch.autocast(truth.device.type, enabled=False):
        rows = [_image(mine, real) for mine, real in zip(prediction.double(), truth.double(), strict=True)]
    return torch.stack(rows).cpu().numpy()


def compute(stats: np.ndarray) -> dict[str, float]:
    """Numbers of a test set from its images' statistics.

    Returns:
        ``psnr`` (dB) and ``ssim``, means over the images; Pearson correlations of prediction and truth, pooled over
        all pixels of all images: ``correlation_r-g``, ``correlation_g-b``, ``correlation_intensity`` for RGB,
        ``correlation`` for scalar modalities; nan where either is constant. All are nan without images.

    Raises:
        ValueError: the number of columns fits neither RGB nor scalar modalities.
    """
    stats = np.asarray(stats, np.float64)
    names = {3 + 5 * len(keys): keys for keys in (SCALAR, OPPONENT)}.get(stats.shape[1])
    if names is None:
        raise ValueError(f"image statistics with {stats.shape[1]} columns")
    if not len(stats):
        return dict.fromkeys(("psnr", "ssim", *names), float("nan"))
    total = stats[:, 2:].sum(axis=0)
    sums = total[1:].reshape(len(names), 5) / total[0]
    numbers = {"psnr": float(stats[:, 0].mean()), "ssim": float(stats[:, 1].mean())}
    return numbers | {name: _pearson(*means.tolist()) for name, means in zip(names, sums, strict=True)}


def _image(prediction: Tensor, truth: Tensor) -> Tensor:
    psnr = peak_signal_noise_ratio(prediction, truth, data_range=DATA_RANGE)
    # SSIM's windows in float32 are 1e-7 off and 15 times as fast on a CPU; a GPU might run them in TF32, 1e-3 off.
    window = torch.float32 if truth.device.type == "cpu" else torch.float64
    pair = prediction[None].to(window), truth[None].to(window)
    ssim = torch.as_tensor(structural_similarity_index_measure(*pair, data_range=DATA_RANGE))
    p, t = _channels(prediction), _channels(truth)
    sums = torch.stack([p.sum(1), t.sum(1), p.square().sum(1), t.square().sum(1), (p * t).sum(1)], dim=1)
    return torch.cat([torch.stack([psnr, ssim.double(), psnr.new_tensor(p.shape[1])]), sums.flatten()])


def _channels(image: Tensor) -> Tensor:
    """``(C, H, W)`` to ``(k, H * W)``: opponent channels of RGB, or the one channel there is."""
    flat = image.flatten(1)
    if len(flat) == 1:
        return flat
    red, green, blue = flat
    return torch.stack([red - green, green - blue, (red + green + blue) / 3.0])


def _pearson(p: float, t: float, pp: float, tt: float, pt: float) -> float:
    """Pearson correlation from the means of p, t, p^2, t^2 and p t."""
    var_p, var_t = pp - p * p, tt - t * t
    if var_p <= CONSTANT * pp or var_t <= CONSTANT * tt:
        return float("nan")
    return (pt - p * t) / math.sqrt(var_p * var_t)
