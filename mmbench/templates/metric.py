"""Plugin name: mean absolute error of translated depth, in metres.

What a metric has to offer stands at the head of mmbench/metric.py. Every cell that is evaluated from now on has its
numbers; cells that are done keep what they have. Whether all promises are kept says

    mmbench check plugin-name
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from mmbench.metric import Score
from mmbench.modality import Modality

if TYPE_CHECKING:
    from torch import Tensor

# The card: literals that are read without importing this file, so nothing here may be computed.
NAME = "plugin-name"
TITLE = "Plugin name"
KINDS = ("depth",)  # of the modalities that it scores: rgb, scalar, depth, segmentation
# Key in results, header and format in tables, unit; lower: whether less is better.
SCORES = (Score(NAME, TITLE, ".3f", "m", lower=True),)


def columns(modality: Modality) -> tuple[str, ...]:
    """What is kept of each image: sums and counts, of which any number of images can be added up."""
    return ("error", "pixels")


def update(prediction: Tensor, truth: Tensor, modality: Modality) -> np.ndarray:
    """A row for each image of a batch, float64 `(B, 2)`. An image without one valid pixel has a row of zeros.

    Args:
        prediction, truth: metres `(B, 1, H, W)`; of other kinds see mmbench/modality/.
    """
    import torch  # here, because reports read this file too and have to answer at once

    valid = modality.valid(truth)
    error = torch.where(valid, (prediction - truth).abs()[:, 0].double(), 0.0)
    return torch.stack([error.flatten(1).sum(1), valid.flatten(1).sum(1).double()], 1).cpu().numpy()


def compute(sums: np.ndarray, images: Any, modality: Modality) -> Mapping[str, Any]:
    """Numbers of rows that were summed over `images` images, along the last axis; 0 / 0 is nan: not defined."""
    return {NAME: sums[..., 0] / sums[..., 1]}
