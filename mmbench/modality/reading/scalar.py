"""How grey images are read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmbench.errors import UserError
from mmbench.modality.base import Kind, Modality
from mmbench.modality.rgb import Rgb
from mmbench.typed import convert

from .base import Reading
from .rgb import RgbReading
from .stored import DamagedError, UndescribedError, expect_form, grey, has_palette, numbers, opened


@dataclass(frozen=True)
class ScalarReading(Reading):
    """One channel of grey, or the difference of two channels of a colour image.

    Attributes:
        range: the values that become -1 and 1; without it -1 is 0, and 1 all that the bits of the file hold.
        clip: whether values beyond ``range`` become the nearer of its ends; else they are an error.
        floats: without ``range``, of files of floating point: the largest values that may become 1, of which the first
            is taken that no value exceeds. Without them they are taken as they are.
        difference: the two channels, counted from 0; a difference of 255 becomes 1. It is taken after resizing.
        form: of what numbers the files are that the range was told of, see :func:`.stored.form`; empty: of any.
    """

    kind: Kind = field(init=False, default="scalar")
    range: tuple[float, ...] = ()
    clip: bool = True
    floats: tuple[float, ...] = ()
    difference: tuple[int, ...] = ()
    form: str = ""

    keys: ClassVar[tuple[str, ...]] = ("range", "clip")
    example: ClassVar[str] = "range='[0, 255]'"

    def changed(self, key: str, value: Any, modality: Modality, where: str) -> Reading:
        """``range``: the values that become -1 and 1, those beyond are clipped; ``clip``: whether they are."""
        if key == "clip":
            return replace(self, clip=convert(bool, value, where))
        ends = convert(tuple[float, ...], value, where)
        if not is_range(ends):
            raise UserError(f"{where}: expected [lowest, highest], both finite")
        return replace(self, range=ends, clip=True, difference=(), form="")

    def stored(self, path: Path) -> np.ndarray:
        """See :class:`Reading`; colours, where their difference is wanted, and of palette images."""
        colour = bool(self.difference)
        content = opened(path, self.kind, self.lossless, exact=not colour)
        return numbers(content, colour=colour or has_palette(content))

    def decode(self, array: np.ndarray) -> np.ndarray:
        """float32 ``(H, W)`` in [-1, 1]."""
        if self.difference:
            one, other = self.difference
            colours = RgbReading().decode(array).astype(np.float32)
            return (colours[..., one] - colours[..., other]) / np.float32(255)
        values = grey(array)
        expect_form(values, self.form, "range")
        if not np.isfinite(values).all():
            raise DamagedError("values that are not finite")
        if self.range:
            low, high = self.range
            values = values.astype(np.float64)
            least, most = float(values.min()), float(values.max())
            if not self.clip and (least < low or most > high):
                raise UndescribedError(
                    f"values from {least:g} to {most:g}, beyond the range from {low:g} to {high:g}: write range = "
                    f"[{min(low, least):g}, {max(high, most):g}], or clip = true beside the range that is meant"
                )
            share = (values - low) / (high - low)
            return np.clip(share * 2 - 1, -1, 1).astype(np.float32)
        if values.dtype.kind == "f" and not self.floats:
            return self._within(values.astype(np.float32), -1.0, 1.0)
        top = self._top(values)
        return self._within(values.astype(np.float32), 0.0, top) / np.float32(top) * 2 - 1

    def fitted(self, path: Path, modality: Modality, size: int) -> tuple[np.ndarray, tuple[int, int]]:
        """See :class:`Reading`; colours are resized before their difference is taken."""
        if not self.difference:
            return Reading.fitted(self, path, modality, size)
        colours, shape = RgbReading(crop=self.crop).fitted(path, Rgb("colours"), size)
        return self.decode(colours), shape

    def _top(self, values: np.ndarray) -> float:
        if values.dtype.kind == "f":
            return next((top for top in self.floats if values.max() <= top), self.floats[-1])
        if values.dtype.kind == "b":
            return 1.0
        return 255.0 if values.dtype.itemsize == 1 else 65535.0

    @staticmethod
    def _within(values: np.ndarray, low: float, high: float) -> np.ndarray:
        if values.min() < low or values.max() > high:
            raise DamagedError(f"values from {values.min():g} to {values.max():g}; expected {low:g} to {high:g}")
        return values


def is_range(ends: tuple[float, ...]) -> bool:
    """Whether these are two finite values, the lower one first."""
    return len(ends) == 2 and 0 < ends[1] - ends[0] < math.inf
