"""Image files as ``translate`` reads and writes them; each modality says what is in them. Nothing is unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import ImageOps

from mmbench.errors import UserError, did_you_mean
from mmbench.modality import Modality
from mmbench.modality.opening import open_image

UNITS = {"millimetre": 0.001, "centimetre": 0.01, "metre": 1.0}
LOSSY = (".jpg", ".jpeg")


def read(path: Path, modality: Modality, metres: float = UNITS["millimetre"]) -> np.ndarray:
    """One file as the array of its modality ``(H, W[, 3])``.

    ``.npy`` holds the array itself; of images see the modality's ``decode``.

    Raises:
        UserError: the file is missing or damaged, or holds something else; one line that begins with the path.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        array = _numpy(path) if path.suffix.lower() == ".npy" else _image(path, modality, metres)
        return modality.checked(array[None])[0]
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


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
    if modality.lossless and path.suffix.lower() in LOSSY:
        raise ValueError(f"JPEG changes the values of {modality.kind} images; save them as PNG")
    try:
        image = ImageOps.exif_transpose(open_image(path))
    except Exception as error:  # Pillow raises whatever the damaged bytes lead it to
        raise ValueError(f"cannot be decoded ({str(error) or type(error).__name__})") from error
    return modality.decode(image, metres)


def save(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files, each whole or not at all. Raises UserError where that cannot be done."""
    from mmbench.store.files import write_bytes

    for name, content in files.items():
        try:
            write_bytes(folder / name, content)
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be written ({error.strerror})") from error
    return [folder / name for name in files]
