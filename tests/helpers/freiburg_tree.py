"""A small Freiburg Forest under the official names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mmbench.dataset import DataLimits

EVERYTHING = DataLimits()
HEIGHT, WIDTH = 24, 32
# A drive of one image in 3 s, some of them with a neighbour 50 ms later, as in the official set.
TRAIN = [f"b{3 * n}-{frame}" for n in range(1, 31) for frame in ("495", "545")[: 1 + (n % 5 == 0)]]
TEST = [f"b{n}-07" for n in (1, 10, 100, 11, 110, 210)]
ROAD, GRASS, VEGETATION, SKY, OBSTACLE = range(1, 6)
WHITE = (255, 255, 255)
STRIPES = [(170, 170, 170), (0, 255, 0), (102, 102, 51), (0, 60, 0), (0, 120, 255), (0, 0, 0), WHITE, (1, 2, 3)]
STRIPE_IDS = [ROAD, GRASS, VEGETATION, VEGETATION, SKY, OBSTACLE, 0, 0]


def number(name: str) -> int:
    return sum(map(ord, name)) % 200


def paths(tree: Path, part: str, name: str) -> dict[str, Path]:
    """The official names."""
    label = f"{name}_mask.png" if part == "train" else f"{name}_Clipped.png"
    return {
        "rgb": tree / part / "rgb" / f"{name}_Clipped.jpg",
        "depth": tree / part / "depth_gray" / f"{name}_Clipped_redict_depth_gray.png",
        "nir": tree / part / "nir_gray" / f"{name}.tif",
        "segmentation": tree / part / "GT_color" / label,
    }


def stripes(colours: list[tuple[int, int, int]], height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    row = np.repeat(np.array(colours, np.uint8), width // len(colours), axis=0)
    return np.broadcast_to(row, (height, width, 3)).copy()


def make_frame(tree: Path, part: str, name: str) -> None:
    """RGB and labels 32 x 24, depth 16 x 12, near-infrared 64 x 48; all grey values tell the frame's number."""
    where = paths(tree, part, name)
    for path in where.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), number(name), np.uint8)).save(where["rgb"])
    Image.fromarray(np.full((12, 16), number(name), np.uint8)).save(where["depth"])
    Image.fromarray(np.full((48, 64), 255 - number(name), np.uint8)).save(where["nir"])
    Image.fromarray(stripes([*STRIPES[:-1], WHITE])).save(where["segmentation"])


def make_root(root: Path) -> Path:
    """A data root with all frames of both official folders."""
    for part, names in (("train", TRAIN), ("test", TEST)):
        for name in names:
            make_frame(root / "freiburg" / "freiburg_forest_annotated", part, name)
    return root
