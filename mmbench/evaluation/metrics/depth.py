"""Depth quality (thesis eq. 4.15): threshold accuracies and root mean squared errors, pooled over valid pixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mmbench.modality import MINIMUM_DEPTH

THRESHOLDS = {"delta_1.25": 1.25, "delta_1.25^2": 1.25**2, "delta_1.25^3": 1.25**3}


def update(prediction: Tensor, truth: Tensor) -> np.ndarray:
    """Statistics of each image of a batch.

    Args:
        prediction: ``(B, 1, H, W)`` metres, clamped here to at least ``MINIMUM_DEPTH``.
        truth: ``(B, 1, H, W)`` metres; 0 is invalid and not evaluated.

    Returns:
        float64 ``(B, 6)``: valid pixels; those with ``max(y/y', y'/y)`` below 1.25, 1.25^2 and 1.25^3; sum of
        squared errors (metres^2); sum of squared differences of natural logarithms.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} differ in shape")
    if not len(truth):
        return np.empty((0, 3 + len(THRESHOLDS)))
    # Image by image: sums over a batch may be split differently, and so rounded differently, for other batch sizes.
    rows = [_image(mine, real) for mine, real in zip(prediction, truth, strict=True)]
    return torch.stack(rows).cpu().numpy()


def compute(stats: np.ndarray) -> dict[str, float]:
    """Numbers of a test set from its images' statistics ``(N, 6)``, pooled over all valid pixels of all images.

    Returns:
        ``delta_1.25``, ``delta_1.25^2``, ``delta_1.25^3`` as fractions, ``rmse_linear`` in metres and ``rmse_log`` of
        natural logarithms; all nan where no pixel is valid.
    """
    keys = (*THRESHOLDS, "rmse_linear", "rmse_log")
    total = np.asarray(stats, np.float64).sum(axis=0)
    if total[0] == 0:
        return dict.fromkeys(keys, float("nan"))
    means = total[1:] / total[0]
    means[-2:] = np.sqrt(means[-2:])
    return dict(zip(keys, means.tolist(), strict=True))


def _image(prediction: Tensor, truth: Tensor) -> Tensor:
    valid = truth > 0
    truth = torch.where(valid, truth.double(), 1.0)
    prediction = torch.where(valid, prediction.double().clamp(min=MINIMUM_DEPTH), 1.0)
    ratio = torch.maximum(truth / prediction, prediction / truth)
    sums = [valid.sum(dtype=torch.float64)]
    sums += [(valid & (ratio < limit)).sum(dtype=torch.float64) for limit in THRESHOLDS.values()]
    # Invalid pixels are 1 m in both and add zero, which keeps shapes static and a GPU from waiting.
    sums += [(prediction - truth).square().sum(), (prediction.log() - truth.log()).square().sum()]
    return torch.stack(sums)
