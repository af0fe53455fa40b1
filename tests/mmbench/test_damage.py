"""Damage to any file of a finished or interrupted folder or of the cache is named, and a run makes the same again.

*Silent* is a number of a report that is another one than the undamaged folder's while no note names its cell.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damages import Damage, draw
from two_cells import TwoCells

FEW, MANY = 20, 1000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TwoCells:
    folder = TwoCells(tmp_path_factory.mktemp("whole"))
    assert set(folder.run().values()) == {"done"}
    return folder


@pytest.fixture(scope="module")
def expected(whole: TwoCells) -> dict[str, Any]:
    """What is shown of the undamaged folder."""
    return whole.shown()[0]


@pytest.fixture(scope="module")
def copied(whole: TwoCells, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], TwoCells]:
    """A copy of the folder in a state: all done, without the child, or stopped in the middle of the parent."""
    stopped = TwoCells(tmp_path_factory.mktemp("stopped") / "folder")
    shutil.copytree(whole.path, stopped.path)
    for cell in stopped.cells.values():
        shutil.rmtree(cell.folder.path.parent)
    assert stopped.run(stop_at=3)["mmnet"] == "interrupted"

    def copy(state: str, to: Path) -> TwoCells:
        shutil.copytree(stopped.path if state == "interrupted" else whole.path, to)
        made = TwoCells(to)
        if state == "parent":
            shutil.rmtree(made.cells["mmnet-pp"].folder.path.parent)
        if state == "cache":
            shutil.rmtree(made.cells["mmnet"].folder.path.parent)
        return made

    return copy


def trial(damage: Damage, whole: TwoCells, expected: dict[str, Any], folder: TwoCells) -> None:
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
    seed: int, whole: TwoCells, expected: dict[str, Any], copied: Callable[[str, Path], TwoCells], tmp_path: Path
) -> None:
    damage, folder = draw(seed), tmp_path / "folder"
    trial(damage, whole, expected, copied(damage.state, folder))
    shutil.rmtree(folder)
