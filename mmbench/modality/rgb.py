"""Colour images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image

from mmbench.pictures import png

from .base import Kind, Loss, Modality, stored
from .score import Score

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Rgb(Modality):
    """A colour image: uint8 arrays, [-1, 1] in tensors and networks."""

    kind: Kind = field(init=False, default="rgb")

    dtype: ClassVar[np.dtype] = np.dtype(np.uint8)
    default_loss: ClassVar[Loss] = "l2"
    is_colour: ClassVar[bool] = True
    metric: ClassVar[str] = "image"
    main: ClassVar[Score] = Score("psnr", "PSNR", ".2f", "dB")
    values: ClassVar[str] = "red, green, blue from 0 to 255"
    rank: ClassVar[int] = 3

    @property
    def channels(self) -> int:
        """Red, green, blue."""
        return 3

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Colours last."""
        return (height, width, 3)

    def to_tensor(self, array: np.ndarray | Tensor) -> Tensor:
        """Black is -1, white is 1."""
        return stored(array).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)

    def to_array(self, tensor: Tensor) -> np.ndarray:
        """To the nearest of 256 levels."""
        scaled = tensor.float().add(1.0).mul(127.5).round().clamp(0, 255)
        return scaled.permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8)

    def resize(self, array: np.ndarray, size: int) -> np.ndarray:
        """Averaged over areas."""
        # BOX averages whole areas when shrinking; it is bilinear's better for large factors.
        return np.asarray(Image.fromarray(array).resize((size, size), Image.Resampling.BOX))

    def picture(self, array: np.ndarray) -> np.ndarray:
        """As it is."""
        return np.asarray(array, np.uint8)

    def checked(self, array: np.ndarray) -> np.ndarray:
        """uint8 colours."""
        self._check_shape(array)
        if array.dtype != np.uint8:
            raise ValueError(f"{array.dtype} values; expected uint8 colours from 0 to 255")
        return array

    def names_of(self, stem: str) -> tuple[str, ...]:
        """One file: it shows what it holds."""
        return (f"{stem}-{self.name}.png",)

    def encode(self, array: np.ndarray) -> tuple[bytes, ...]:
        """8-bit colours."""
        return (png(array),)
