"""Cells of several processes through the command line: what is written, kills, a process that dies, bad networks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmbench.store.folder import CellFolder
from mmbench.training import checkpoint

pytestmark = pytest.mark.slow
Cli = Callable[..., subprocess.CompletedProcess[str]]
SHARED = ("--profile", "smoke", "--device", "cpu", "--jobs", "1", "--gpus-per-cell", "2")
LONG = ("--methods", "mmnet", "--set", "profile.steps=24", "--set", "profile.checkpoint_every=3", *SHARED)
EVERY = ("--set", "profile.log_every=1")

METHOD = '''
"""A method whose network does what a test says."""
import os, signal, time
import torch
from mmbench.method import Method

NAME = "odd"
TITLE = "Odd"
CLASS = "Odd"
ACCESS = "seen-groups"
GROUP = "baselines"
KINDS = ("cross-modal",)
{more}

class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, x):
        {does}
        return self.layer(x)

class Odd(Method):
    def __init__(self, context):
        super().__init__(context)
        self.network = Network()

    def forward(self, batch, stage):
        return self.network(batch["rgb+depth"]["depth"].flatten(1)[:, :1])

    def loss(self, player, batch, made, stage):
        return {{"loss": made.square().mean()}}

    def translate(self, inputs, translation, *, sample=0):
        return torch.ones(len(inputs["depth"]), 16, 16).long()
'''


def plug(folder: Path, does: str, more: str = "") -> Path:
    (folder / "methods").mkdir(parents=True)
    (folder / "methods" / "odd.py").write_text(METHOD.format(does=does, more=more))
    return folder


def made(runs: Path) -> tuple[bytes, str]:
    """A finished cell's weights, and its log."""
    (cell,) = runs.glob("synthetic/smoke*/mmnet/seed-0")
    assert CellFolder(cell).state() == "done"
    found = checkpoint.latest(cell / "checkpoint")
    assert found is not None
    return (found / checkpoint.WEIGHTS).read_bytes(), (cell / "log.jsonl").read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Path:
    """The runs folder of a cell that nothing has disturbed."""
    runs = tmp_path_factory.mktemp("whole")
    assert start(runs, cache_folder).wait(timeout=400) == 0
    return runs


def start(runs: Path, cache_folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "mmbench", "run", *LONG, *EVERY, "--runs", str(runs)],
        env={**os.environ, "MMBENCH_CACHE": str(cache_folder)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def processes_of(runs: Path) -> list[int]:
    """The processes of a run's cell, the first one first."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            if b"mmbench.cell" in words and f"{runs}".encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return sorted(found)


def test_a_shared_cell_writes_what_one_process_would_and_says_how_many_there_were(whole: Path) -> None:
    _, log = made(whole)
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line["total_step"] for line in lines] == list(range(1, len(lines) + 1))
    (cell,) = whole.glob("synthetic/smoke*/mmnet/seed-0")
    assert json.loads((cell / "result.json").read_text())["hardware"]["processes"] == 2
    table = (whole / "report" / f"provenance-synthetic-{cell.parents[1].name}.csv").read_text()
    assert "processes" in table.splitlines()[0]


@pytest.mark.parametrize("victim", ["run", "first", "other"])
def test_killed_it_leaves_nobody_behind_and_goes_on_with_the_same_bits(
    victim: str, whole: Path, tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    monkeypatch.setenv("MMBENCH_TEST_RUNS", str(runs))  # by which its processes are found
    process = start(runs, cache_folder)
    deadline = time.monotonic() + 300
    while not list(runs.glob("synthetic/smoke*/mmnet/seed-0/checkpoint/step-6")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    first, other = processes_of(runs)
    os.kill({"run": process.pid, "first": first, "other": other}[victim], signal.SIGKILL)
    process.wait(timeout=60)
    while processes_of(runs):
        assert time.monotonic() < deadline, "a process lives on"
        time.sleep(0.1)
    (cell,) = runs.glob("synthetic/smoke*/mmnet/seed-0")
    state, about = CellFolder(cell).look()
    assert state == ("failed" if victim == "other" else "interrupted")
    if victim == "other":
        assert "process 1 of 2 (from 0) was ended by SIGKILL" in about["reason"]
    assert start(runs, cache_folder).wait(timeout=400) == 0
    assert made(runs) == made(whole)


def test_asked_to_end_all_save_at_one_step(
    whole: Path, tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    monkeypatch.setenv("MMBENCH_TEST_RUNS", str(runs))
    process = start(runs, cache_folder)
    deadline = time.monotonic() + 300
    while not list(runs.glob("synthetic/smoke*/mmnet/seed-0/checkpoint/step-6")) and time.monotonic() < deadline:
        time.sleep(0.02)
    for one in processes_of(runs):  # as a cluster does, to all processes of a job
        os.kill(one, signal.SIGUSR2)
    process.wait(timeout=120)
    (cell,) = runs.glob("synthetic/smoke*/mmnet/seed-0")
    assert CellFolder(cell).look()[0] == "interrupted" and "SIGUSR2, saved at step" in CellFolder(cell).word()
    assert start(runs, cache_folder).wait(timeout=400) == 0
    assert made(runs) == made(whole)


def failed(cli: Cli, tmp_path: Path, does: str, more: str = "") -> tuple[subprocess.CompletedProcess[str], Any]:
    done = cli(
        "run", "--methods", "odd", *SHARED, "--runs", str(tmp_path / "runs"),
        plugins=plug(tmp_path / "plugins", does, more), timeout=400,
    )  # fmt: skip
    folder = CellFolder(tmp_path / "runs" / "synthetic" / "smoke" / "odd" / "seed-0")
    return done, folder.look() if folder.path.exists() else None


def test_an_error_in_one_process_fails_the_cell_with_its_line(run_cli: Cli, tmp_path: Path) -> None:
    does = "if torch.distributed.get_rank() == 1: raise MemoryError('too large for this one')"
    done, found = failed(run_cli, tmp_path, does)
    assert done.returncode == 1
    state, about = found
    assert state == "failed"
    assert "process 1 of 2 (from 0) ended with exit code 1: MemoryError: too large for this one" in about["reason"]


def test_an_error_in_all_of_them_is_the_first_ones(run_cli: Cli, tmp_path: Path) -> None:
    _, (state, about) = failed(run_cli, tmp_path, "raise ValueError('of all')")
    assert state == "failed" and about["reason"] == "ValueError: of all"


def test_a_network_that_cannot_be_split_is_named(run_cli: Cli, tmp_path: Path) -> None:
    _, (state, about) = failed(run_cli, tmp_path, "return self.layer(x).mean()")
    assert state == "failed"
    assert "--gpus-per-cell 2: network/shared gives (), expected a row for each of 1 rows" in about["reason"]


def test_a_method_that_says_it_cannot_is_refused_before_anything_starts(run_cli: Cli, tmp_path: Path) -> None:
    done, found = failed(run_cli, tmp_path, "pass", "SPLITS = False")
    assert done.returncode == 2 and found is None
    assert done.stderr.strip().endswith("odd cannot be split over several GPUs (SPLITS = False in its file)")
