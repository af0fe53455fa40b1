"""Plug-ins that hang, in several places and ways: ``--stall-minutes`` ends them, and they end with their run."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from pathlib import Path

import pytest
from drilling import SMALL, cells_of, ended, environment, kill_session, lives, start
from plugging import plug

from mmbench.store.folder import CellFolder

COUNT, SEED = 12, 16
WAYS = {
    "sleeps": "time.sleep(1e6)",
    "spins": "[None for _ in iter(int, 1)]",
    "ignores": "[signal.signal(s, signal.SIG_IGN) for s in (2, 15)]; time.sleep(1e6)",
    "reads": "os.read(os.pipe()[0], 1)",
    "regex": "re.match('(a|a)*$', 'a' * 99 + 'b')",  # the interpreter never gets a turn
}
PLACES = {
    "import": "class Odd",
    "init": "        self.layer",
    "networks": '        return {"encoder',
    "forward": "        pass",
    "loss": '        return {"loss',
    "translate": "        return torch.ones",
}
MINUTES = 1.0

pytestmark = pytest.mark.slow


def hanging(plugins: Path, ways: tuple[str, ...]) -> list[str]:
    """Methods that hang, each in a place and a way of its own; their names."""
    chance = random.Random(SEED)
    every = [(place, way) for place in PLACES for way in ways]
    names = []
    for place, way in chance.sample(every, min(COUNT, len(every))):
        names.append(f"{way}-{place}")
        plug(plugins, names[-1], "pass")
        path = plugins / "methods" / f"{names[-1]}.py"
        marker = PLACES[place]
        line = " " * (len(marker) - len(marker.lstrip())) + WAYS[way] + "\n"
        text = path.read_text().replace(marker, line + marker, 1)
        path.write_text(text.replace("import json, os", "import re, signal, json, os"))
    return names


def states(runs: Path) -> dict[str, str]:
    return {path.parent.name: CellFolder(path).state() for path in runs.glob("synthetic/*/*/seed-0")}


def test_what_does_not_move_is_ended_and_the_others_are_done(tmp_path: Path) -> None:
    names = hanging(tmp_path / "plugins", tuple(WAYS))
    runs, log = tmp_path / "runs", tmp_path / "log"
    arguments = ["run", "--methods", ",".join([*names, "prior"]), *SMALL, "--jobs", "4", "--runs", runs]
    where = environment(tmp_path / "cache", tmp_path / "plugins")
    process = start([*arguments, "--stall-minutes", MINUTES], where, log)
    assert ended(process, 60 * MINUTES * (COUNT + 4)) == 1
    said = log.read_text(errors="replace")
    assert states(runs) == {**dict.fromkeys(names, "failed"), "prior": "done"}
    assert len(re.findall(r"failed in .* did not move for 1 minutes", said)) == COUNT
    assert "Traceback" not in said
    for name in names:
        plug(tmp_path / "plugins", name, "pass")
    assert ended(start(arguments, where, log), 600) == 0, "mended, they are done"


@pytest.mark.parametrize("how", ["killed", "ctrl-c", "sigterm"])
def test_hanging_cells_end_with_their_run(how: str, tmp_path: Path) -> None:
    """Of a run that was killed those that leave the interpreter a turn; a run that can still act ends all."""
    ways = tuple(way for way in WAYS if way != "regex") if how == "killed" else tuple(WAYS)
    names = hanging(tmp_path / "plugins", ways)
    chosen = names[:4]
    runs, log = tmp_path / "runs", tmp_path / "log"
    where = environment(tmp_path / "cache", tmp_path / "plugins")
    process = start(["run", "--methods", ",".join(chosen), *SMALL, "--jobs", "4", "--runs", runs], where, log)
    deadline = time.monotonic() + 120
    while len(list(runs.glob("synthetic/*/*/seed-0/progress.json"))) < len(chosen) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(10)  # into the hang
    cells = cells_of(process)
    assert len(cells) == len(chosen)
    os.kill(process.pid, {"killed": signal.SIGKILL, "ctrl-c": signal.SIGINT, "sigterm": signal.SIGTERM}[how])
    assert ended(process, 60) == (-9 if how == "killed" else 130)
    deadline = time.monotonic() + 30
    while any(map(lives, cells)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [cell for cell in cells if lives(cell)]
    kill_session(process)
    assert not left
    assert set(states(runs).values()) <= {"interrupted", "absent"}
