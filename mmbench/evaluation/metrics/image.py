"""Image quality: PSNR and SSIM of each image, correlations of opponent channels over the whole test set.

The correlations say which channel a translation got right where a judge's accuracy does not: in the cross-channel task
theta1 tells R-G, theta2 tells G-B, and neither tells the intensity.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mmbench.evaluation.metrics.per_image import image_sums, parts
from mmbench.metric import Score, sums_of
from mmbench.modality import Modality, Rgb

if TYPE_CHECKING:
    from torch import Tensor

NAME = "image"
TITLE = "PSNR, SSIM and correlations of channels"
KINDS = ("rgb", "scalar")
OPPONENT = ("correlation_r-g", "correlation_g-b", "correlation_intensity")
SCALAR = ("correlation",)
SCORES = (
    Rgb.main,
    Score("ssim", "SSIM", ".3f"),
    *(Score(key, key.replace("_", " "), ".2f") for key in (*OPPONENT, *SCALAR)),
)
SUMS = ("p", "t", "pp", "tt", "pt")  # over pixels: of the prediction p, the truth t and their products
PER_IMAGE = ("psnr", "ssim")
DATA_RANGE = 2.0  # images are in [-1, 1]
CONSTANT = 1e-10  # a variance below this share of the mean square is rounding: the channel is constant


def columns(modality: Modality) -> tuple[str, ...]:
    """PSNR, SSIM, the number of pixels, and five sums for each correlation."""
    return (*PER_IMAGE, "pixels", *(f"{key}/{name}" for key in _correlations(modality) for name in SUMS))


def update(prediction: Tensor, truth: Tensor, modality: Modality) -> np.ndarray:
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
    import torch

    if prediction.shape != truth.shape:
        raise ValueError(f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} differ in shape")
    if truth.ndim != 4 or truth.shape[1] not in (1, 3):
        raise ValueError(f"expected (B, 3, H, W) or (B, 1, H, W), got {tuple(truth.shape)}")
    if not len(truth):
        return np.empty((0, len(columns(modality))))
    with torch.autocast(truth.device.type, enabled=False):
        made = [_images(p, t) for p, t in zip(*(parts(x.double()) for x in (prediction, truth)), strict=True)]
    return torch.cat(made).cpu().numpy()


def total(statistics: np.ndarray) -> np.ndarray:
    """Sums over images; those of PSNR and SSIM are taken in pairs, as numpy takes a mean."""
    sums = sums_of(statistics)
    sums[: len(PER_IMAGE)] = [statistics[:, number].sum() for number in range(len(PER_IMAGE))]
    return sums


def compute(sums: np.ndarray, images: np.ndarray | int, modality: Modality) -> dict[str, np.ndarray]:
    """Numbers from summed statistics ``(..., 3 + 5 k)``.

    Returns:
        ``psnr`` (dB) and ``ssim``, means over the images; Pearson correlations of prediction and truth, pooled over
        all pixels of all images: ``correlation_r-g``, ``correlation_g-b``, ``correlation_intensity`` for RGB,
        ``correlation`` for scalar modalities; nan where either is constant. All are nan without images.

    Raises:
        ValueError: the number of columns does not fit the modality.
    """
    sums, keys = np.asarray(sums, np.float64), _correlations(modality)
    if sums.shape[-1] != len(columns(modality)):
        raise ValueError(f"image statistics with {sums.shape[-1]} columns")
    made = {key: sums[..., number] / images for number, key in enumerate(PER_IMAGE)}
    pixels = len(PER_IMAGE)
    means = sums[..., pixels + 1 :] / sums[..., pixels : pixels + 1]
    means = means.reshape(*sums.shape[:-1], len(keys), len(SUMS))
    return made | {key: _pearson(*np.moveaxis(means[..., number, :], -1, 0)) for number, key in enumerate(keys)}


def _correlations(modality: Modality) -> tuple[str, ...]:
    return OPPONENT if modality.is_colour else SCALAR


def _images(prediction: Tensor, truth: Tensor) -> Tensor:
    import torch

    from mmbench.evaluation.metrics.ssim import ssim_map

    errors = image_sums((prediction - truth).square().flatten(1)) / truth[0].numel()
    psnr = 20 * math.log10(DATA_RANGE) - 10 * errors.log10()
    # SSIM's windows in float32 are 1e-7 off.
    ssim = image_sums(ssim_map(prediction.float(), truth.float(), DATA_RANGE).flatten(1).double()) / truth[0].numel()
    p, t = _channels(prediction), _channels(truth)
    sums = torch.stack([image_sums(one) for one in (p, t, p.square(), t.square(), p * t)], dim=2)
    return torch.cat([torch.stack([psnr, ssim, torch.full_like(psnr, p.shape[2])], dim=1), sums.flatten(1)], dim=1)


def _channels(images: Tensor) -> Tensor:
    """``(B, C, H, W)`` to ``(B, k, H * W)``: opponent channels of RGB, or the one channel there is."""
    import torch

    flat = images.flatten(2)
    if flat.shape[1] == 1:
        return flat
    red, green, blue = flat.unbind(1)
    return torch.stack([red - green, green - blue, (red + green + blue) / 3.0], dim=1)


def _pearson(p: np.ndarray, t: np.ndarray, pp: np.ndarray, tt: np.ndarray, pt: np.ndarray) -> np.ndarray:
    """Pearson correlation from the means of p, t, p^2, t^2 and p t."""
    var_p, var_t = pp - p * p, tt - t * t
    constant = (var_p <= CONSTANT * pp) | (var_t <= CONSTANT * tt)
    return np.where(constant, np.nan, (pt - p * t) / np.sqrt(var_p * var_t))
