"""What reports read in the folders of cells, any of which may be damaged or still being written."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from mmbench.given.files import parse_json, read_bytes
from mmbench.metric import Metric
from mmbench.modality import Modality, modality_of

log = logging.getLogger(__name__)

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
    value = parse_json(read_bytes(path))
    if not isinstance(value, dict):
        raise ValueError(f"{path}: damaged (not a JSON object)")
    return value


def content_of(cell: Path, name: str) -> bytes:
    """A file of a cell, held against the SHA-256 that the cell recorded; older cells recorded none.

    A warning, which becomes a note of the reports, names one that is damaged.

    Raises:
        ValueError, or another of :data:`UNREADABLE`: it cannot be read, or is not what was written.
    """
    content = read_bytes(cell / name)
    try:
        known = _object(cell / "digests.json")["files"]
    except FileNotFoundError:
        return content
    if name in known and hashlib.sha256(content).hexdigest() != known[name][1]:
        _say_damaged(cell, name)
    return content


def _say_damaged(cell: Path, name: str) -> NoReturn:
    where = "/".join(cell.parts[-4:])
    log.warning("%s: %s is damaged (other bytes than were written); what it shows is left out", where, name)
    raise ValueError(f"{cell / name}: damaged")


def sealed(cell: Path, name: str) -> Mapping[str, Any]:
    """A JSON object of a cell that holds the SHA-256 of what it says. Warns of one that is damaged, as above.

    Raises:
        ValueError, or another of :data:`UNREADABLE`: it cannot be read, or is not what was written.
    """
    value = dict(_object(cell / name))
    digest = value.pop("digest")
    if hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest() != digest:
        _say_damaged(cell, name)
    return value


def entries(folder: Path, holding: str = "") -> list[dict[str, Any]]:
    """The readable lines of a cell's log that hold a text, each with its ``stage`` and ``total_step``."""
    try:
        lines = content_of(folder, "log.jsonl").decode(errors="replace").splitlines()
    except UNREADABLE:
        return []
    found = []
    for line in lines:
        if holding not in line:
            continue
        try:
            entry = json.loads(line)
            found.append({**entry, "stage": str(entry["stage"]), "total_step": int(entry["total_step"])})
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # the line that a killed process was writing
    return found


def output_of(result: Mapping[str, Any], row: Mapping[str, Any]) -> Modality:
    """The modality that a row of a result translates into, as the result records it.

    Raises:
        LookupError, ValueError, TypeError: the result is damaged.
    """
    for values in (result.get("task") or {}).get("modalities", ()):
        if values["name"] == row["output"]:
            return modality_of(values)
    # Older results record no modalities: the row's numbers name its classes.
    classes = [key.removeprefix("iou/") for key in row["metrics"] if key.startswith("iou/")]
    own = {"classes": classes, "palette": [(0, 0, 0)] * (len(classes) + 1)} if classes else {}
    return modality_of({"name": row["output"], "kind": row["output_kind"], **own})


@contextlib.contextmanager
def arrays_in(cell: Path, name: str) -> Iterator[Mapping[str, np.ndarray]]:
    """The arrays of a cell's npz file, each read when it is asked for. Raises one of :data:`UNREADABLE`."""
    with np.load(io.BytesIO(content_of(cell, name)), allow_pickle=False) as arrays:
        yield arrays


def per_image(cell: Path, number: int, metric: Metric, modality: Modality) -> np.ndarray:
    """A row's statistics of each test image, ``(N, C)``, as its metric kept them.

    Raises:
        One of :data:`UNREADABLE`: they are absent, damaged, or another metric's.
    """
    with arrays_in(cell, "per_image.npz") as arrays:
        if (name := f"{number}/{metric.name}") in arrays:
            values = arrays[name]
        else:
            # Older cells keep the statistics of their one metric under this name, confusion counts as matrices.
            values = arrays[f"{number}/statistics"]
            values = values.reshape(len(values), -1)
    metric.check(values, modality)
    return values


def row_number(rows: Sequence[Mapping[str, Any]], wanted: Mapping[str, str]) -> int:
    """The first of a result's rows that has these fields, what it lacks being ``""``. Raises ValueError without one."""
    return [{name: str(row.get(name, "") or "") for name in wanted} for row in rows].index(dict(wanted))
