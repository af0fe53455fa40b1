"""A small Flowers-102 in the official format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmbench.datasets.flowers import CATEGORIES
from PIL import Image
from scipy.io import savemat

from mmbench.dataset import DataLimits

EVERYTHING = DataLimits()
PER_CLASS = 25


def make_root(root: Path) -> Path:
    """25 images of each of the ten classes, one of another class between them."""
    folder = root / "flowers-102"
    (folder / "jpg").mkdir(parents=True)
    categories = [1] + [category for _ in range(PER_CLASS) for category in CATEGORIES]
    savemat(folder / "imagelabels.mat", {"labels": np.array([categories], dtype=np.uint8)})
    draw = np.random.default_rng(0)
    for number in range(1, len(categories) + 1):
        pixels = draw.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "jpg" / f"image_{number:05d}.jpg", quality=95)
    return root
