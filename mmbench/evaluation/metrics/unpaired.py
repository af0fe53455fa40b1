"""Metrics of translations without a truth: what is kept of the input, and how near the output is to its domain."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


@torch.inference_mode()
def content(image: Tensor, translated: Tensor) -> np.ndarray:
    """How much of each image's contours a translation keeps: SSIM of the gradients' magnitudes.

    Colour and style may change, edges should not. The magnitude is that of the forward differences of the mean over
    channels; SSIM with its usual 11 x 11 Gaussian window over a range of 2, what a difference of values in [-1, 1] can
    reach.

    Args:
        image, translated: ``(B, 3, H, W)`` in [-1, 1], H and W at least 11.

    Returns:
        float64 ``(B,)``, 1 where the contours are the same.
    """
    # Imported late, here and below: torchmetrics takes seconds, and most cells need none of it.
    from torchmetrics.functional.image import structural_similarity_index_measure

    with torch.autocast(image.device.type, enabled=False):
        made, given = _contours(translated.float()), _contours(image.float())
        values = structural_similarity_index_measure(made, given, data_range=2.0, reduction="none")
    return torch.as_tensor(values).double().cpu().numpy().reshape(-1)


def kernel_distance(real: np.ndarray, translated: np.ndarray) -> float:
    """KID (Binkowski et al. 2018): the unbiased squared MMD of a cubic kernel over a judge's features.

    Args:
        real, translated: features ``(N, D)`` and ``(M, D)``.

    Returns:
        About 0 for two samples of one distribution, and then negative as often as positive; nan below two images.
    """
    from torchmetrics.image.kid import poly_mmd

    count = min(len(real), len(translated))
    if count < 2:
        return float("nan")
    # The estimator takes samples of one size; what is left over of the larger one is not looked at.
    first, second = (torch.from_numpy(np.asarray(sample[:count], np.float64)) for sample in (real, translated))
    return float(poly_mmd(first, second))


def _contours(images: Tensor) -> Tensor:
    from torchmetrics.functional.image import image_gradients

    vertical, horizontal = image_gradients(images.mean(1, keepdim=True))
    return (vertical.square() + horizontal.square()).sqrt()
