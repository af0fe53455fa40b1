"""What an image file holds, as an array; nothing is unpickled."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mmbench.colours import colour_codes
from mmbench.errors import UserError
from mmbench.given.files import read_bytes
from mmbench.modality.opening import open_image

LOSSY = (".jpg", ".jpeg")
PLAIN = ("1", "L", "P", "I", "F", "RGB")  # Pillow's modes whose arrays are what the file holds; also I;16 and the like
WITH_ALPHA = ("LA", "PA")  # grey, and indices into a palette


class DamagedError(ValueError):
    """A file is not what it should be; the message lacks the path."""


class UndescribedError(DamagedError):
    """A file holds values that its description does not name; another description would do."""


def opened(path: Path, kind: str, lossless: bool) -> np.ndarray | Image.Image:
    """The array of an ``.npy``, or an image, turned by EXIF: cameras note how they were held, whatever they recorded.

    Args:
        kind: of the modality, for messages.
        lossless: refuse JPEG, which would change what the values mean.

    Raises:
        DamagedError: it cannot be decoded to its end, or holds no image.
    """
    if lossless and path.suffix.lower() in LOSSY:
        raise DamagedError(f"JPEG changes the values of {kind} images; save them as PNG")
    try:
        return _numpy(path) if path.suffix.lower() == ".npy" else ImageOps.exif_transpose(open_image(path))
    except (DamagedError, UserError):
        raise
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
