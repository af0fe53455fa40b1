"""Segmentation quality: confusion counts per image, IoU and accuracy over the whole test set.

IoU is taken from the confusion matrix summed over all images, never averaged over images: the two differ widely.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def update(prediction: Tensor, truth: Tensor, classes: int) -> np.ndarray:
    """Confusion counts of each image of a batch.

    Args:
        prediction: int64 ``(B, H, W)``, class ids 1..K.
        truth: int64 ``(B, H, W)``, class ids 0..K; 0 is void and not evaluated.
        classes: K, the number of real classes.

    Returns:
        int64 ``(B, K, K)``; rows are the true classes, columns the predicted ones, void is in neither.

    Raises:
        ValueError: shapes differ, or an evaluated pixel has an id outside 1..K.
    """
    if prediction.shape != truth.shape or truth.ndim != 3:
        raise ValueError(f"expected two (B, H, W) tensors, got {tuple(prediction.shape)} and {tuple(truth.shape)}")
    evaluated = truth != 0
    predicted, actual = prediction[evaluated], truth[evaluated]
    for name, ids in (("prediction", predicted), ("truth", actual)):
        if ids.numel() and not 1 <= int(ids.min()) <= int(ids.max()) <= classes:
            raise ValueError(f"{name} has class ids {int(ids.min())}..{int(ids.max())}, expected 1..{classes}")
    images = len(truth)
    image = torch.arange(images, device=truth.device).view(-1, 1, 1).expand_as(truth)[evaluated]
    cell = (image * classes + actual - 1) * classes + predicted - 1
    counts = torch.bincount(cell, minlength=images * classes * classes)
    return counts.view(images, classes, classes).cpu().numpy().astype(np.int64)


def compute(confusion: np.ndarray, class_names: Sequence[str]) -> dict[str, float]:
    """Numbers of a test set from its images' confusion counts.

    Args:
        confusion: ``(N, K, K)`` from :func:`update`; N may be 0.
        class_names: names of classes 1..K.

    Returns:
        Percent: ``iou/<class>`` (nan where the class does not occur in the ground truth), ``miou`` (mean over the
        classes that occur there) and ``global_accuracy``. All are nan where nothing was evaluated.
    """
    total = np.asarray(confusion).sum(axis=0).astype(np.float64)
    hits, actual, predicted = total.diagonal(), total.sum(axis=1), total.sum(axis=0)
    union = actual + predicted - hits
    iou = np.where(actual > 0, 100.0 * hits / np.where(actual > 0, union, 1.0), np.nan)
    occurring = iou[actual > 0]
    pixels = float(total.sum())
    return {
        "miou": float(occurring.mean()) if occurring.size else float("nan"),
        "global_accuracy": 100.0 * float(hits.sum()) / pixels if pixels else float("nan"),
        **{f"iou/{name}": float(value) for name, value in zip(class_names, iou, strict=True)},
    }
