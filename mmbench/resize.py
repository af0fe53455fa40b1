"""Aligned arrays to a square of one size: labels by nearest neighbour, depth without blending invalid pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from mmbench.modality import Modality


def fit(sample: Mapping[str, np.ndarray], modalities: Sequence[Modality], size: int) -> dict[str, np.ndarray]:
    """Centre-crop every modality of a sample to a square and resize it to ``size`` x ``size``.

    Raises:
        ValueError: two modalities of the sample have different heights or widths.
    """
    shapes = {name: array.shape[:2] for name, array in sample.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"modalities of one sample differ in size: {shapes}")
    kinds = {modality.name: modality.kind for modality in modalities}
    return {name: resize(_centre_square(array), kinds[name], size) for name, array in sample.items()}


def resize(array: np.ndarray, kind: str, size: int) -> np.ndarray:
    """Resize one square array ``(S, S[, 3])`` of a modality kind to ``(size, size[, 3])``, same dtype."""
    if array.shape[0] == size and array.shape[1] == size:
        return np.ascontiguousarray(array)
    if kind == "rgb":
        # BOX averages whole areas when shrinking; it is bilinear's better for large factors.
        return np.asarray(Image.fromarray(array).resize((size, size), Image.Resampling.BOX))
    if kind == "segmentation":
        return np.asarray(Image.fromarray(array).resize((size, size), Image.Resampling.NEAREST))
    if kind == "depth":
        valid = (array > 0).astype(np.float32)
        weight = _box(valid, size)
        total = _box(np.where(array > 0, array, 0).astype(np.float32), size)
        # A target pixel is valid where at least half of its area was measured; its depth averages only that half.
        return np.where(weight >= 0.5, total / np.maximum(weight, 1e-6), 0).astype(np.float32)
    return _box(array.astype(np.float32), size)


def _box(array: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(array, mode="F").resize((size, size), Image.Resampling.BOX))


def _centre_square(array: np.ndarray) -> np.ndarray:
    height, width = array.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return array[top : top + side, left : left + side]
