"""One file to one array, as ``mmbench/modality/`` wants it. Nothing is unpickled."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import ImageOps

from mmbench.colours import colour_codes
from mmbench.modality.opening import open_image

from .description import FILE, Depth, Rgb, Scalar, Segmentation, Table

LOSSY = (".jpg", ".jpeg")
FULL = 65535  # the largest 16-bit value; many cameras write it where they measured nothing
TABLE = f"under its [modalities.NAME] in {FILE}"
PLAIN = ("1", "L", "P", "I", "F", "RGB")  # Pillow's modes whose arrays are what the file holds; also I;16 and the like


class DamagedError(Exception):
    """A file is not what it should be; the message lacks the path."""


def decode(path: Path, table: Table) -> np.ndarray:
    """A file as the array of its modality: rgb uint8 ``(H, W, 3)``, the others ``(H, W)``.

    Raises:
        DamagedError: it cannot be decoded to its end, or holds other values than the table says.
    """
    decoders: dict[type[Table], Callable[..., np.ndarray]] = {
        Rgb: _rgb, Depth: _depth, Segmentation: _segmentation, Scalar: _scalar
    }  # fmt: skip
    return decoders[type(table)](stored(path, table), table)


def stored(path: Path, table: Table) -> np.ndarray:
    """What the file holds, ``(H, W)`` or ``(H, W, 3)``: palette PNGs as indices (except rgb), alpha dropped."""
    if isinstance(table, Depth | Segmentation) and path.suffix.lower() in LOSSY:
        raise DamagedError(f"JPEG changes the values of {table.kind} images; save them as PNG")
    try:
        array = _numpy(path) if path.suffix.lower() == ".npy" else _image(path, isinstance(table, Rgb))
    except DamagedError:
        raise
    except Exception as error:  # Pillow and numpy raise whatever the damaged bytes lead them to
        raise DamagedError(f"cannot be decoded ({str(error) or type(error).__name__})") from error
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not array.size or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise DamagedError(f"an array of shape {array.shape}; expected (height, width) or (height, width, 3)")
    if array.dtype.kind not in "buif":
        raise DamagedError(f"values of type {array.dtype}; expected numbers")
    return array


def label_codes(array: np.ndarray) -> np.ndarray:
    """Class ids as they are, colours ``(H, W, 3)`` as their codes; int64 ``(H, W)``."""
    if array.dtype.kind == "f" or (array.ndim == 3 and array.dtype != np.uint8):
        raise DamagedError(f"labels of type {array.dtype}; expected whole class ids or 8-bit colours")
    return array.astype(np.int64) if array.ndim == 2 else colour_codes(array)


def invalid_as_nan(array: np.ndarray, table: Depth) -> np.ndarray:
    """Depth in the file's own counts, float64 ``(H, W)``, NaN where nothing was measured."""
    if array.ndim != 2:
        raise DamagedError("three channels; expected depth in one")
    if array.dtype.itemsize == 1:
        raise DamagedError("8-bit depth, where 16-bit (a PNG in millimetres) or float (a .npy in metres) is expected")
    values = array.astype(np.float64)
    values[~np.isfinite(values) | (values <= 0) | np.isin(values, table.invalid)] = np.nan
    return values


def too_far(highest: float, table: Depth, where: str = TABLE) -> str:
    """What is wrong with a depth of this count, and what to write ``where``; empty where it may be as far as that."""
    metres = highest * table.metres
    if not table.far or metres <= table.far:
        return ""
    if highest == FULL:
        return (
            f"depth of {FULL}, which many cameras write where they measured nothing: write invalid = [0, {FULL}] "
            f"{where}, or far = {math.ceil(metres)} if it was measured"
        )
    other = "metre" if table.unit != "metre" else "millimetre"
    return (
        f"depth of {highest:g}, which in this unit is {metres:.4g} m, beyond {table.far:g} m: which unit? "
        f'Write unit = "{other}" {where}, or far = {math.ceil(metres)} if it was measured'
    )


