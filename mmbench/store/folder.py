"""A cell's folder on disk: its files, its state, its lock.

``runs/<dataset>/<profile>/<method>/seed-<n>/`` holds ``cell.json`` (what was asked for, with what code and data),
``log.jsonl``, ``checkpoint/``, ``samples/``, ``per_image.npz``, ``digests.json`` (SHA-256 of all of these) and, last,
``result.json``. ``failed.json`` and ``traceback.txt`` stand there instead where it did not work out, and
``progress.json`` says what the process that works there does.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import UserError
from mmbench.given.files import read_bytes
from mmbench.store import digests, journal, saved
from mmbench.store.files import ASIDE, as_json, json_object, read_json, set_aside, sweep, write_bytes, write_json
from mmbench.store.lock import Lock

PROGRESS = "progress.json"
FAILED = "failed.json"
TRACEBACK = "traceback.txt"


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

    def make_room(self) -> None:
        """Set aside what stands in the way of the folder: a file, a broken link, a folder that cannot be entered."""
        for path in (*reversed(self.path.parents[:3]), self.path):
            if os.path.lexists(path) and not _usable(path):
                set_aside(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def is_locked(self) -> bool:
        """Whether a living process holds the folder."""
        return self.lock().is_held()

    def state(self, key: str | None = None) -> str:
        """absent, running, interrupted, diverged, failed, damaged, done or, with another ``key``, stale."""
        return self.look(key)[0]

    def look(self, key: str | None = None) -> tuple[str, dict[str, Any]]:
        """The state, and ``result.json`` where it can be read and is what was written.

        Of a cell that is damaged, failed or diverged the dict has ``reason``, in one line.
        """
        state, about, _ = self.examine(key)
        return state, about

    def examine(self, key: str | None = None) -> tuple[str, dict[str, Any], digests.Known]:
        """:meth:`look`, and the digests of a finished cell's files."""
        known: digests.Known = {}
        try:
            known = digests.recorded(self.path)
            result, failed = self._result(known), read_json(self.path / FAILED)
            cell: Mapping[str, Any] | None = {}
            if result is None or "cell.json" not in known:
                cell = read_json(self.path / "cell.json")
            else:
                digests.check(self.path, "cell.json", known)
        except ValueError as error:
            return "damaged", {"reason": str(error).removeprefix(f"{self.path}{os.sep}")}, known
        if failed is not None and failed.get("state") == "damaged":
            return "damaged", failed, known
        if result is not None:
            return "stale" if key is not None and result.get("key") != key else "done", result, known
        if self.is_locked():
            return "running", {}, known
        if failed is not None:
            return str(failed.get("state", "failed")), failed, known
        return "absent" if cell is None else "interrupted", {}, known

    def _result(self, known: digests.Known) -> dict[str, Any] | None:
        path = self.path / "result.json"
        try:
            content = read_bytes(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ValueError(f"{path}: damaged ({error.strerror})") from error
        if path.name in known and known[path.name][1] != digests.of_bytes(content):
            raise ValueError(f"{path}: damaged (other bytes than were written)")
        return json_object(path, content)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write ``result.json``, the digests of all files before it, and a line in the runs folder's journal."""
        content = as_json(result)
        names = [name for name in ("cell.json", "log.jsonl", "per_image.npz") if (self.path / name).exists()]
        names += sorted(f"samples/{path.name}" for path in self.samples.glob("[!.]*"))
        digests.write(self.path, names, {"result.json": content})
        write_bytes(self.path / "result.json", content)
        journal.enter(self.path.parents[3], self.name, str(result.get("key", "")))

    def saved_step(self) -> int:
        """Of the newest checkpoint; 0 without one."""
        with contextlib.suppress(ValueError):
            found = saved.latest(self.checkpoints)
            return int(found.name.removeprefix("step-")) if found else 0
        return 0

    def saved_of(self, steps: int) -> str:
        """How much of a cell of so many steps is saved, for people."""
        saved = self.saved_step()
        return f"saved at step {saved} of {steps}" if saved else "nothing of it is saved yet"

    def word(self) -> str:
        """Why the process that worked here last ended before the cell was done; empty where it left no word."""
        return str(self.told(PROGRESS).get("ended", ""))

    def told(self, name: str) -> dict[str, Any]:
        """One of the JSON files in which a process leaves word; empty where it is absent or cannot be read."""
        with contextlib.suppress(ValueError):
            return read_json(self.path / name) or {}
        return {}

    def start_over(self, key: str) -> None:
        """Move what another key left (or what is damaged) aside, so that nothing is lost and nothing is mixed.

        To be called by the holder of the lock: what killed processes left of files is removed.
        """
        sweep(self.path, age=0.0)
        try:
            cell = read_json(self.path / "cell.json")
        except ValueError:
            cell = {}
        begun = cell is not None or self.checkpoints.exists()
        if not begun or ((cell or {}).get("key") == key and self.state(key) != "damaged"):
            for name in (FAILED, digests.FILE):
                (self.path / name).unlink(missing_ok=True)
            self._clear()
            return
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.old-{number}")).exists():
            number += 1
        aside.mkdir()
        for item in self.path.iterdir():
            if not item.name.startswith(".lock"):  # nor its leases
                try:
                    item.replace(aside / item.name)
                except PermissionError:  # a folder that may not be written to cannot be moved to another one
                    set_aside(item)

    def _clear(self) -> None:
        """Set aside what stands where the cell writes and cannot be written over."""
        for path in (self.checkpoints, self.samples):
            if os.path.lexists(path) and not _usable(path):
                set_aside(path)
        for name in ("per_image.npz", TRACEBACK, PROGRESS):
            if (self.path / name).is_dir():
                set_aside(self.path / name)
        (self.path / TRACEBACK).unlink(missing_ok=True)

    def log_digest(self) -> dict[str, Any]:
        """Bytes of the log and their SHA-256, for a checkpoint to hold."""
        content = read_bytes(self.log) if self.log.exists() else b""
        return {"bytes": len(content), "sha256": digests.of_bytes(content)}

    def check_log(self, position: Mapping[str, Any]) -> None:
        """Raise ValueError where the log has not what it had at a checkpoint."""
        try:
            content = read_bytes(self.log) if self.log.exists() else b""
        except OSError as error:
            raise ValueError(f"{self.log}: damaged ({error.strerror})") from error
        if (known := position.get("log")) and digests.of_bytes(content[: known["bytes"]]) != known["sha256"]:
            raise ValueError(f"{self.log}: damaged (other lines than at the checkpoint)")

    def truncate_log(self, total_step: int) -> None:
        """Drop log lines past a checkpoint, so that a resumed run writes each step once."""
        if not os.path.lexists(self.log):
            return
        try:
            lines = read_bytes(self.log).decode("utf-8", "replace").splitlines()
        except OSError:
            set_aside(self.log)
            return
        kept = []
        for line in lines:
            with contextlib.suppress(ValueError, TypeError, LookupError, RecursionError):
                if json.loads(line)["total_step"] <= total_step:
                    kept.append(line)
        write_bytes(self.log, "".join(f"{line}\n" for line in kept).encode())

    def set_failed(self, state: str, reason: str) -> None:
        """Leave word that the cell is ``failed`` or ``diverged``, and why in one line."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / FAILED, {"state": state, "reason": reason})

    def append_log(self, entry: dict[str, Any]) -> None:
        """Append one line."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def cell_folders(runs: Path, pattern: str = "*/*/*/seed-*") -> list[CellFolder]:
    """Every cell below a runs folder, or where else the pattern finds some, sorted; without what was moved aside."""
    found = (path for path in runs.glob(pattern) if path.is_dir() and ".old-" not in path.name)
    return [CellFolder(path) for path in sorted(found) if not any(p.startswith(ASIDE) for p in path.parts[-4:])]


def _usable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def expect_cells(runs: Path, option: str = "--runs") -> None:
    """Raise UserError where no cell is below a runs folder; names the folder that was meant where one is near."""
    if not runs.is_dir():
        raise UserError(f"{option} {runs}: no such folder; `python -m mmbench run` makes results there")
    if cell_folders(runs):
        return
    for above, pattern in enumerate(("*/*/seed-*", "*/seed-*", "seed-*")):
        if next(runs.glob(pattern), None):
            raise UserError(f"{option} {runs}: a part of a runs folder (did you mean {runs.resolve().parents[above]}?)")
    raise UserError(
        f"{option} {runs}: no results in it, expected <dataset>/<profile>/<method>/seed-<n>; `python -m mmbench run` "
        "makes them"
    )


def identity(folder: CellFolder) -> dict[str, Any]:
    """Dataset, profile, method and seed, read off the path (a damaged folder still has them)."""
    dataset, profile, method, seed = folder.path.parts[-4:]
    number = seed.removeprefix("seed-")
    return {"dataset": dataset, "profile": profile, "method": method, "seed": int(number) if number.isdigit() else -1}
