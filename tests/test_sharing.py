"""Several runs on one folder do each cell once, with shared locks and those of each host; never how long it took."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def sharing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    return importlib.import_module("benchmarks.sharing.__main__")


def test_two_runs_do_each_cell_once(sharing: ModuleType, tmp_path: Path) -> None:
    made = sharing.share(tmp_path / "two", 2, 1, "shared", 0.0, 1)
    assert (made.cells, made.done, made.begun) == (2, 2, 2) and made.once
    assert made.work > 0


@pytest.mark.slow
@pytest.mark.parametrize(("runs", "jobs", "rounds"), [(2, 2, 2), (8, 1, 2)])
@pytest.mark.parametrize("locks", ["shared", "hosts"])
def test_runs_do_each_cell_once(
    runs: int, jobs: int, rounds: int, locks: str, sharing: ModuleType, tmp_path: Path
) -> None:
    if why := sharing.lacking([locks]):
        pytest.skip(f"hosts with locks of their own cannot be emulated: {why}")
    made = sharing.share(tmp_path / "some", runs, jobs, locks, 1.0, rounds)
    cells = runs * jobs * rounds
    assert (made.cells, made.done, made.begun) == (cells, cells, cells) and made.once


def test_over_the_work_is_what_was_lost(sharing: ModuleType) -> None:
    """Four jobs with 400 s of work are done in 100 s at best."""
    row = sharing.Shared(2, 2, "shared", cells=8, done=8, begun=8, sleep=320.0, work=400.0, took=110.0).row()
    assert (row["sleep / jobs (s)"], row["work / jobs (s)"]) == (80, 100)
    assert row["over the work (%)"] == pytest.approx(10) and row["each once"] == "yes"
    twice = sharing.Shared(2, 2, "hosts", cells=8, done=8, begun=9, sleep=320.0, work=450.0, took=110.0)
    assert not twice.once and twice.row()["each once"] == "no: 8 done, 9 begun"


@pytest.mark.parametrize(
    "arguments", [["--runs", "2"], ["--runs", "0x1"], ["--locks", "all"], ["--seconds", "-1"], ["--rounds", "0"]]
)
def test_bad_input_is_one_line(arguments: list[str], sharing: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert sharing.main(arguments) == 2
    error = capsys.readouterr().err
    assert error == "expected --runs such as 2x2,8x1, --locks of shared, hosts, --seconds from 0, --rounds from 1\n"
