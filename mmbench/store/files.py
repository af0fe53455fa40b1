"""Files written whole and read back: JSON, arrays, bytes."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.given.files import parse_json, read_bytes
from mmbench.store.living import short_name

SEAL = "digest"  # key under which a sealed JSON object holds the SHA-256 of the rest of it
ASIDE = "damaged-"  # what the name of a thing that cannot be used begins with from then on
LONG_AGO = 3600.0  # seconds after which nobody is still writing a temporary file


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a part, even after a power cut.

    Raises OSError that names the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = temporary(path)
    try:
        beside.write_bytes(content)
        sync(beside)
        beside.replace(path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def temporary(path: Path) -> Path:
    """A name beside a file, of this process on this machine alone, which :func:`sweep` knows."""
    return path.with_name(f".{path.name[:150]}.{short_name()}.{os.getpid()}")


def sync(path: Path) -> None:
    """Have what was written to a file, or the names in a folder, reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def as_json(value: Any) -> bytes:
    """What :func:`write_json` writes."""
    return (json.dumps(_plain(value), indent=1, default=str, allow_nan=False) + "\n").encode()


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically."""
    write_bytes(path, as_json(value))


def write_sealed(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with the SHA-256 of what it says, which :func:`read_json` holds it against."""
    plain = json.loads(as_json(value))
    write_json(path, {**plain, SEAL: sha256_of(plain)})


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
    """A JSON object, or None where the file is absent.

    Raises:
        ValueError: it is damaged, or says something else than what was sealed (:func:`write_sealed`); names the file.
    """
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{path}: damaged ({error})") from error
    return json_object(path, content)


def json_object(path: Path, content: bytes) -> dict[str, Any]:
    """The JSON object that a file held. Raises ValueError as :func:`read_json`."""
    try:
        value = parse_json(content)
        sealed = isinstance(value, dict) and SEAL in value
        intact = not sealed or value.pop(SEAL) == sha256_of(value)
    except ValueError as error:
        raise ValueError(f"{path}: damaged ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path}: damaged (not a JSON object)")
    if not intact:
        raise ValueError(f"{path}: damaged (it says something else than was written)")
    return value


def sha256_of(value: Mapping[str, Any]) -> str:
    """Of what a JSON object says, however it is spaced and ordered."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def set_aside(path: Path) -> Path:
    """Rename what cannot be used to ``damaged-<name>`` beside it, in place of an older one. Returns where it is."""
    aside, number = path.with_name(f"{ASIDE}{path.name}"), 1
    while aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside, ignore_errors=True)
        if aside.is_dir():  # one that cannot be removed keeps its name
            number += 1
            aside = path.with_name(f"{ASIDE}{path.name}-{number}")
    path.replace(aside)
    return aside


def sweep(folder: Path, age: float = LONG_AGO) -> None:
    """Remove temporary files that :func:`write_bytes` left when its process was killed, those below folders too.

    Args:
        age: in seconds, from which a file of a process that does not live here is surely of a dead one; 0 where a lock
            keeps all others out.
    """
    for path in folder.rglob(".*.*"):
        *_, host, number = path.name.split(".")
        with contextlib.suppress(OSError):
            living = host == short_name() and number.isdigit() and _alive(int(number))
            if number.isdigit() and not living and time.time() - path.stat().st_mtime >= age:
                path.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
