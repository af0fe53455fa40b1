"""Aligned arrays to a square of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mmbench.modality import Modality


def fit(sample: Mapping[str, np.ndarray], modalities: Sequence[Modality], size: int) -> dict[str, np.ndarray]:
    """Centre-crop every modality of a sample to a square and resize it to ``size`` x ``size``.

    Labels go by nearest neighbour, depth without blending invalid pixels: see each modality's ``resize``.

    Raises:
        ValueError: two modalities of the sample have different heights or widths.
    """
    shapes = {name: array.shape[:2] for name, array in sample.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"modalities of one sample differ in size: {shapes}")
    known = {modality.name: modality for modality in modalities}
    return {name: resize(centre_square(array), known[name], size) for name, array in sample.items()}


def resize(array: np.ndarray, modality: Modality, size: int) -> np.ndarray:
    """Resize one square array ``(S, S[, 3])`` of a modality to ``(size, size[, 3])``, same dtype."""
    if array.shape[0] == size and array.shape[1] == size:
        return np.ascontiguousarray(array)
    return modality.resize(array, size)


def centre_square(array: np.ndarray) -> np.ndarray:
    """The largest square ``(S, S[, 3])`` in the middle of an array."""
    height, width = array.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return array[top : top + side, left : left + side]
