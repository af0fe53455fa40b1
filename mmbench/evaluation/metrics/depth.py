"""Depth quality (thesis eq. 4.15): threshold accuracies and root mean squared errors, pooled over valid pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench.evaluation.metrics.per_image import image_sums, parts
from mmbench.metric import Score
from mmbench.modality import Depth, Modality

if TYPE_CHECKING:
    from torch import Tensor

NAME = "depth"
TITLE = "Share of pixels within 1.25, 1.25^2 and 1.25^3, RMSE and RMSE of logarithms"
KINDS = ("depth",)
SCORES = (
    Depth.main,
    Score("delta_1.25^2", "δ < 1.25²", ".3f", "share"),
    Score("delta_1.25^3", "δ < 1.25³", ".3f", "share"),
    Score("rmse_linear", "RMSE", ".3f", "m", lower=True),
    Score("rmse_log", "RMSE log", ".3f", lower=True),
)
THRESHOLDS = {"delta_1.25": 1.25, "delta_1.25^2": 1.25**2, "delta_1.25^3": 1.25**3}


def columns(modality: Modality) -> tuple[str, ...]:
    """Counts of valid pixels and of those within each threshold, and two sums of squares."""
    return ("valid", *THRESHOLDS, "squared_error", "squared_log_error")


def update(prediction: Tensor, truth: Tensor, modality: Modality) -> np.ndarray:
    """Statistics of each image of a batch.

    Args:
        prediction: ``(B, 1, H, W)`` metres.
        truth: ``(B, 1, H, W)`` metres; 0 is invalid and not evaluated. What is nearer than the modality's ``minimum``
            (0.1 m in rooms) counts as lying there, in predictions and truths alike.

    Returns:
        float64 ``(B, 6)``: valid pixels; those with ``max(y/y', y'/y)`` below 1.25, 1.25^2 and 1.25^3; sum of
        squared errors (metres^2); sum of squared differences of natural logarithms.

    Raises:
        ValueError: the shapes differ.
    """
    import torch

    if prediction.shape != truth.shape:
        raise ValueError(f"prediction {tuple(prediction.shape)} and truth {tuple(truth.shape)} differ in shape")
    if not len(truth):
        return np.empty((0, len(columns(modality))))
    made = [_images(mine, real, modality.minimum) for mine, real in zip(parts(prediction), parts(truth), strict=True)]
    return torch.cat(made).cpu().numpy()


def compute(sums: np.ndarray, images: np.ndarray | int, modality: Modality) -> dict[str, np.ndarray]:
    """Numbers from summed statistics ``(..., 6)``, pooled over all valid pixels of all images.

    Returns:
        ``delta_1.25``, ``delta_1.25^2``, ``delta_1.25^3`` as fractions, ``rmse_linear`` in metres and ``rmse_log`` of
        natural logarithms; all nan where no pixel is valid.
    """
    total = np.asarray(sums, np.float64)
    valid = total[..., :1]
    means = np.where(valid > 0, total[..., 1:] / np.where(valid > 0, valid, 1.0), np.nan)
    means[..., -2:] = np.sqrt(means[..., -2:])
    keys = (*THRESHOLDS, "rmse_linear", "rmse_log")
    return {key: means[..., number] for number, key in enumerate(keys)}


def _images(prediction: Tensor, truth: Tensor, floor: float) -> Tensor:
    import torch

    valid = truth > 0
    truth = torch.where(valid, truth.double().clamp(min=floor), 1.0)
    prediction = torch.where(valid, prediction.double().clamp(min=floor), 1.0)
    ratio = torch.maximum(truth / prediction, prediction / truth).flatten(1)
    # Invalid pixels are 1 m in both: they add zero, and are counted within every threshold. Shapes stay static, and a
    # GPU need not wait.
    evaluated = valid.flatten(1).count_nonzero(1)
    invalid = ratio.shape[1] - evaluated
    counts = [evaluated, *((ratio < limit).count_nonzero(1) - invalid for limit in THRESHOLDS.values())]
    errors = [(prediction - truth).square_(), prediction.log_().sub_(truth.log_()).square_()]
    sums = image_sums(torch.stack([one.flatten(1) for one in errors], dim=1))
    return torch.cat([torch.stack(counts, dim=1).double(), sums], dim=1)
