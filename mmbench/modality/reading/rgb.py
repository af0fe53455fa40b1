"""How colour images are read."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmbench.modality.base import Kind

from .base import Reading
from .stored import DamagedError, numbers, opened


@dataclass(frozen=True)
class RgbReading(Reading):
    """8-bit colours of any form."""

    kind: Kind = field(init=False, default="rgb")

    def stored(self, path: Path | io.BytesIO) -> np.ndarray:
        """Colours, also those of grey and palette images; of a file, or of what an image file holds."""
        return numbers(opened(path, self.kind, self.lossless, exact=False), colour=True)

    def decode(self, array: np.ndarray) -> np.ndarray:
        """uint8 ``(H, W, 3)``."""
        if array.ndim != 3 or array.dtype != np.uint8:
            raise DamagedError(f"{array.dtype} {array.shape}; expected uint8 (height, width, 3)")
        return array
