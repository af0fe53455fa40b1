"""Image files to a modality's arrays and back: what ``translate`` reads and writes. Nothing is unpickled."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mmbench.colours import colour_codes
from mmbench.errors import UserError, did_you_mean
from mmbench.modality import Modality
from mmbench.pictures import png

UNITS = {"millimetre": 0.001, "centimetre": 0.01, "metre": 1.0}
LOSSY = (".jpg", ".jpeg")
COLOURS = "-colours"


def checked(modality: Modality, array: np.ndarray) -> np.ndarray:
    """A batch of arrays ``(N, H, W[, 3])`` in exactly the representation of ``modality.py``.

    Raises:
        ValueError: another shape, type or range of values; the message lacks the name.
    """
    trailing = 4 if modality.kind == "rgb" else 3
    if array.ndim != trailing or 0 in array.shape or (modality.kind == "rgb" and array.shape[-1] != 3):
        expected = "(height, width, 3)" if modality.kind == "rgb" else "(height, width)"
        raise ValueError(f"an array of shape {array.shape[1:]}; expected {expected}")
    if modality.kind == "rgb":
        if array.dtype != np.uint8:
            raise ValueError(f"{array.dtype} values; expected uint8 colours from 0 to 255")
        return array
    if modality.kind == "segmentation":
        return _class_ids(modality, array)
    if array.dtype.kind != "f":
        wanted = "metres" if modality.kind == "depth" else "values from -1 to 1"
        raise ValueError(f"{array.dtype} values; expected floating point {wanted}")
    values = array.astype(np.float32)
    if modality.kind == "depth":
        return np.where(np.isfinite(values) & (values > 0), values, 0).astype(np.float32)
    if not (np.abs(values) <= 1 + 1e-6).all():
        raise ValueError("values that are not finite or not from -1 to 1")
    return values.clip(-1, 1)


def read(path: Path, modality: Modality, metres: float = UNITS["millimetre"]) -> np.ndarray:
    """One file as the array of its modality ``(H, W[, 3])``.

    ``.npy`` holds the array itself. Images: rgb in 8-bit colours, turned as the camera noted; depth in one channel of
    more than 8 bits, whole numbers in units of ``metres``, floating point in metres; segmentation in one channel of
    class ids (palette files: indices) or in the colours of the modality's palette; scalar in grey, black to -1 and
    white to 1.

    Raises:
        UserError: the file is missing or damaged, or holds something else; one line that begins with the path.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        array = _numpy(path) if path.suffix.lower() == ".npy" else _image(path, modality, metres)
        return checked(modality, array[None])[0]
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def files_of(stem: str, modality: Modality, array: np.ndarray) -> dict[str, bytes]:
    """An array ``(H, W[, 3])`` as files: name -> content (see :func:`names_of`)."""
    raw, *second = names_of(stem, modality)
    if modality.kind == "rgb":
        return {raw: png(array)}
    if modality.kind == "depth":
        millimetres = np.clip(np.rint(array * 1000.0), 0, 65535).astype(np.uint16)
        return {raw: png(millimetres), second[0]: png(modality.picture(array))}
    if modality.kind == "segmentation":
        return {raw: _with_palette(array, modality), second[0]: png(modality.picture(array))}
    grey = np.clip(np.rint((array + 1.0) * 127.5), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    np.save(buffer, array)
    return {raw: png(grey), second[0]: buffer.getvalue()}


def names_of(stem: str, modality: Modality) -> list[str]:
    """What :func:`files_of` writes: ``a-depth.png`` (16-bit millimetres), ``a-depth-colours.png`` and the like.

    Segmentation: class ids with the palette, and colours; scalar: 8-bit grey, and the array itself as ``.npy``.
    """
    name = f"{stem}-{modality.name}"
    if modality.kind == "rgb":
        return [f"{name}.png"]
    return [f"{name}.png", f"{name}.npy" if modality.kind == "scalar" else f"{name}{COLOURS}.png"]


def unit(text: str) -> float:
    """Metres of a unit's name or of a number. Raises UserError for anything else."""
    if text in UNITS:
        return UNITS[text]
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"--depth-unit {text!r}: no such unit{did_you_mean(text, UNITS)}, and no number") from None
    if not 0 < value < np.inf:
        raise UserError(f"--depth-unit {text}: expected more than 0 metres")
    return value


