"""Colours as single numbers, so that pixels can be compared with a palette at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def colour_codes(colours: ArrayLike) -> np.ndarray[Any, np.dtype[np.int64]]:
    """8-bit colours ``(..., 3)`` as 65536 R + 256 G + B ``(...)``."""
    return np.asarray(colours, np.int64) @ np.array([65536, 256, 1])


def colour_of(code: int) -> tuple[int, int, int]:
    """The colour of a code."""
    return code >> 16, code >> 8 & 255, code & 255
