"""A cell's folder on disk, written atomically, and the table of all cells.

``runs/<dataset>/<profile>/<method>/seed-<n>/`` holds ``cell.json`` (what was asked for, with what code and data),
``log.jsonl``, ``checkpoint/``, ``samples/``, ``per_image.npz`` and, last, ``result.json``. ``failed.json`` and
``traceback.txt`` stand there instead where it did not work out.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS = (
    "dataset", "published_dataset", "profile", "method", "title", "group", "seed", "state", "inputs", "output",
    "output_kind", "via", "weights", "side_from", "bn", "checkpoint", "selection", "side_information", "pretrained",
    "metric", "cls", "value",
)  # fmt: skip

NAMES = frozenset(COLUMNS)  # a report looks a million times whether a field is a column

SWEEP, VALIDATION = "sweep", "validation"  # values of ``selection`` (see ``sweep.py``); the reported rows have none


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a part, even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically."""
    write_bytes(path, (json.dumps(_without_nan(value), indent=1, default=str) + "\n").encode())


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a compressed ``.npz`` atomically."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())


def _without_nan(value: Any) -> Any:
    """NaN is no JSON: null, which reads back as NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def read_json(path: Path | str) -> dict[str, Any] | None:
    """A JSON object, or None where the file is absent. Raises ValueError naming a damaged file."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a report reads tens of thousands
            value = json.loads(file.read().decode())
    except FileNotFoundError:
        return None
    except (ValueError, OSError, RecursionError) as error:
        raise ValueError(f"{path}: damaged ({error})") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path}: damaged (not a JSON object)")
    return value


