"""Files written whole and read back: JSON, arrays, bytes."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.given.files import parse_json, read_bytes


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a part, even after a power cut.

    Raises OSError that names the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        sync(beside)
        beside.replace(path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def sync(path: Path) -> None:
    """Have what was written to a file, or the names in a folder, reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically."""
    write_bytes(path, (json.dumps(_plain(value), indent=1, default=str, allow_nan=False) + "\n").encode())


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a compressed ``.npz`` atomically."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())


def _plain(value: Any) -> Any:
    """What JSON has: numpy's numbers as Python's, NaN as null, infinity as the text that ``float`` reads."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None where the file is absent. Raises ValueError naming a damaged file."""
    try:
        value = parse_json(read_bytes(path))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: damaged ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path}: damaged (not a JSON object)")
    return value
