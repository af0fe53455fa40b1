"""Image files as ``translate`` reads and writes them. Nothing is unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmbench.errors import UserError
from mmbench.inference.stated import hint
from mmbench.modality import Modality
from mmbench.modality.reading import Reading
from mmbench.modality.reading.stored import UndescribedError
from mmbench.resize import centre_square, resize


@dataclass(frozen=True)
class Fitted:
    """A file as a network is shown it.

    Attributes:
        array: ``(size, size[, 3])``, or the whole image.
        height, width: of the file, in pixels.
        crop: which square of it was taken, ``centre`` or ``left``.
    """

    array: np.ndarray
    height: int
    width: int
    crop: str


def read_fitted(path: Path, modality: Modality, readings: Mapping[str, Reading], size: int | None) -> Fitted:
    """One file, read as the files that a cell was trained on.

    Args:
        size: of the array, in pixels; None for that of the file.

    Raises:
        UserError: the file is missing or damaged, or holds something else; or it is not known how it is read.
    """
    name = modality.name
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if name not in readings:
        raise UserError(
            f"{path}: it is not known how files of {name} are read: neither the cell nor its data set says it; add "
            f"{hint(modality)}"
        )
    reading = readings[name]
    try:
        if size is None:
            array = reading.read(path)
            height, width = array.shape[:2]
        else:
            array, (height, width) = reading.fitted(path, modality, size)
        return Fitted(modality.checked(array[None])[0], height, width, reading.crop)
    except UndescribedError as error:
        raise UserError(f"{path}: {error}; if it is to be read otherwise, add {hint(modality)}") from error
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def frame_fitted(frame: np.ndarray, modality: Modality, reading: Reading | None, size: int | None) -> Fitted:
    """A frame of a video, uint8 ``(H, W, 3)``, as a file of the same image; ``size`` as for :func:`read_fitted`."""
    crop = reading.crop if reading else "centre"
    array = frame[:, : len(frame)] if crop == "left" else frame
    if size is not None:
        array = resize(centre_square(array), modality, size)
    return Fitted(np.ascontiguousarray(array), frame.shape[0], frame.shape[1], crop)


def save(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files, each whole or not at all. Raises UserError where that cannot be done."""
    from mmbench.store.files import write_bytes

    for name, content in files.items():
        try:
            write_bytes(folder / name, content)
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be written ({error.strerror})") from error
    return [folder / name for name in files]
