"""What reports read in the folders of cells, any of which may be damaged or still being written."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# What reading a damaged JSON or npz file may raise: its cell is left out, not the report.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error,
              NotImplementedError, RecursionError)  # fmt: skip


def asked(folder: Path) -> Mapping[str, Any]:
    """A cell's ``cell.json``; empty where it is absent or damaged."""
    try:
        return _object(folder / "cell.json")
    except UNREADABLE:
        return {}


def result_of(folder: Path) -> Mapping[str, Any]:
    """A cell's ``result.json``. Raises one of :data:`UNREADABLE` where it is absent or damaged."""
    return _object(folder / "result.json")


def _object(path: Path) -> Mapping[str, Any]:
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path}: damaged (not a JSON object)")
    return value


def entries(folder: Path, holding: str = "") -> list[dict[str, Any]]:
    """The readable lines of a cell's log that hold a text, each with its ``stage`` and ``total_step``."""
    try:
        lines = (folder / "log.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        if holding not in line:
            continue
        try:
            entry = json.loads(line)
            found.append({**entry, "stage": str(entry["stage"]), "total_step": int(entry["total_step"])})
        except (ValueError, KeyError, TypeError):
            continue  # the line that a killed process was writing
    return found


def row_number(rows: Sequence[Mapping[str, Any]], wanted: Mapping[str, str]) -> int:
    """The first of a result's rows that has these fields, what it lacks being ``""``. Raises ValueError without one."""
    return [{name: str(row.get(name, "") or "") for name in wanted} for row in rows].index(dict(wanted))
