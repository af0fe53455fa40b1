"""Small archives of painters and photographs in the official layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from mmbench.dataset import DataLimits

EVERYTHING = DataLimits()
PHOTOS = [f"2014-08-{day:02d} 17_41_{day:02d}.jpg" for day in range(1, 31)]


def write(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(sum(map(ord, str(path.name))) + shade).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=95)


def write_style(root: Path, style: str, train: int = 20, test: int = 6) -> None:
    for part, numbers in (("trainA", range(train)), ("testA", range(900, 900 + test))):
        for number in numbers:
            write(root / "artworks" / f"{style}2photo" / part / f"{number:05d}.jpg", len(style))


def make_root(root: Path) -> Path:
    """Monet, Ukiyo-e and Cezanne; the same photographs with the first two, under the names of two unpackers."""
    for style in ("monet", "ukiyoe", "cezanne"):
        write_style(root, style)
    for position, photo in enumerate(PHOTOS):
        part = "trainB" if position < 24 else "testB"
        path = root / "artworks" / "monet2photo" / part / photo
        write(path)
        other = root / "artworks" / "ukiyoe2photo" / part
        other.mkdir(exist_ok=True)
        shutil.copy(path, other / photo.replace("_", ":"))
    return root
