"""Segmentation quality: confusion counts per image, IoU and accuracy over the whole test set.

IoU is taken from the confusion matrix summed over all images, never averaged over images: the two differ widely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench.evaluation.metrics.per_image import parts
from mmbench.metric import Score
from mmbench.modality import Modality, Segmentation

if TYPE_CHECKING:
    from torch import Tensor

NAME = "segmentation"
TITLE = "IoU per class, mIoU and global accuracy"
KINDS = ("segmentation",)
SCORES = (Segmentation.main, Score("global_accuracy", "Global", ".1f", "%"), Score("iou", "IoU", ".1f", "%"))


def columns(modality: Modality) -> tuple[str, ...]:
    """The confusion matrix row by row, ``(K * K,)``: ``<true class>/<predicted class>``, void in neither."""
    names = [name for name, _ in modality.legend]
    return tuple(f"{true}/{predicted}" for true in names for predicted in names)


def update(prediction: Tensor, truth: Tensor, modality: Modality) -> np.ndarray:
    """Confusion counts of each image of a batch.

    Args:
        prediction: int64 ``(B, H, W)``, class ids 1..K.
        truth: int64 ``(B, H, W)``, class ids 0..K; 0 is void and not evaluated.

    Returns:
        int64 ``(B, K * K)``.

    Raises:
        ValueError: shapes differ, or an evaluated pixel has an id outside 1..K.
    """
    import torch

    classes = len(modality.legend)
    if prediction.shape != truth.shape or truth.ndim != 3:
        raise ValueError(f"expected two (B, H, W) tensors, got {tuple(prediction.shape)} and {tuple(truth.shape)}")
    if not truth.numel():
        return np.zeros((len(truth), classes * classes), np.int64)
    made = []
    for predicted, actual in zip(parts(prediction), parts(truth), strict=True):
        _check_ids(predicted, actual, classes)
        # Void pixels go to the first cell of their image, which is left out with its row: no pixel has to be moved.
        first = torch.arange(len(actual), device=actual.device).view(-1, 1, 1) * (classes + 1) ** 2
        cell = torch.where(actual != 0, first + actual * (classes + 1) + predicted, first)
        counts = torch.bincount(cell.flatten(), minlength=len(actual) * (classes + 1) ** 2)
        made.append(counts.view(-1, classes + 1, classes + 1)[:, 1:, 1:].flatten(1))
    return torch.cat(made).cpu().numpy().astype(np.int64)


def compute(sums: np.ndarray, images: np.ndarray | int, modality: Modality) -> dict[str, np.ndarray]:
    """Numbers from summed confusion counts ``(..., K * K)``.

    Returns:
        Percent: ``miou`` (mean over the classes that occur in the ground truth), ``global_accuracy``, and
        ``iou/<class>`` (nan where the class does not occur there). All are nan where nothing was evaluated.
    """
    names = [name for name, _ in modality.legend]
    counts = np.asarray(sums, np.float64)
    confusion = counts.reshape(*counts.shape[:-1], len(names), len(names))
    hits = confusion.diagonal(axis1=-2, axis2=-1)
    actual, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    occurs = actual > 0
    iou = np.where(occurs, 100.0 * hits / np.where(occurs, actual + predicted - hits, 1.0), np.nan)
    pixels = actual.sum(axis=-1)
    return {
        "miou": _mean_of(iou, occurs),
        "global_accuracy": np.where(pixels > 0, 100.0 * hits.sum(axis=-1) / np.where(pixels > 0, pixels, 1.0), np.nan),
        **{f"iou/{name}": iou[..., number] for number, name in enumerate(names)},
    }


def _check_ids(prediction: Tensor, truth: Tensor, classes: int) -> None:
    """Raises ValueError where an evaluated pixel has an id outside 1..K; what is predicted at void pixels is free."""
    import torch

    for name, ids, least in (("prediction", torch.where(truth != 0, prediction, 1), 1), ("truth", truth, 0)):
        low, high = (int(found) for found in ids.aminmax())
        if not least <= low <= high <= classes:
            raise ValueError(f"{name} has class ids {low}..{high}, expected {least}..{classes}")


def _mean_of(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Means along the last axis of what is chosen; nan where nothing is."""
    flat, mask = values.reshape(-1, values.shape[-1]), chosen.reshape(-1, values.shape[-1])
    means = np.full(len(flat), np.nan)
    many = mask.sum(axis=-1)
    # By how many are chosen: zeros in the place of the others would change how numpy groups the sum, and so its last
    # digit.
    for count in np.unique(many[many > 0]):
        rows = many == count
        means[rows] = flat[rows][mask[rows]].reshape(-1, count).mean(axis=-1)
    return means.reshape(values.shape[:-1])
