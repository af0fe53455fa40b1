"""Dice coefficient of each class, where a segmentation has two: a mask and what lies around it.

It is 2 IoU / (1 + IoU), and what work on such masks states. Like IoU it is of the whole test set, not a mean of images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench.evaluation.metrics import segmentation
from mmbench.metric import Score
from mmbench.modality import Modality

if TYPE_CHECKING:
    from torch import Tensor

NAME = "dice"
TITLE = "Dice coefficient per class, of segmentations with two"
KINDS = ("segmentation",)
SCORES = (Score("dice", "Dice", ".1f", "%"),)


def columns(modality: Modality) -> tuple[str, ...]:
    """The confusion matrix row by row, ``(4,)``; of other numbers of classes nothing."""
    return segmentation.columns(modality) if len(modality.legend) == 2 else ()


def update(prediction: Tensor, truth: Tensor, modality: Modality) -> np.ndarray:
    """Confusion counts of each image of a batch, int64 ``(B, 4)``; arguments and errors as for IoU."""
    return segmentation.update(prediction, truth, modality)


def compute(sums: np.ndarray, images: np.ndarray | int, modality: Modality) -> dict[str, np.ndarray]:
    """Percent from summed counts ``(..., 4)``: ``dice/<class>``, nan where the class does not occur in the truth."""
    counts = np.asarray(sums, np.float64)
    confusion = counts.reshape(*counts.shape[:-1], 2, 2)
    actual, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    dice = 200.0 * confusion.diagonal(axis1=-2, axis2=-1) / (actual + predicted)
    return {
        f"dice/{name}": np.where(actual > 0, dice, np.nan)[..., number]
        for number, (name, _) in enumerate(modality.legend)
    }
