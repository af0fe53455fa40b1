"""Images that are the same on every machine: integer arithmetic and nothing else."""

from __future__ import annotations

import numpy as np

SIZE = 16
_MASK = 0xFFFFFFFF


def picture(family: int, number: int) -> np.ndarray:
    """A coloured square on a ground of another colour, both speckled, uint8 ``(16, 16, 3)``.

    Images of one ``family`` (a class, a domain) share their colours, ``number`` moves the square and the speckles.
    """
    row, column, channel = np.indices((SIZE, SIZE, 3), dtype=np.int64)
    speckle = _scrambled(((row * 31 + column) * 31 + channel) * 31 + family * 1009 + number * 9176) % 48
    ground, square = (_scrambled(channel + 3 * family + shift) % 200 for shift in (1, 101))
    top, left = (int(_scrambled(np.array(number * 7 + family + shift))) % (SIZE // 2) for shift in (11, 211))
    inside = (row >= top) & (row < top + SIZE // 2) & (column >= left) & (column < left + SIZE // 2)
    return (np.where(inside, square, ground) + speckle).astype(np.uint8)


def _scrambled(values: np.ndarray) -> np.ndarray:
    """Whole numbers in no recognisable order: two rounds of multiply and shift on 32 bits."""
    for factor in (0x45D9F3B, 0x2C1B3C6D):
        values = ((values ^ (values >> 16)) * factor) & _MASK
    return (values ^ (values >> 16)) & _MASK
