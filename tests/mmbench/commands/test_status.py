"""What ``status`` says of a folder, of which one cell is done, one runs elsewhere, one has failed and two wait."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mmbench.commands.main import main
from mmbench.launching.remaining import Remaining
from mmbench.launching.runfile import SILENT, Said, said
from mmbench.launching.standing import lines
from mmbench.planning.plan import Plan, make_plan
from mmbench.store.files import write_json
from mmbench.store.folder import PROGRESS


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    made = make_plan(["mmnet", "mmnet-pp", "oracle", "prior", "unit"], "synthetic", "smoke", [0], tmp_path)
    cells = {cell.method: cell.folder for cell in made.cells}
    cells["oracle"].finish({"key": next(c.key for c in made.cells if c.method == "oracle"), "rows": []})
    cells["unit"].set_failed("failed", "ValueError: this and that")
    return made


def begin(plan: Plan, seconds: float = 100.0) -> Said:
    estimates = {cell.name: seconds for cell in plan.cells if cell.method not in ("oracle", "unit")}
    run = Said(plan.cells, 1, Remaining(estimates, {}, 1))
    run.renew()
    return run


def test_states_progress_and_what_is_left(plan: Plan, tmp_path: Path) -> None:
    run = begin(plan)
    cell = next(cell for cell in plan.cells if cell.method == "mmnet")
    now = datetime.now(UTC)
    about = {"host": "blade", "process": 42, "time": now.isoformat(), "moved": now.isoformat(), "left": 30}
    with cell.folder.lock():
        write_json(cell.folder.path / PROGRESS, {**about, "what": "translate", "done": 2, "total": cell.steps})
        text = lines(tmp_path)
        about["moved"] = (now - timedelta(minutes=20)).isoformat()
        write_json(cell.folder.path / PROGRESS, {**about, "what": "translate", "done": 2, "total": cell.steps})
        silent = lines(tmp_path)
    run.end()
    assert text[0].split() == [
        "synthetic/smoke/mmnet/seed-0", "running", "translate", f"2/{cell.steps},", "on", "blade,", "process", "42,",
        "about", "30", "seconds", "of", "it", "left",
    ]  # fmt: skip
    assert text[1].split(None, 2) == ["synthetic/smoke/unit/seed-0", "failed", "ValueError: this and that"]
    assert text[2].startswith(f"Run on {run.about.host}, process {os.getpid()}: 5 cells, 1 at a time, for ")
    assert text[3] == "5 cells: 2 waiting, 1 running, 1 done, 1 failed."
    assert text[4] == "About 4 minutes left."  # 30 s of mmnet, then 100 s each of its child and of the prior
    assert "has not moved for 20 minutes" in silent[0]
    assert len(lines(tmp_path, everything=True)) == 3 + 1, "without a run nothing tells of cells that are not there"


def test_a_run_that_died_and_one_of_another_machine(plan: Plan, tmp_path: Path) -> None:
    run = begin(plan)
    (path,) = (tmp_path / ".runs").glob("*.json")
    path.write_text(json.dumps(asdict(replace(run.about, started="1"))))
    assert [lives for _, lives in said(tmp_path)] == [False]
    assert any("it has died" in line for line in lines(tmp_path))
    begin(plan).end()
    assert not path.exists(), "the next run takes away what a dead one left"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(replace(run.about, host="blade", machine="blade 1 2"))))
    assert [lives for _, lives in said(tmp_path)] == [True]
    then = time.time() - SILENT - 1
    os.utime(path, (then, then))
    assert [lives for _, lives in said(tmp_path)] == [False]
    path.write_text("{")
    assert list(said(tmp_path)) == []


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--runs", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err
    for text in ("0", "inf", "nan", "1e12"):
        assert main(["status", "--runs", str(tmp_path), "--watch", text]) == 2
        assert f"--watch {float(text)}: expected seconds" in capsys.readouterr().err
    assert main(["status", "--runs", str(tmp_path)]) == 0
    assert "nothing there yet" in capsys.readouterr().out
