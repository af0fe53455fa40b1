"""A parent and its child in a small profile, done in this process: what drills damage, kill and starve."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from mmbench.cell import CellRun
from mmbench.errors import UserError
from mmbench.planning.order import order_of
from mmbench.planning.plan import Cell, make_plan
from mmbench.publishing.build import build_reports
from mmbench.reporting import Table
from mmbench.store.collect import collect
from mmbench.store.digests import of_file
from mmbench.training import checkpoint

SMALL = {"profile.steps": 4, "profile.checkpoint_every": 2, "profile.log_every": 2, "profile.align_every": 100,
         "profile.data.test": 4, "profile.data.train": 12}  # fmt: skip
SHOWN = ("segmentation", "significance", "claims")
EVENTS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "os.truncate", "fcntl.flock")


class TwoCells:
    """A runs folder beside its cache, and the cells that are planned there."""

    def __init__(self, path: Path) -> None:
        self.path, self.runs = path, path / "runs"
        plan = make_plan(["mmnet", "mmnet-pp"], "synthetic", "smoke", [0], self.runs, overrides=SMALL)
        self.cells: dict[str, Cell] = {cell.method: cell for cell in plan.cells}

    def run(self, stop_at: int = 0) -> dict[str, str]:
        """What ``run`` does, without processes: the state of each cell afterwards."""

        def say(what: str, done: int, total: int) -> None:
            if stop_at and done == stop_at and total == 6:
                raise KeyboardInterrupt

        for cell in self.cells.values():
            if cell.folder.state(cell.key) != "done" and all(c.folder.state() == "done" for c in cell.waits_for):
                order = order_of(cell, cache_folder=self.path / "cache", threads=1, device="cpu", precision="fp32")
                try:
                    CellRun(order, say).run()
                except UserError:
                    continue  # a parent that turned out to be damaged: the next run does it again
                except KeyboardInterrupt:
                    break
        return {name: cell.folder.state(cell.key) for name, cell in self.cells.items()}

    def made(self, name: str) -> list[Any]:
        """All of a cell that must not depend on what happened on the way."""
        cell = self.cells[name].folder
        result = json.loads((cell.path / "result.json").read_text())
        found = checkpoint.latest(cell.checkpoints)
        assert found is not None
        files = [of_file(path) for path in (found / checkpoint.WEIGHTS, cell.log, cell.path / "per_image.npz")]
        return [result["rows"], result["key"], *files]

    def shown(self) -> tuple[dict[str, Any], list[str]]:
        """The numbers of results and tables, and the notes."""
        rows = collect(self.runs)[0].rows
        rows = rows[~rows["metric"].isin(("train_seconds", "peak_memory_bytes", "latency_ms"))]
        made, notes = build_reports(self.runs, SHOWN)
        numbers = {str(row[:-1]): repr(row[-1]) for row in rows.itertuples(index=False, name=None)}
        return numbers | {item.name: item.csv() for item in made if isinstance(item, Table)}, notes


def counted(folder: Path, stop_at: int) -> list[int]:
    """Count this process's changes of files below a folder from now on; it is killed in front of one of them."""
    count = [0]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in EVENTS:
            return
        reads = event == "open" and isinstance(arguments[1], str) and "r" in arguments[1] and "+" not in arguments[1]
        if reads or (event != "fcntl.flock" and not any(str(folder) in str(value) for value in arguments[:2])):
            return
        count[0] += 1
        if count[0] == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return count


def forked(folder: TwoCells, stop_at: int = 0) -> tuple[int, int]:
    """Do the cells in a fork. Returns how it ended (-9: killed), and the number of file operations."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            signal.alarm(240)
            count = counted(folder.path, stop_at)
            code = 0 if set(folder.run().values()) == {"done"} else 71
            os.write(there, str(count[0]).encode())
        finally:
            os._exit(code)
    os.close(there)
    with os.fdopen(here) as pipe:
        text = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), int(text or 0)