def _numpy(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except Exception as error:  # numpy raises whatever the damaged bytes lead it to
        if "pickle" in str(error):
            raise ValueError("not a plain array of numpy.save; pickled objects are never read") from error
        raise ValueError(f"cannot be decoded ({str(error) or type(error).__name__})") from error
    if not isinstance(array, np.ndarray):
        raise ValueError("not one array of numpy.save")
    return array


def _image(path: Path, modality: Modality, metres: float) -> np.ndarray:
    if modality.kind in ("depth", "segmentation") and path.suffix.lower() in LOSSY:
        raise ValueError(f"JPEG changes the values of {modality.kind} images; save them as PNG")
    try:
        with Image.open(path) as opened:
            opened.load()
            image = opened.copy()
            turned = ImageOps.exif_transpose(opened)
    except Exception as error:  # Pillow raises whatever the damaged bytes lead it to
        raise ValueError(f"cannot be decoded ({str(error) or type(error).__name__})") from error
    if modality.kind == "rgb":
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"{image.mode} pixels; expected 8-bit colours")
        # Cameras note how they were held.
        return np.asarray(turned.convert("RGB"))
    if modality.kind == "depth":
        return _depth(image, metres)
    return _segmentation(image, modality) if modality.kind == "segmentation" else _grey(image)


def _depth(image: Image.Image, metres: float) -> np.ndarray:
    if image.mode == "F":
        return np.asarray(image)
    if not image.mode.startswith("I"):
        raise ValueError(
            f"8-bit depth ({image.mode} pixels); expected a 16-bit PNG (see --depth-unit) or a .npy in metres"
        )
    return (np.asarray(image).astype(np.float64) * metres).astype(np.float32)


def _grey(image: Image.Image) -> np.ndarray:
    if image.mode == "F":
        return np.asarray(image)
    if image.mode.startswith("I"):
        return (np.asarray(image).astype(np.float64) / 32767.5 - 1.0).astype(np.float32)
    array = np.asarray(image.convert("RGB"))
    if not (array == array[..., :1]).all():
        raise ValueError("a colour image; expected grey")
    return (array[..., 0].astype(np.float32) / 127.5 - 1.0).astype(np.float32)


def _segmentation(image: Image.Image, modality: Modality) -> np.ndarray:
    """Class ids. A palette file whose colours are all the modality's goes by its colours: its indices may be anyone's.

    Colours tell classes apart only where no two share one.
    """
    distinct = len(set(modality.palette)) == len(modality.palette)
    if image.mode == "P":
        ids, strange = _by_colour(np.asarray(image.convert("RGB")), modality)
        return np.asarray(image) if strange or not distinct else ids
    if image.mode in ("1", "L") or image.mode.startswith("I"):
        return np.asarray(image).astype(np.int64)
    if not distinct:
        raise ValueError("a colour image, and classes that share a colour; expected one channel of class ids")
    ids, strange = _by_colour(np.asarray(image.convert("RGB")), modality)
    if strange:
        raise ValueError(f"{strange} of {ids.size} pixels have a colour that is not in the palette of {modality.name}")
    return ids


def _by_colour(colours: np.ndarray, modality: Modality) -> tuple[np.ndarray, int]:
    """Class ids of uint8 colours ``(H, W, 3)``, and the number of pixels that have none."""
    codes = colour_codes(colours)
    ids = np.zeros(codes.shape, np.uint8)
    known = np.zeros(codes.shape, bool)
    for number, code in enumerate(colour_codes(modality.palette)):
        ids[codes == code] = number
        known |= codes == code
    return ids, int((~known).sum())


def _class_ids(modality: Modality, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "bui":
        raise ValueError(f"{array.dtype} values; expected whole class ids")
    most = len(modality.classes)
    if array.min() < 0 or array.max() > most:
        wrong = int(array.max() if array.max() > most else array.min())
        raise ValueError(f"class id {wrong}; expected 0 (void) to {most}, the classes of {modality.name}")
    return array.astype(np.uint8)


def _with_palette(ids: np.ndarray, modality: Modality) -> bytes:
    image = Image.fromarray(ids)
    image.putpalette([value for colour in modality.palette for value in colour])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def save(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files, each whole or not at all. Raises UserError where that cannot be done."""
    from mmbench.store.files import write_bytes

    for name, content in files.items():
        try:
            write_bytes(folder / name, content)
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be written ({error.strerror})") from error
    return [folder / name for name in files]
