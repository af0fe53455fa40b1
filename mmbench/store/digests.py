"""SHA-256 of what was written, beside it: of a finished cell's files.

``digests.json`` in a finished cell's folder holds size and SHA-256 of each of its files. It stands beside
``result.json``, which would be another one each time if it held its own digest (training's seconds are in it). What
older code wrote has no digests, and is read as it is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from mmbench.given.files import opened
from mmbench.store.files import read_json, write_json

FILE = "digests.json"
Known = Mapping[str, tuple[int, str]]  # file name -> size in bytes and SHA-256


def of_bytes(content: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file. Raises OSError."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(cell: Path, names: list[str], coming: Mapping[str, bytes]) -> None:
    """Record the files of a cell.

    Args:
        names: of those that are there, relative to the cell.
        coming: those that are written next.
    """
    made = {name: [(cell / name).stat().st_size, of_file(cell / name)] for name in names}
    made |= {name: [len(content), of_bytes(content)] for name, content in coming.items()}
    write_json(cell / FILE, {"files": made})


def recorded(cell: Path) -> Known:
    """Name -> size in bytes and SHA-256; empty for a cell of older code. Raises ValueError where it is damaged."""
    found = read_json(cell / FILE)
    if found is None:
        return {}
    try:
        return {str(name): (int(size), str(digest)) for name, (size, digest) in found["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"{cell / FILE}: damaged ({error})") from error


def check(cell: Path, name: str, known: Known) -> None:
    """Raise ValueError where a file is not what was recorded; one that was not recorded is as it is."""
    if name in known:
        check_file(cell / name, known[name][1])


def check_file(path: Path, digest: str) -> None:
    """Raise ValueError, which names the file, where it cannot be read or has another SHA-256."""
    try:
        found = of_file(path)
    except OSError as error:
        raise ValueError(f"{path}: damaged ({error.strerror})") from error
    if found != digest:
        raise ValueError(f"{path}: damaged (other bytes than were written)")


def wrong_sizes(cell: Path, known: Known) -> list[str]:
    """Names of the files that are gone or of another size, found without reading them."""
    return [name for name, (size, _) in known.items() if _size(f"{cell}/{name}") != size]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - ten thousand paths of a large runs folder
    except OSError:
        return -1
