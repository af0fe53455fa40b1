"""Images larger than a network's: tiles that overlap, translated one by one and blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from mmbench.errors import UserError
from mmbench.modality import Modality

AT_ONCE = 8  # tiles handed to the network together

Arrays = Mapping[str, np.ndarray]


def translated(
    arrays: Arrays, output: Modality, size: int, overlap: int, translate: Callable[[Arrays], np.ndarray]
) -> np.ndarray:
    """A translation of a whole image.

    Every pixel is the mean of the tiles that hold it, weighted by how far it is from a tile's border (up to the
    overlap): neighbours fade into each other. Of labels the weights are votes, and the class with the most wins.

    Args:
        arrays: aligned images ``(H, W[, 3])`` by modality, no side shorter than ``size``.
        output: the modality that is made.
        size: height and width of a tile in pixels.
        overlap: of neighbouring tiles, in pixels; the last row and column may overlap more.
        translate: batches ``(N, size, size[, 3])`` by modality to a batch of the output.

    Returns:
        ``(H, W[, 3])`` of the output's dtype.

    Raises:
        UserError: the overlap is none that tiles of this size can have, or the image is smaller than a tile.
    """
    if not 0 <= overlap < size:
        raise UserError(f"--overlap {overlap}: expected 0 to {size - 1} pixels, less than a tile of {size} x {size}")
    height, width = next(iter(arrays.values())).shape[:2]
    if min(height, width) < size:
        raise UserError(f"{width} x {height} pixels, less than a tile of {size} x {size}; leave --tile out")
    corners = [(top, left) for top in starts(height, size, overlap) for left in starts(width, size, overlap)]
    ramp = weights(size, overlap)
    weight = np.outer(ramp, ramp)
    values = len(output.legend) + 1 if output.legend else output.channels
    total, shares = np.zeros((height, width, values), np.float32), np.zeros((height, width, 1), np.float32)
    for (top, left), tile in _tiles(arrays, corners, size, translate):
        here = np.s_[top : top + size, left : left + size]
        made = np.eye(values, dtype=np.float32)[tile] if output.legend else tile.reshape(size, size, values)
        total[here] += weight[..., None] * made
        shares[here] += weight[..., None]
    if output.legend:
        return total.argmax(-1).astype(output.dtype)
    mean = total / shares
    if output.dtype == np.uint8:
        mean = np.rint(mean)
    return mean.astype(output.dtype).reshape(output.shape(height, width))


def starts(length: int, size: int, overlap: int) -> list[int]:
    """Where tiles begin along a side: evenly, and the last one at the end."""
    return sorted({*range(0, length - size, size - overlap), length - size})


def weights(size: int, overlap: int) -> np.ndarray:
    """A tile's weights along a side, ``(size,)``: 1 in the middle, falling over the overlap to both ends, never 0."""
    place = np.arange(size)
    return (np.minimum(np.minimum(place, size - 1 - place), overlap) + 1.0).astype(np.float32) / (overlap + 1)


def _tiles(
    arrays: Arrays, corners: list[tuple[int, int]], size: int, translate: Callable[[Arrays], np.ndarray]
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    for first in range(0, len(corners), AT_ONCE):
        some = corners[first : first + AT_ONCE]
        batch = {
            name: np.stack([array[top : top + size, left : left + size] for top, left in some])
            for name, array in arrays.items()
        }
        yield from zip(some, translate(batch), strict=True)
