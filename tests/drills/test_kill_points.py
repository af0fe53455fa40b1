"""SIGKILL in front of a file operation of two cells, and often a second one on the way back: the end is bit-equal.

The cells' own code runs in forks of this process. Which operation is drawn from the test's seed, out of all that an
undisturbed run makes: the cache, log lines, checkpoints, the evaluation, the result.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drilling import litter
from two_cells import TwoCells

FEW, MANY = 2, 200
EVENTS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "os.truncate", "fcntl.flock")


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


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TwoCells, int]]:
    """An undisturbed folder, and how many file operations it took."""
    folder = TwoCells(tmp_path_factory.mktemp("whole"))
    code, operations = forked(folder)
    assert code == 0 and operations > 100
    yield folder, operations


@pytest.mark.parametrize(
    "seed", [*range(FEW), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(FEW, FEW + MANY))]
)
def test_a_kill_in_front_of_a_file_operation_changes_nothing(
    seed: int, whole: tuple[TwoCells, int], tmp_path: Path
) -> None:
    undisturbed, operations = whole
    chance, folder = random.Random(seed), TwoCells(tmp_path / "folder")
    assert forked(folder, chance.randint(1, operations))[0] == -signal.SIGKILL
    if chance.random() < 0.5:
        assert forked(folder, chance.randint(1, 60))[0] in (-signal.SIGKILL, 0)
    assert forked(folder)[0] == 0
    for name in folder.cells:
        assert folder.made(name) == undisturbed.made(name)
    assert not litter(folder.runs)
    shutil.rmtree(tmp_path)
