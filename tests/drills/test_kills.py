"""SIGKILL to a run, to one of its cells or to all of it, at random moments: the end is bit-equal to an undisturbed run.

Each test is a campaign of several kills on one folder through the command line, drawn from its seed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from drilling import SMALL, cells_of, ended, environment, kill_session, litter, lives, made, start

CAMPAIGNS, KILLS = 40, 5
METHODS = ("prior", "mmnet", "mmnet-pp")
WHO = ("all", "run", "cell")
ORPHANS = 30.0  # seconds that a cell may live without its run, on a busy machine

pytestmark = pytest.mark.slow


def command(runs: Path) -> list[object]:
    return ["run", "--methods", ",".join(METHODS), *SMALL, "--jobs", "2", "--runs", runs]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """What an undisturbed run makes, and the seconds that it takes here."""
    folder = tmp_path_factory.mktemp("whole")
    begun = time.monotonic()
    assert ended(start(command(folder / "runs"), environment(folder / "cache"), folder / "log")) == 0
    taken = time.monotonic() - begun
    cells = made(folder / "runs")
    assert len(cells) == len(METHODS)
    return cells, taken


def killed(process: Any, runs: Path, chance: random.Random, seconds: float) -> str:
    """Kill at a random moment within that time. Returns who was killed; empty where the run was faster."""
    deadline = time.monotonic() + chance.uniform(0.1, seconds)
    who, beside = chance.choice(WHO), chance.random() < 0.5
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    cells = cells_of(process)
    if process.poll() is not None:
        return ""
    if who == "cell" and cells:
        os.kill(chance.choice(cells), signal.SIGKILL)
        assert ended(process) == 1 or len(made(runs)) == len(METHODS), "done, where a cell was killed and is not"
        return who
    if who == "run":
        process.kill()
        process.wait()
        deadline = time.monotonic() + ORPHANS
        while not beside and any(map(lives, cells)):  # else the next run meets them
            assert time.monotonic() < deadline, "a cell outlives its run"
            time.sleep(0.02)
        return who
    kill_session(process)
    return "all"


@pytest.mark.parametrize("seed", range(CAMPAIGNS))
def test_kills_change_nothing(seed: int, whole: tuple[dict[str, Any], float], tmp_path: Path) -> None:
    undisturbed, seconds = whole
    chance, runs, log = random.Random(seed), tmp_path / "runs", tmp_path / "log"
    where, kills = environment(tmp_path / "cache"), list[str]()
    while len(kills) < KILLS:
        process = start(command(runs), where, log)
        if who := killed(process, runs, chance, seconds):
            kills.append(who)
        else:  # it was done before: from the beginning, with the same cache
            assert ended(process) == 0
            assert made(runs) == undisturbed
            shutil.rmtree(runs)
    assert ended(start(command(runs), where, log)) == 0, log.read_text(errors="replace")[-2000:]
    assert made(runs) == undisturbed, kills
    assert not litter(runs)
    assert "Traceback" not in log.read_text(errors="replace")
    shutil.rmtree(tmp_path)
