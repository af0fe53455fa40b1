"""The files of Freiburg Forest, decoded: RGB, one grey channel, and colours that stand for classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mmbench.colours import colour_codes, colour_of
from mmbench.errors import UserError
from mmbench.modality.opening import BrokenImageError, open_image
from mmbench.modality.reading import ScalarReading, SegmentationReading
from mmbench.modality.reading.stored import DamagedError

SOURCE = "http://deepscene.cs.uni-freiburg.de/"
AGAIN = "unpack freiburg_forest_annotated.tar.gz again"

CLASSES = ("road", "grass", "vegetation", "sky", "obstacle")
"""In the order of the official ids 1 to 5; the thesis calls the first one trail."""

PALETTE = ((255, 255, 255), (170, 170, 170), (0, 255, 0), (102, 102, 51), (0, 120, 255), (0, 0, 0))
"""The official colours, void first. Obstacle is black; void has no official colour and is white in the files."""

TREE_COLOUR = (0, 60, 0)
"""Trees: drawn in a colour of their own, but one class with other vegetation in the official ids and in the thesis."""

LABELS = SegmentationReading(
    palette=(*PALETTE[1:], TREE_COLOUR),
    classes=(*range(1, len(PALETTE)), CLASSES.index("vegetation") + 1),
    void_colours=PALETTE[:1],
    strict=False,
)
GREY = ScalarReading(floats=(1.0, 255.0))


def read_rgb(path: Path) -> np.ndarray:
    """uint8 ``(H, W, 3)``. Raises UserError naming a damaged file."""
    return np.asarray(_open(path).convert("RGB"))


def read_grey(path: Path) -> np.ndarray:
    """One channel as float32 ``(H, W)`` in [-1, 1], where -1 is 0 and 1 is the maximum of the file's type.

    Floats are taken from 0 to 1, or to 255 where one is larger than 1. RGB with three equal channels is one channel.

    Raises:
        UserError: the file is damaged, has several channels or values of another range; names it.
    """
    image = _open(path)
    raw = np.asarray(image)
    if not (image.mode in ("L", "RGB", "F") or image.mode.startswith("I")):
        raise UserError(f"{path}: image mode {image.mode}, expected one channel of 8 bit, 16 bit or floats; {AGAIN}")
    try:
        return GREY.decode(raw)
    except DamagedError as error:
        raise UserError(f"{path}: {error}; {AGAIN}") from error


def read_colours(path: Path) -> np.ndarray:
    """A label image as uint8 ``(H, W, 3)``. Raises UserError naming a file that is damaged or has no colours."""
    image = _open(path)
    if image.mode not in ("RGB", "RGBA", "P"):
        raise UserError(f"{path}: image mode {image.mode}, expected the official colours of the classes; {AGAIN}")
    return np.asarray(image.convert("RGB"))


def unknown_colours(colours: np.ndarray) -> dict[tuple[int, ...], int]:
    """How many pixels have each colour that is neither a class nor void, the most frequent first."""
    codes, counts = np.unique(colour_codes(colours), return_counts=True)
    known = set(colour_codes([*LABELS.palette, *LABELS.void_colours]).tolist())
    found = sorted((-count, code) for code, count in zip(codes.tolist(), counts.tolist(), strict=True))
    return {colour_of(code): -count for count, code in found if code not in known}


def to_size(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 ``(h, w)`` bilinearly, uint8 class ids ``(h, w)`` by nearest neighbour, to ``(height, width)``."""
    if array.shape[:2] == (height, width):
        return array
    if array.dtype == np.uint8:
        return np.asarray(Image.fromarray(array).resize((width, height), Image.Resampling.NEAREST))
    resized = np.asarray(Image.fromarray(array).resize((width, height), Image.Resampling.BILINEAR))
    return np.clip(resized, -1.0, 1.0)


def _open(path: Path) -> Image.Image:
    try:
        return open_image(path)
    except BrokenImageError as error:
        raise UserError(f"{path}: cannot be decoded ({error}); {AGAIN}") from error
