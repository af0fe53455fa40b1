"""MATLAB's v7.3 files are HDF5; reading them is the one thing that h5py is needed for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmbench.errors import UserError

DAMAGED = (OSError, LookupError, ValueError, TypeError, RuntimeError, AttributeError)
"""What h5py raises where a file is cut off, or does not hold what was asked for."""


@contextmanager
def open_hdf5(path: Path, advice: str) -> Iterator[Any]:
    """The open ``h5py.File``; what goes wrong inside the block is one line that ends in ``advice``.

    Arrays appear transposed, because MATLAB stores columns first. Threads may read the same file at once.

    Raises:
        UserError: h5py is not installed, or the file is damaged or of another kind; names the file.
    """
    try:
        import h5py
    except ImportError as error:
        raise UserError(f"{path} is HDF5, which needs h5py: pip install h5py") from error
    try:
        with h5py.File(path) as file:
            yield file
    except DAMAGED as error:
        raise UserError(f"{path}: cannot be read ({str(error).strip()}); {advice}") from error
