"""One channel of values without a unit: near infrared, an opponent colour channel."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from mmbench.pictures import png

from .base import Kind, Loss, Modality, box
from .rgb import Rgb
from .score import Score


@dataclass(frozen=True)
class Scalar(Modality):
    """A grey image: float32 in [-1, 1] everywhere."""

    kind: Kind = field(init=False, default="scalar")

    dtype: ClassVar[np.dtype] = np.dtype(np.float32)
    default_loss: ClassVar[Loss] = "l2"
    metric: ClassVar[str] = Rgb.metric
    main: ClassVar[Score] = Rgb.main
    limits: ClassVar[tuple[float, ...]] = (-1.0, 1.0)
    values: ClassVar[str] = "from -1 (black) to 1 (white)"
    rank: ClassVar[int] = 2

    def resize(self, array: np.ndarray, size: int) -> np.ndarray:
        """Averaged over areas."""
        return box(array.astype(np.float32), size)

    def picture(self, array: np.ndarray) -> np.ndarray:
        """Grey, -1 black and 1 white."""
        grey = np.clip((np.asarray(array) + 1.0) * 127.5, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)

    def checked(self, array: np.ndarray) -> np.ndarray:
        """Floating point from -1 to 1."""
        self._check_shape(array)
        if array.dtype.kind != "f":
            raise ValueError(f"{array.dtype} values; expected floating point values from -1 to 1")
        values = array.astype(np.float32)
        if not (np.abs(values) <= 1 + 1e-6).all():
            raise ValueError("values that are not finite or not from -1 to 1")
        return values.clip(-1, 1)

    def names_of(self, stem: str) -> tuple[str, ...]:
        """8-bit grey, and the array itself."""
        return (f"{stem}-{self.name}.png", f"{stem}-{self.name}.npy")

    def encode(self, array: np.ndarray) -> tuple[bytes, ...]:
        """8-bit grey for people, ``.npy`` for programs."""
        grey = np.clip(np.rint((array + 1.0) * 127.5), 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        np.save(buffer, array)
        return png(grey), buffer.getvalue()
