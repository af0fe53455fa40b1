"""Eight runs at once on one folder with reports meanwhile, calm and with half of them killed: nothing is lost.

A plug-in writes a line for each of its steps. Where nobody is killed, each cell is trained once, by one process.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from drilling import SMALL, ended, environment, kill_session, litter, made, start
from plugging import plug

RUNS, SEED = 8, 16
STEP = """
        self.step = getattr(self, "step", -1) + 1
        with open(os.environ["DRILL_STEPS"], "a") as file:
            file.write(f"{name} {{self.step}} {{os.getpid()}}\\n")
        time.sleep(0.1)"""
NAMES = ("told", "told-child", "told-other")

pytestmark = pytest.mark.slow


def storm(folder: Path, killed: int) -> tuple[dict[str, Any], list[str]]:
    """What ``RUNS`` runs at once make, of which some are killed, and the lines of the steps."""
    plugins, runs, steps = folder / "plugins", folder / "runs", folder / "steps"
    folder.mkdir()
    steps.touch()
    for name in NAMES:
        plug(plugins, name, STEP.format(name=name), "told" if name == "told-child" else "")
    where = environment(folder / "cache", plugins, DRILL_STEPS=str(steps))
    arguments = ["run", "--methods", ",".join((*NAMES, "prior")), *SMALL, "--jobs", "1", "--runs", runs]
    logs = [folder / f"run-{number}" for number in range(RUNS)]
    processes = [start(arguments, where, log) for log in logs]
    chance, victims = random.Random(SEED), processes[:killed]
    while any(process.poll() is None for process in processes):
        if runs.is_dir():
            report = start(["report", "--runs", runs, "--out", folder / "report"], where, folder / "reports")
            assert ended(report) == 0
        if victims:
            kill_session(victims.pop())
        time.sleep(chance.uniform(0.2, 2.0))
    assert [process.wait() for process in processes[killed:]] == [0] * (RUNS - killed)
    for log in [*logs, folder / "reports"]:
        assert "Traceback" not in log.read_text(errors="replace"), log.name
    assert not litter(runs)
    return made(runs), steps.read_text().splitlines()


def test_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    calm, steps = storm(tmp_path / "calm", killed=0)
    assert {name.split("/")[2] for name in calm} == {*NAMES, "prior"}
    trained = Counter(tuple(line.split()[:2]) for line in steps)
    assert set(trained.values()) == {1}, "each step once"
    assert len({tuple(line.split()[::2]) for line in steps}) == len(NAMES), "each cell by one process"
    storms, _ = storm(tmp_path / "killed", killed=RUNS // 2)
    assert storms == calm
    shutil.rmtree(tmp_path)
