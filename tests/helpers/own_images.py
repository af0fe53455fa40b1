"""A small folder of own images: rgb, depth, class ids and near-infrared of 20 x 16 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 16, 20
IDS = np.repeat(np.arange(4, dtype=np.uint8), 5)[None].repeat(HEIGHT, 0)  # void and three classes in stripes


def write(root: Path, modality: str, name: str, array: np.ndarray) -> None:
    """An array to a file, by the name's ending."""
    path = root / modality / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array) if path.suffix == ".npy" else Image.fromarray(array).save(path)


def add(root: Path, name: str, *modalities: str) -> None:
    """A sample of random images; depth of 500 to 4000 mm, class ids 0 to 3."""
    draw = np.random.default_rng(sum(name.encode()))
    made: dict[str, tuple[str, np.ndarray]] = {
        "rgb": (".jpg", draw.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)),
        "depth": (".png", draw.integers(500, 4000, (HEIGHT, WIDTH), dtype=np.uint16)),
        "segmentation": (".png", np.roll(IDS, int(draw.integers(20)), axis=1)),
        "nir": (".png", draw.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)),
    }
    for modality in modalities or ("rgb", "depth", "segmentation"):
        write(root, modality, name + made[modality][0], made[modality][1])


def make_root(root: Path, *modalities: str) -> Path:
    """40 samples of rgb, depth and labels, four to a room."""
    for number in range(40):
        add(root, f"room{number // 4}_{number:03d}", *modalities)
    return root
