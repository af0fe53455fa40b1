"""What an image file holds, as an array; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mmbench.colours import colour_codes

LOSSY = (".jpg", ".jpeg")
PLAIN = ("1", "L", "P", "I", "F", "RGB")  # Pillow's modes whose arrays are what the file holds; also I;16 and the like


class DamagedError(ValueError):
    """A file is not what it should be; the message lacks the path."""


class UndescribedError(DamagedError):
    """A file holds values that its description does not name; another description would do."""


def stored(path: Path, kind: str, lossless: bool, colour: bool = False) -> np.ndarray:
    """The numbers in a file, ``(H, W)`` or ``(H, W, 3)``: palette PNGs as indices, alpha dropped, turned by EXIF.

    Args:
        kind: of the modality, for messages.
        lossless: refuse JPEG, which would change what the values mean.
        colour: convert whatever 8-bit image it is to colours; those of palette PNGs, not their indices.

    Raises:
        DamagedError: it cannot be decoded to its end, or holds no image.
    """
    if lossless and path.suffix.lower() in LOSSY:
        raise DamagedError(f"JPEG changes the values of {kind} images; save them as PNG")
    try:
        array = _numpy(path) if path.suffix.lower() == ".npy" else _image(path, colour)
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
    with Image.open(path) as opened:
        if colour and opened.mode.startswith(("I", "F")):
            raise DamagedError(f"{opened.mode} pixels; expected 8-bit colours")
        # Cameras note how they were held, whatever they recorded: colours, infrared or depth.
        image = ImageOps.exif_transpose(opened)
        if colour:
            return np.asarray(image.convert("RGB"))
        if image.mode in PLAIN or image.mode.startswith("I;16"):
            return np.asarray(image)
        if image.mode == "LA":
            return np.asarray(image.getchannel("L"))
        return np.asarray(image.convert("RGB"))
