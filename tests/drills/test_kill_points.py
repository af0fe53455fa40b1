"""SIGKILL in front of a file operation of two cells, and often a second one on the way back: the end is bit-equal.

The cells' own code runs in forks of this process. Which operation is drawn from the test's seed, out of all that an
undisturbed run makes: the cache, log lines, checkpoints, the evaluation, the result.
"""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest
from drilling import litter
from two_cells import TwoCells, forked

FEW, MANY = 2, 200


@pytest.mark.parametrize(
    "seed", [*range(FEW), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(FEW, FEW + MANY))]
)
def test_a_kill_in_front_of_a_file_operation_changes_nothing(
    seed: int, whole: TwoCells, operations: int, tmp_path: Path
) -> None:
    chance, folder = random.Random(seed), TwoCells(tmp_path / "folder")
    assert forked(folder, chance.randint(1, operations))[0] == -signal.SIGKILL
    if chance.random() < 0.5:
        assert forked(folder, chance.randint(1, 60))[0] in (-signal.SIGKILL, 0)
    assert forked(folder)[0] == 0
    for name in folder.cells:
        assert folder.made(name) == whole.made(name)
    assert not litter(folder.runs)
    shutil.rmtree(tmp_path)
