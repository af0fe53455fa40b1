"""The first thing to do with SUN RGB-D: all methods, the tables, and the same again, on a small official tree."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sunrgbd_tree import make_root

import mmbench
from mmbench.cell import CellRun
from mmbench.commands.main import main
from mmbench.launching import scheduler
from mmbench.launching.ends import Outcome
from mmbench.planning.order import Order
from mmbench.planning.plan import Cell, make_plan
from mmbench.store.lock import Lock

REASONS = {"image size", "steps", "subset", "seeds"}


class InThisProcess:
    """A cell without a process of its own: to load torch takes longer than a cell of this size."""

    def __init__(self, cell: Cell, order: Order, slot: int, say: Callable[[str], None], lock: Lock) -> None:
        lock.release()
        self.cell, self.order, self.slot = cell, order, slot

    def poll(self) -> Outcome:
        return Outcome(self.cell, {0: "done", 1: "failed", 3: "diverged"}[CellRun(self.order, lambda *_: None).run()])

    def stop(self) -> None:
        """It has ended."""


@pytest.mark.parametrize("apart", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["here", "processes"])
def test_all_methods_on_sun_rgbd_then_the_tables_then_the_same_again(
    apart: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not apart:
        monkeypatch.setattr(scheduler, "LocalProcess", InThisProcess)
    root, runs = make_root(tmp_path / "data"), tmp_path / "runs"
    cells = make_plan(["all"], "sunrgbd", "smoke", [0], runs, data_root=root).cells
    assert len(cells) == 16
    command = ["run", "--methods", "all", "--dataset", "sunrgbd", "--data-root", str(root), "--profile", "smoke"]
    command += ["--runs", str(runs), "--cache", str(tmp_path / "cache"), "--device", "cpu"]

    assert main(command) == 0
    first = capsys.readouterr().out
    assert f"\n16 done. Results: {runs / 'sunrgbd' / 'smoke'}; " in first
    results = mmbench.results(runs)
    assert set(results["method"]) == {cell.method for cell in cells}
    assert set(results["state"]) == {"done"}
    times = {path: path.stat().st_mtime_ns for path in runs.glob("sunrgbd/smoke/*/*/result.json")}

    # `run` ends with all reports; to draw every figure a third time would take as long as all the cells.
    names = [] if apart else ["segmentation", "depth", "verdicts"]
    assert main(["report", *names, "--runs", str(runs)]) == 0
    shown = capsys.readouterr().out
    for table in ("segmentation", "depth"):
        assert f"sunrgbd, profile smoke, to {table}" in first and f"sunrgbd, profile smoke, to {table}" in shown
    check_verdicts(shown, pd.read_csv(runs / "report" / "verdicts-numbers-sunrgbd-smoke.csv"))

    assert main(command) == 0
    assert "\n16 found done. Results: " in capsys.readouterr().out
    assert times == {path: path.stat().st_mtime_ns for path in times}


def check_verdicts(shown: str, numbers: pd.DataFrame) -> None:
    """Every published row stands beside ours, and nothing is compared."""
    assert numbers["key"].value_counts()[["miou", "delta_1.25"]].tolist() == [12, 11]  # the rows of tables 4.6 and 4.7
    assert set(numbers["verdict"]) == {"not comparable"}
    assert numbers["difference"].isna().all()
    assert all(set(because.split(", ")) >= REASONS for because in numbers["because"])
    (counted,) = re.findall(r"^all +235 +(.*)$", shown, re.MULTILINE)
    assert counted.split()[:4] == ["0"] * 4  # agrees, better, worse, undecided
    assert "Not comparable (all): image size: 16, published 256; " in shown
    assert "; steps: 6, published 400,000; " in shown
    assert "; subset: 12 of 10,000 training images; subset: 6 of 335 test images; " in shown


@pytest.mark.parametrize(
    ("there", "line"),
    [
        ((), "sunrgbd: no kv1, kv2, realsense or xtion in "),
        (("SUNRGBD",), "sunrgbd: SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat not found at "),
    ],
)
def test_what_is_missing_is_one_line_that_says_what_to_fetch_and_how_large_it_is(
    there: tuple[str, ...],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = [
        "run",
        "--methods",
        "all",
        "--dataset",
        "sunrgbd",
        "--profile",
        "smoke",
        "--runs",
        str(tmp_path / "runs"),
    ]
    monkeypatch.delenv("MMBENCH_DATA", raising=False)
    assert main(command) == 2
    assert capsys.readouterr().err == (
        "mmbench: data set 'sunrgbd' needs its images: give --data-root FOLDER or set MMBENCH_DATA "
        "(get them from http://rgbd.cs.princeton.edu/ (about 8 GB))\n"
    )
    root = make_root(tmp_path / "data")
    for part in {"SUNRGBD", "SUNRGBDtoolbox"} - set(there):
        shutil.rmtree(root / "sunrgbd" / part)
    assert main([*command, "--data-root", str(root)]) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.startswith(f"mmbench: {line}") and error.count("\n") == 1
    assert "http://rgbd.cs.princeton.edu/data/SUNRGBD" in error and "GB" in error
    assert not (tmp_path / "runs").exists()
