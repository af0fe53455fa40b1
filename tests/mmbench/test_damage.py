"""Damage to any file of a finished or interrupted folder or of the cache is named, and a run makes the same again.

*Silent* is a number of a report that is another one than the undamaged folder's while no note names its cell.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damages import Damage, draw

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
FEW, MANY = 20, 1000


class Folder:
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


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = Folder(tmp_path_factory.mktemp("whole"))
    assert set(folder.run().values()) == {"done"}
    return folder


@pytest.fixture(scope="module")
def expected(whole: Folder) -> dict[str, Any]:
    """What is shown of the undamaged folder."""
    return whole.shown()[0]


@pytest.fixture(scope="module")
def copied(whole: Folder, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], Folder]:
    """A copy of the folder in a state: all done, without the child, or stopped in the middle of the parent."""
    stopped = Folder(tmp_path_factory.mktemp("stopped") / "folder")
    shutil.copytree(whole.path, stopped.path)
    for cell in stopped.cells.values():
        shutil.rmtree(cell.folder.path.parent)
    assert stopped.run(stop_at=3)["mmnet"] == "interrupted"

    def copy(state: str, to: Path) -> Folder:
        shutil.copytree(stopped.path if state == "interrupted" else whole.path, to)
        made = Folder(to)
        if state == "parent":
            shutil.rmtree(made.cells["mmnet-pp"].folder.path.parent)
        if state == "cache":
            shutil.rmtree(made.cells["mmnet"].folder.path.parent)
        return made

    return copy


def trial(damage: Damage, whole: Folder, expected: dict[str, Any], folder: Folder) -> None:
    cell = folder.cells["mmnet"]
    (prepared,) = (path for path in (folder.path / "cache").iterdir() if (path / "meta.json").exists())
    damage.do(prepared if damage.state == "cache" else cell.folder.path)
    numbers, notes = folder.shown()
    named = any("/mmnet/seed-0" in note for note in notes)
    assert named or damage.state != "finished" or numbers == expected, "silent"
    ends = folder.run()
    if set(ends.values()) != {"done"}:
        ends = folder.run()
    assert set(ends.values()) == {"done"}, ends
    # Of a finished cell a run leaves what it needs no more as it is.
    remade = {"finished": (), "parent": ("mmnet-pp",)}.get(damage.state, ("mmnet", "mmnet-pp"))
    for name in remade:
        assert folder.made(name) == whole.made(name)


def trials() -> list[Any]:
    """One test per seed, so that pytest counts them: a few always, the others with ``-m slow``."""
    few = [pytest.param(seed, id=str(draw(seed))) for seed in range(FEW)]
    return few + [pytest.param(seed, id=str(draw(seed)), marks=pytest.mark.slow) for seed in range(FEW, FEW + MANY)]


@pytest.mark.parametrize("seed", trials())
def test_damage_is_named_and_mended(
    seed: int, whole: Folder, expected: dict[str, Any], copied: Callable[[str, Path], Folder], tmp_path: Path
) -> None:
    damage, folder = draw(seed), tmp_path / "folder"
    trial(damage, whole, expected, copied(damage.state, folder))
    shutil.rmtree(folder)
