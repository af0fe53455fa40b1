"""A cell's folder on disk: its files, its state, its lock.

``runs/<dataset>/<profile>/<method>/seed-<n>/`` holds ``cell.json`` (what was asked for, with what code and data),
``log.jsonl``, ``checkpoint/``, ``samples/``, ``per_image.npz`` and, last, ``result.json``. ``failed.json`` and
``traceback.txt`` stand there instead where it did not work out.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import UserError
from mmbench.store.files import read_json, write_bytes, write_json
from mmbench.store.lock import Lock


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

    def lock(self, ticket: str = "") -> Lock:
        """What holds the folder, in a ``with`` statement: waits where another process has it.

        Args:
            ticket: of the lock that the parent process took and hands over.
        """
        path = self.path / ".lock"
        return Lock.handed(path, ticket) if ticket else Lock(path)

    def is_locked(self) -> bool:
        """Whether a living process holds the folder."""
        return self.lock().is_held()

    def state(self, key: str | None = None) -> str:
        """absent, running, interrupted, diverged, failed, damaged, done or, with another ``key``, stale."""
        return self.look(key)[0]

    def look(self, key: str | None = None) -> tuple[str, dict[str, Any]]:
        """The state, and ``result.json`` where it can be read."""
        try:
            result, failed, cell = (read_json(self.path / f"{name}.json") for name in ("result", "failed", "cell"))
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

    def set_failed(self, state: str, reason: str) -> None:
        """Leave word that the cell is ``failed`` or ``diverged``, and why in one line."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "failed.json", {"state": state, "reason": reason})

    def append_log(self, entry: dict[str, Any]) -> None:
        """Append one line."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def cell_folders(runs: Path) -> list[CellFolder]:
    """Every cell below a runs folder, sorted; what was moved aside is left out."""
    found = (path for path in runs.glob("*/*/*/seed-*") if path.is_dir() and ".old-" not in path.name)
    return [CellFolder(path) for path in sorted(found)]


def expect_cells(runs: Path) -> None:
    """Raise UserError where no cell is below a runs folder; names the folder that was meant where one is near."""
    if not runs.is_dir():
        raise UserError(f"--runs {runs}: no such folder; `python -m mmbench run` makes results there")
    if cell_folders(runs):
        return
    for above, pattern in enumerate(("*/*/seed-*", "*/seed-*", "seed-*")):
        if next(runs.glob(pattern), None):
            raise UserError(f"--runs {runs}: a part of a runs folder (did you mean {runs.resolve().parents[above]}?)")
    raise UserError(
        f"--runs {runs}: no results in it, expected <dataset>/<profile>/<method>/seed-<n>; `python -m mmbench run` "
        "makes them"
    )


def identity(folder: CellFolder) -> dict[str, Any]:
    """Dataset, profile, method and seed, read off the path (a damaged folder still has them)."""
    dataset, profile, method, seed = folder.path.parts[-4:]
    number = seed.removeprefix("seed-")
    return {"dataset": dataset, "profile": profile, "method": method, "seed": int(number) if number.isdigit() else -1}
