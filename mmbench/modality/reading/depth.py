"""How depth images are read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from mmbench.errors import UserError, did_you_mean
from mmbench.modality.base import Kind, Modality
from mmbench.modality.depth import Depth
from mmbench.typed import convert

from .base import Reading
from .stored import DamagedError, UndescribedError, expect_form

UNITS = {"millimetre": 0.001, "centimetre": 0.01, "metre": 1.0}
"""Metres per count of depth."""

FULL = 65535  # the largest 16-bit value; many cameras write it where they measured nothing


@dataclass(frozen=True)
class DepthReading(Reading):
    """One channel of more than 8 bits; negative, infinite and NaN are not measured.

    Attributes:
        metres: of a count.
        floats: metres of 1.0 in files of floating point; 0: as ``metres``.
        invalid: further values that mean "not measured".
        far: metres; a valid pixel beyond is an error: unit or invalid are wrong then. 0: no limit.
        rotated: bits by which 16-bit counts were rotated to the left (SUN RGB-D: 3).
        rays: where the file holds the lengths of rays, and z is wanted: the angles of view across and down, in
            degrees, of the whole image.
        form: of what numbers the files are that the unit was told of, see :func:`.stored.form`; empty: of any.
    """

    kind: Kind = field(init=False, default="depth")
    metres: float = UNITS["millimetre"]
    floats: float = 0.0
    invalid: tuple[float, ...] = (0.0,)
    far: float = 0.0
    rotated: int = 0
    rays: tuple[float, ...] = ()
    form: str = ""

    lossless: ClassVar[bool] = Depth.lossless
    keys: ClassVar[tuple[str, ...]] = ("unit", "invalid", "far")
    example: ClassVar[str] = "unit=millimetre"

    @classmethod
    def as_written(cls, modality: Modality) -> Self:
        """Whole numbers of millimetres, or floating point in metres."""
        return cls(floats=UNITS["metre"])

    def changed(self, key: str, value: Any, modality: Modality, where: str) -> Reading:
        """``unit``: a name in UNITS or metres per count, of plain counts; ``invalid``: one value or several; ``far``:
        metres.
        """
        if key == "invalid":
            values = value if isinstance(value, list) else [value]
            return replace(self, invalid=finite(convert(tuple[float, ...], values, where)))
        if key == "far":
            far = float(convert(float, value, where))
            if not 0 <= far < math.inf:
                raise UserError(f"{where}: expected metres, or 0 for no limit")
            return replace(self, far=far)
        # A stated unit is of plain counts, whatever the data set's own files hold, and however far those reach.
        floats = UNITS["metre"] if self.rotated else self.floats
        return replace(self, metres=metres_of(value, where), floats=floats, far=0.0, rotated=0, rays=(), form="")

    def counts(self, array: np.ndarray) -> np.ndarray:
        """Depth in the file's own counts, float64 ``(H, W)``, NaN where nothing was measured."""
        if array.ndim != 2:
            raise DamagedError("three channels; expected depth in one")
        if array.dtype.itemsize == 1:
            raise DamagedError(
                "8-bit depth, where 16-bit (a PNG in millimetres) or float (a .npy in metres) is expected"
            )
        if self.rotated:
            array = self._rotated_back(array)
        values = array.astype(np.float64)
        values[~np.isfinite(values) | (values <= 0) | np.isin(values, self.invalid)] = np.nan
        return values

    def decode(self, array: np.ndarray) -> np.ndarray:
        """float32 metres, 0 = not measured."""
        factor = self.floats if self.floats and array.dtype.kind == "f" else self.metres
        counts = np.nan_to_num(self.counts(array))
        expect_form(array, self.form, "unit")
        if beyond := self.too_far(float(counts.max()), factor):
            raise UndescribedError(beyond)
        depth = (counts * factor).astype(np.float32)
        return to_z(depth, *self.rays) if self.rays else depth

    def too_far(self, highest: float, factor: float = 0.0) -> str:
        """What is wrong with a depth of this count, and what to write; empty where it may be as far as that.

        Args:
            factor: metres of 1.0, if not :attr:`metres`.
        """
        factor = factor or self.metres
        metres = highest * factor
        if not self.far or metres <= self.far:
            return ""
        measured = f"far = {math.ceil(metres)} if it was measured"
        if highest == FULL:
            return (
                f"depth of {FULL}, which many cameras write where they measured nothing: write invalid = [0, {FULL}], "
                f"or {measured}"
            )
        other = "metre" if factor != UNITS["metre"] else "millimetre"
        return (
            f"depth of {highest:g}, which in this unit is {metres:.4g} m, beyond {self.far:g} m: which unit? Write "
            f'unit = "{other}", or {measured}'
        )

    def _rotated_back(self, array: np.ndarray) -> np.ndarray:
        """Counts as they were before; the rotation has to stay in 16 bits: the low ones hold the high ones."""
        if array.dtype.kind not in "ui" or array.min() < 0 or array.max() > 65535:
            raise DamagedError(f"{array.dtype} depth; expected whole numbers of 16 bits, rotated by {self.rotated}")
        raw = array.astype(np.uint16)
        return (raw >> np.uint16(self.rotated)) | (raw << np.uint16(16 - self.rotated))


def metres_of(unit: Any, where: str) -> float:
    """Metres of a unit's name or of a number. Raises UserError for anything else."""
    if isinstance(unit, str):
        if unit not in UNITS:
            raise UserError(f"{where}: no such unit{did_you_mean(unit, UNITS)}, and no number of metres")
        return UNITS[unit]
    metres = float(convert(float, unit, where))
    if not 0 < metres < math.inf:
        raise UserError(f"{where}: expected more than 0 metres")
    return metres


def finite(invalid: tuple[float, ...]) -> tuple[float, ...]:
    """Those of the values for "not measured" that need to be told: what is not finite means it anyway."""
    return tuple(filter(math.isfinite, invalid))


def ray_factor(height: int, width: int, across: float, down: float) -> np.ndarray:
    """Ray length over z of each pixel's centre, float64 ``(height, width)``; angles of view in degrees."""
    columns = _tangents(width, math.radians(across))[None, :]
    rows = _tangents(height, math.radians(down))[:, None]
    return np.sqrt(1.0 + columns**2 + rows**2)


def to_z(ray: np.ndarray, across: float, down: float) -> np.ndarray:
    """Ray lengths ``(H, W)`` of a whole (uncropped) image to z, the distance along the optical axis; 0 stays 0."""
    return (ray / ray_factor(ray.shape[0], ray.shape[1], across, down)).astype(np.float32)


def _tangents(pixels: int, angle: float) -> np.ndarray:
    focal = pixels / 2 / math.tan(angle / 2)
    return (np.arange(pixels) + 0.5 - pixels / 2) / focal
