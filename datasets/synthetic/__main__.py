"""Contact sheet of the synthetic rooms: ``python -m mmbench.datasets.synthetic --sheet docs/synthetic.png``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from . import BASE, DEPTH, SEGMENTATION
from .render import render


def sheet(first: int, count: int, size: int, tied_colours: float = 0.0) -> np.ndarray:
    """Rows rgb, depth, segmentation, nir of ``count`` scenes: uint8 ``(4 * size, count * size, 3)``."""
    made = render(range(first, first + count), size, tied_colours=tied_colours)
    images = {name: tensor.numpy() for name, tensor in made.items()}
    rows = (
        images["rgb"],
        [DEPTH.picture(depth) for depth in images["depth"]],
        [SEGMENTATION.picture(labels) for labels in images["segmentation"]],
        np.repeat(images["nir"][..., None], 3, -1),
    )
    return np.concatenate([np.concatenate(list(row), 1) for row in rows])


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path, required=True, help="PNG file to write")
    parser.add_argument("--scenes", type=int, default=8)
    parser.add_argument("--size", type=int, default=160, help="pixels per image")
    parser.add_argument("--seed", type=int, default=BASE, help="seed of the first scene")
    parser.add_argument("--tied-colours", type=float, default=0.0, help="share of materials in their class's colour")
    options = parser.parse_args()
    Image.fromarray(sheet(options.seed, options.scenes, options.size, options.tied_colours)).save(
        options.sheet, optimize=True
    )


if __name__ == "__main__":
    main()