@dataclass(frozen=True)
class CellFolder:
    """Where one cell lives."""

    path: Path

    @property
    def name(self) -> str:
        """``<dataset>/<profile>/<method>/seed-<n>``."""
        return "/".join(self.path.parts[-4:])

    @property
    def log(self) -> Path:
        """One JSON object per line: losses, alignment, speed."""
        return self.path / "log.jsonl"

    @property
    def checkpoints(self) -> Path:
        """``step-N/`` folders and ``latest``."""
        return self.path / "checkpoint"

    @property
    def samples(self) -> Path:
        """Pictures and arrays of the first test samples."""
        return self.path / "samples"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder; waits where another process has it. The kernel frees it when a process dies."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def is_locked(self) -> bool:
        """Whether a living process holds the folder."""
        try:
            with (self.path / ".lock").open("r") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False  # no lock file yet, or a file system without locks
        return False

    def state(self, key: str | None = None) -> str:
        """absent, running, interrupted, diverged, failed, damaged, done or, with another ``key``, stale."""
        return self.look(key)[0]

    def look(self, key: str | None = None) -> tuple[str, dict[str, Any]]:
        """The state, and ``result.json`` where it can be read (read once: a report looks at thousands of cells)."""
        try:
            result, failed, cell = (read_json(f"{self.path}/{name}.json") for name in ("result", "failed", "cell"))
        except ValueError:
            return "damaged", {}
        if result is not None:
            return "stale" if key is not None and result.get("key") != key else "done", result
        if self.is_locked():
            return "running", {}
        if failed is not None:
            return str(failed.get("state", "failed")), {}
        return "absent" if cell is None else "interrupted", {}

    def start_over(self, key: str) -> None:
        """Move what another key left (or what is damaged) aside, so that nothing is lost and nothing is mixed."""
        try:
            cell = read_json(self.path / "cell.json")
        except ValueError:
            cell = {}
        if cell is None and not self.checkpoints.exists():
            return
        cell = cell or {}
        if cell.get("key") == key and self.state(key) != "damaged":
            for name in ("failed.json", "traceback.txt"):
                (self.path / name).unlink(missing_ok=True)
            return
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.old-{number}")).exists():
            number += 1
        aside.mkdir()
        for item in self.path.iterdir():
            if item.name != ".lock":
                shutil.move(str(item), aside / item.name)

    def truncate_log(self, total_step: int) -> None:
        """Drop log lines past a checkpoint, so that a resumed run writes each step once."""
        if not self.log.exists():
            return
        kept = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                if json.loads(line)["total_step"] <= total_step:
                    kept.append(line)
        write_bytes(self.log, "".join(f"{line}\n" for line in kept).encode())

    def append_log(self, entry: dict[str, Any]) -> None:
        """Append one line."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def cell_folders(runs: Path) -> list[CellFolder]:
    """Every cell below a runs folder, sorted; what was moved aside is left out."""
    folders = [str(runs)]
    for _ in range(4):  # by data set, profile, method and seed; a glob of Path takes several times as long
        folders = [path for folder in folders for path in _subfolders(folder)]
    cells = (Path(path) for path in folders)
    return [CellFolder(path) for path in cells if path.name.startswith("seed-") and ".old-" not in path.name]


def _subfolders(folder: str) -> list[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir())
    return []


def identity(folder: CellFolder) -> dict[str, Any]:
    """Dataset, profile, method and seed, read off the path (a damaged folder still has them)."""
    dataset, profile, method, seed = folder.path.parts[-4:]
    number = seed.removeprefix("seed-")
    return {"dataset": dataset, "profile": profile, "method": method, "seed": int(number) if number.isdigit() else -1}


Block = tuple[dict[str, Any], dict[str, Any]]  # what some values have in common, and metric (or metric/class) -> value


def collect(runs: Path, current: Callable[[str], str | None]) -> tuple[list[dict[str, Any]], list[str]]:
    """All metric values of all finished cells as rows with :data:`COLUMNS`, and a line per cell that is not just done.

    A damaged folder gives a line, never an error.

    Args:
        current: a method's name to the digest of its source as it is now; a result with another one is stale.
    """
    blocks, _, notes = collect_blocks(runs, current)
    return [{**common, **value} for common, metrics in blocks for value in _values(metrics)], notes


def collect_blocks(
    runs: Path, current: Callable[[str], str | None]
) -> tuple[list[Block], list[dict[str, Any]], list[str]]:
    """As :func:`collect`, with the values that share everything but ``metric``, ``cls`` and ``value`` in one block.

    Between blocks and notes stands, of each finished cell, its identity and ``result.json`` without its rows.
    """
    blocks: list[Block] = []
    facts: list[dict[str, Any]] = []
    notes = []
    for folder in cell_folders(runs):
        who, (state, result) = identity(folder), folder.look()
        if state != "done":
            notes.append(f"{folder.name}: {state}{_reason(folder)}")
            continue
        try:
            stale = result.get("source") != current(who["method"].partition("+")[0])
            blocks.extend(_result_blocks(result, {**who, "state": "stale" if stale else state}))
            del result["rows"]
            facts.append({**result, **who})
            if stale:
                notes.append(f"{folder.name}: stale (made with other code; `run` makes it again)")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            notes.append(f"{folder.name}: damaged result.json ({type(error).__name__}: {error})")
    return blocks, facts, notes


def _values(metrics: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for metric, value in metrics.items():
        name, _, cls = metric.partition("/")
        yield {"metric": name, "cls": cls, "value": float("nan") if value is None else value}


def _result_blocks(result: dict[str, Any], who: dict[str, Any]) -> list[Block]:
    what = {"published_dataset": result.get("published_dataset", ""), "title": result["title"]}
    common = _shared({**who, **what, "pretrained": bool(result.get("pretrained", False))})
    rows = [(row, row["metrics"]) for row in result["rows"]]
    rows.append(({"group": result["rows"][0]["group"]}, _costs(result)))
    return [
        (_shared(row) | common, {sys.intern(name): value for name, value in metrics.items()}) for row, metrics in rows
    ]


def _shared(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns among a row's fields. Thousands of cells repeat a few texts: of each the one copy is read fastest."""
    return {key: sys.intern(value) if type(value) is str else value for key, value in row.items() if key in NAMES}


def _costs(result: Mapping[str, Any]) -> dict[str, float]:
    """What a cell cost, as metrics without inputs and output."""
    return {
        "parameters": result["parameters"],
        "train_seconds": result["timing"]["seconds"],
        "peak_memory_bytes": result["peak_memory_bytes"],
        **result.get("cost", {}),
    }


def _reason(folder: CellFolder) -> str:
    with contextlib.suppress(ValueError):
        if failed := read_json(folder.path / "failed.json"):
            return f" ({failed.get('reason', '')})"
    return ""
