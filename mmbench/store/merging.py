"""Several runs folders as one: which cell is taken from which, and what is said where two have the same cell."""

from __future__ import annotations

import contextlib
import shutil
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.given.files import NO_ROOM
from mmbench.given.texts import told
from mmbench.store import digests, journal
from mmbench.store.files import temporary
from mmbench.store.folder import CellFolder, cell_folders
from mmbench.store.numbers import RESULT, copy_numbers


@dataclass(frozen=True)
class Choice:
    """A cell, the runs folder that it is taken from, its state, and its result where it is done."""

    runs: Path
    cell: CellFolder
    state: str
    result: Mapping[str, Any]


@dataclass(frozen=True)
class Union:
    """The cells of several runs folders by name; ``conflicts`` names those that two have with other numbers or keys."""

    cells: dict[str, Choice]
    conflicts: tuple[str, ...] = ()


def union(folders: Sequence[Path]) -> Union:
    """Each cell once: of the first folder that has it done, else of the first that has it at all.

    Two that are done with one key are the same cell, and must have the same numbers.
    """
    cells: dict[str, Choice] = {}
    conflicts = []
    for runs in folders:
        for cell in cell_folders(runs):
            new, old = Choice(runs, cell, *cell.look()), cells.get(cell.name)
            if old is None or (old.state != "done" and new.state == "done"):
                cells[cell.name] = new
            elif new.state == old.state == "done" and (differs := _difference(old, new)):
                conflicts.append(f"{cell.name}: {differs} in {new.runs} than in {old.runs}, which is taken")
    return Union(cells, tuple(conflicts))


def _difference(one: Choice, other: Choice) -> str:
    for field, differs in (("key", "another key"), ("rows", "other numbers")):
        if one.result.get(field) != other.result.get(field):
            return differs
    return ""


def link(merged: Union, folders: Sequence[Path], into: Path) -> None:
    """Make a runs folder of links to the cells, with the journals of all: what reports read, and nothing is copied."""
    for name, choice in merged.cells.items():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).symlink_to(choice.cell.path.resolve(), target_is_directory=True)
    lines = []
    for runs in folders:
        with contextlib.suppress(OSError):
            lines.append((runs / journal.FILE).read_bytes())
    (into / journal.FILE).write_bytes(b"\n".join(lines))


def copy_all(merged: Union, into: Path, numbers_only: bool = False) -> tuple[Counter[str], list[str]]:
    """Copy every finished cell that is not there yet: how many cells were copied or not, and what went wrong, in lines.

    Args:
        merged: cells of ``into`` and of other folders.
    """
    counts, trouble = Counter[str](), list(merged.conflicts)
    for name, choice in merged.cells.items():
        if choice.runs == into:
            counts["there already"] += 1
        elif choice.state != "done":
            counts[f"{choice.state}, left out"] += 1
        elif (state := CellFolder(into / name).state()) != "absent":
            trouble.append(f"{name}: {state} in {into}; delete it there, or end its run")
        elif problem := copy(choice, into, numbers_only):
            trouble.append(problem)
        else:
            counts["copied"] += 1
    return counts, trouble


def copy(choice: Choice, into: Path, numbers_only: bool = False) -> str:
    """Copy a finished cell, or its numbers (:func:`copy_numbers`), in whole or not at all.

    Returns why not, in one line; empty where it is there afterwards.

    Raises:
        OSError: there is no room, so that no other can be copied either.
    """
    target, name = into / choice.cell.name, choice.cell.name
    found = digests.recorded(choice.cell.path)
    if wrong := digests.wrong_sizes(choice.cell.path, found):
        return f"{name}: {', '.join(wrong)} damaged or gone in {choice.runs}"
    beside = temporary(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if numbers_only:
            copy_numbers(choice.cell, choice.result, beside)
        else:
            shutil.copytree(choice.cell.path, beside, ignore=shutil.ignore_patterns(".*"))
        _move(beside, CellFolder(target), str(choice.result.get("key", "")))
    except shutil.Error as error:
        _source, _target, why = error.args[0][0]
        return f"{name}: {why}"
    except (ValueError, zipfile.BadZipFile) as error:
        return f"{name}: {error}"
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        return f"{name}: {told(error)}"
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    journal.enter(into, name, str(choice.result.get("key", "")))
    return ""


def _move(made: Path, target: CellFolder, key: str) -> None:
    """Give a finished cell's folder its name; into one that is there already, and never begun, goes what is in it."""
    if not target.path.exists():
        made.rename(target.path)
        return
    with target.lock():
        target.start_over(key)
        for item in sorted(made.iterdir(), key=lambda item: item.name == RESULT):  # which says that it is whole
            item.replace(target.path / item.name)