def grey(array: np.ndarray) -> np.ndarray:
    """The one channel of a grey image; three equal ones will do."""
    if array.ndim == 2:
        return array
    if not (array == array[..., :1]).all():
        raise DamagedError("a colour image; expected one channel of grey")
    return array[..., 0]


def _numpy(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise DamagedError("not an array written by numpy.save")
    try:
        array: np.ndarray = np.load(path, allow_pickle=False)
    except ValueError as error:
        if "pickle" in str(error):
            raise DamagedError("holds pickled Python objects, which are never read; save a plain array") from error
        raise
    return array


def _image(path: Path, colour: bool) -> np.ndarray:
    opened = open_image(path)
    if colour and opened.mode.startswith(("I", "F")):
        raise DamagedError(f"{opened.mode} pixels; expected 8-bit colours")
    # Cameras note how they were held, whatever they recorded: colours, infrared or depth.
    image = ImageOps.exif_transpose(opened)
    if colour:
        return np.asarray(image.convert("RGB"))
    if image.mode in PLAIN or image.mode.startswith("I;16"):
        return np.asarray(image)
    if image.mode in ("LA", "PA"):
        return np.asarray(image.getchannel(image.mode[0]))
    return np.asarray(image.convert("RGB"))


def _rgb(array: np.ndarray, table: Rgb) -> np.ndarray:
    if array.ndim != 3 or array.dtype != np.uint8:
        raise DamagedError(f"{array.dtype} {array.shape}; expected uint8 (height, width, 3)")
    return array


def _depth(array: np.ndarray, table: Depth) -> np.ndarray:
    counts = np.nan_to_num(invalid_as_nan(array, table))
    if beyond := too_far(float(counts.max()), table):
        raise DamagedError(beyond)
    return (counts * table.metres).astype(np.float32)


def _scalar(array: np.ndarray, table: Scalar) -> np.ndarray:
    low, high = table.range
    values = grey(array).astype(np.float64)
    if not np.isfinite(values).all():
        raise DamagedError("values that are not finite")
    least, most = float(values.min()), float(values.max())
    if not table.clip and (least < low or most > high):
        raise DamagedError(
            f"values from {least:g} to {most:g}, beyond the range from {low:g} to {high:g}: write range = "
            f"[{min(low, least):g}, {max(high, most):g}], or clip = true beside the range that is meant, {TABLE}"
        )
    share = (values - low) / (high - low)
    return np.clip(share * 2 - 1, -1, 1).astype(np.float32)


def _segmentation(array: np.ndarray, table: Segmentation) -> np.ndarray:
    codes = label_codes(array)
    if table.ids and array.ndim == 3:
        raise DamagedError(f"a colour image; expected class ids (for colours give palette, and no ids, in {FILE})")
    if not table.ids and array.ndim == 2:
        raise DamagedError(f"one channel; expected colours (for class ids give ids = [1, 2, ...] in {FILE})")
    real = table.ids or colour_codes(table.palette).tolist()
    void = tuple(value if isinstance(value, int) else int(colour_codes(value)) for value in table.void)
    known = np.array([*real, *void])
    classes = np.array([*range(1, len(real) + 1), *(0 for _ in void)], np.uint8)
    order = known.argsort()
    places = order[known.searchsorted(codes, sorter=order).clip(max=len(known) - 1)]
    strange = known[places] != codes
    if strange.any():
        row, column = (int(where[0]) for where in np.nonzero(strange))
        value = f"class id {array[row, column]}" if array.ndim == 2 else f"colour {tuple(array[row, column].tolist())}"
        expected = f"the ids {_brief(table.ids)}" if table.ids else "the palette"
        raise DamagedError(
            f"{value} at row {row}, column {column} ({int(strange.sum())} such pixels) is neither void nor among "
            f"{expected} of the description; add it to {FILE}"
        )
    return classes[places]


def _brief(ids: Sequence[int]) -> str:
    shown = [str(value) for value in sorted(ids)]
    return ", ".join(shown if len(shown) <= 6 else [*shown[:3], "...", shown[-1]])
