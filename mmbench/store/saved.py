"""Checkpoints as files: which one is the newest, and whether it is what was written. Imports no torch.

``checkpoint/latest`` names ``step-N``, whose ``position.json`` says where training stood and holds the SHA-256 of the
files beside it. Those of older code hold none, and are read as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbench.given.files import read_bytes
from mmbench.store import digests
from mmbench.store.files import read_json

LATEST, POSITION = "latest", "position.json"
NAME = re.compile(r"step-[0-9]{1,18}")


def latest(folder: Path) -> Path | None:
    """The newest checkpoint, or None where none was written. Raises ValueError where ``latest`` is damaged."""
    pointer = folder / LATEST
    try:
        name = read_bytes(pointer).decode().strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{pointer}: damaged ({error})") from error
    found = folder / name
    if not NAME.fullmatch(name) or found.is_symlink() or not found.is_dir():
        raise ValueError(f"{pointer}: damaged (it names no checkpoint)")
    return found


def position(checkpoint: Path) -> dict[str, Any]:
    """Where training stood: stage, step in the stage, total steps. Raises ValueError naming a damaged file."""
    path = checkpoint / POSITION
    found = read_json(path)
    if found is None or checkpoint.name != f"step-{found.get('total_step')}":
        raise ValueError(f"{path}: damaged (of no step, or of another)")
    return found


def check_file(checkpoint: Path, name: str, where: Mapping[str, Any]) -> None:
    """Raise ValueError, which names the file, where it is not what its checkpoint's position says."""
    if known := where.get("sha256", {}).get(name):
        digests.check_file(checkpoint / name, known)


def broken(folder: Path) -> str:
    """What is wrong with the newest checkpoint of a finished cell, which others start from; empty where nothing is."""
    try:
        found = latest(folder)
        if found is None:
            return f"{folder / LATEST}: damaged (there is none)"
        where = position(found)
        for name in where.get("sha256", ()):
            check_file(found, name, where)
    except ValueError as error:
        return str(error)
    return ""
