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


@dataclass(frozen=True)
class Fitted:
    """A file as a network is shown it.

    Attributes:
        array: ``(size, size[, 3])``.
        height, width: of the file, in pixels.
        crop: which square of it was taken, ``centre`` or ``left``.
    """

    array: np.ndarray
    height: int
    width: int
    crop: str


def read_fitted(path: Path, modality: Modality, readings: Mapping[str, Reading], size: int) -> Fitted:
    """One file, read as the files that a cell was trained on.

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
        array, (height, width) = reading.fitted(path, modality, size)
        return Fitted(modality.checked(array[None])[0], height, width, reading.crop)
    except UndescribedError as error:
        raise UserError(f"{path}: {error}; if it is to be read otherwise, add {hint(modality)}") from error
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def save(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files, each whole or not at all. Raises UserError where that cannot be done."""
    from mmbench.store.files import write_bytes

    for name, content in files.items():
        try:
            write_bytes(folder / name, content)
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be written ({error.strerror})") from error
    return [folder / name for name in files]
