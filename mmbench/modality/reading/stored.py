"""What an image file holds, as an array; nothing is unpickled."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from mmbench.colours import colour_codes
from mmbench.errors import UserError
from mmbench.given.files import read_bytes
from mmbench.modality.opening import AlteredError, open_image

LOSSY = (".jpg", ".jpeg")
PLAIN = ("1", "L", "P", "I", "F", "RGB")  # Pillow's modes whose arrays are what the file holds; also I;16 and the like
WITH_ALPHA = ("LA", "PA")  # grey, and indices into a palette


class DamagedError(ValueError):
    """A file is not what it should be; the message lacks the path."""


class UndescribedError(DamagedError):
    """A file holds values that its description does not name; another description would do."""


def opened(source: Path | io.BytesIO, kind: str, lossless: bool, exact: bool = True) -> np.ndarray | Image.Image:
    """The array of an ``.npy``, or an image, turned by EXIF: cameras note how they were held, whatever they recorded.

    Args:
        source: a file, or what an image file holds.
        kind: of the modality, for messages.
        lossless: refuse JPEG, which would change what the values mean.
        exact: refuse images of whose values Pillow makes others, as are right for colours alone.

    Raises:
        DamagedError: it cannot be decoded to its end, or holds no image.
    """
    suffix = source.suffix.lower() if isinstance(source, Path) else ""
    if lossless and suffix in LOSSY:
        raise DamagedError(f"JPEG changes the values of {kind} images; save them as PNG")
    try:
        if isinstance(source, Path) and suffix == ".npy":
            return _numpy(source)
        return ImageOps.exif_transpose(open_image(source, exact))
    except (DamagedError, UserError):
        raise
    except AlteredError as error:
        raise DamagedError(str(error)) from error
    except Exception as error:  # Pillow and numpy raise whatever the damaged bytes lead them to
        raise DamagedError(f"cannot be decoded ({str(error) or type(error).__name__})") from error


def numbers(content: np.ndarray | Image.Image, colour: bool = False) -> np.ndarray:
    """The numbers in what was opened, ``(H, W)`` or ``(H, W, 3)``: palette images as indices, alpha dropped.

    Args:
        colour: convert whatever 8-bit image it is to colours; those of palette images, not their indices.

    Raises:
        DamagedError: it holds no image, or no colours.
    """
    array = content if isinstance(content, np.ndarray) else _pixels(content, colour)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not array.size or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise DamagedError(f"an array of shape {array.shape}; expected (height, width) or (height, width, 3)")
    if array.dtype.kind not in "buif":
        raise DamagedError(f"values of type {array.dtype}; expected numbers")
    return array


def has_palette(content: np.ndarray | Image.Image) -> bool:
    """Whether what was opened holds indices and their colours."""
    return not isinstance(content, np.ndarray) and content.mode in ("P", "PA")


def label_codes(array: np.ndarray) -> np.ndarray:
    """Class ids as they are, colours ``(H, W, 3)`` as their codes; int64 ``(H, W)``."""
    if array.dtype.kind == "f" or (array.ndim == 3 and array.dtype != np.uint8):
        raise DamagedError(f"labels of type {array.dtype}; expected whole class ids or 8-bit colours")
    return array.astype(np.int64) if array.ndim == 2 else colour_codes(array)


def grey(array: np.ndarray) -> np.ndarray:
    """The one channel of a grey image; three equal ones will do."""
    if array.ndim == 2:
        return array
    if not (array == array[..., :1]).all():
        raise DamagedError("a colour image; expected one channel of grey")
    return array[..., 0]


def form(dtype: np.dtype[Any]) -> str:
    """Of what numbers values are, as far as one unit or range may be of them: ``16-bit`` are all whole ones above 8."""
    if dtype.kind == "f":
        return "floating point"
    return "1-bit" if dtype.kind == "b" else "8-bit" if dtype.itemsize == 1 else "16-bit"


def expect_form(array: np.ndarray, expected: str, key: str) -> None:
    """Nothing, where an array is of the numbers that the others are of (see :func:`form`; empty: of any).

    Args:
        key: what was told of the others, for the message.

    Raises:
        UndescribedError: it is of other numbers.
    """
    if expected and form(array.dtype) != expected:
        raise UndescribedError(
            f"{array.dtype} values, where other files hold {expected} ones: save all alike, and write their {key}"
        )


def _numpy(path: Path) -> np.ndarray:
    content = read_bytes(path)
    if not content.startswith(b"\x93NUMPY"):
        raise DamagedError("not an array written by numpy.save")
    try:
        array: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        if "pickle" in str(error):
            raise DamagedError("holds pickled Python objects, which are never read; save a plain array") from error
        raise
    return array


def _pixels(image: Image.Image, colour: bool) -> np.ndarray:
    if colour and image.mode.startswith(("I", "F")):
        raise DamagedError(f"{image.mode} pixels; expected 8-bit colours")
    if colour:
        return np.asarray(image.convert("RGB"))
    if image.mode in PLAIN or image.mode.startswith("I;16"):
        return np.asarray(image)
    if image.mode in WITH_ALPHA:
        return np.asarray(image.getchannel(image.mode[0]))
    return np.asarray(image.convert("RGB"))
