"""On a real Slurm of this one machine: the same bits as here, failures, jobs that are cancelled or out of time."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from one_node_slurm import lacking, one_node
from plugging import plug

from mmbench.store.folder import CellFolder
from mmbench.training import checkpoint

pytest.importorskip("submitit")
WHY = lacking()
pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(WHY), reason=f"no Slurm can be started here: {WHY}")]

Cli = Callable[..., subprocess.CompletedProcess[str]]
PATIENCE = 240.0
NAPS = "time.sleep(float(os.environ.get('NAP', 0)))"
CHANGES = ("--set", "profile.checkpoint_every=1000", "--set", "profile.log_every=1", "--set")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with one_node(tmp_path_factory.mktemp("slurm")) as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    for name, does, parent in (
        ("naps", NAPS, ""), ("after-naps", "pass", "naps"), ("raises", "raise RuntimeError('broken')", ""),
        ("child", "pass", "raises"), ("fine", "pass", ""),
    ):  # fmt: skip
        plug(folder, name, does, parent)
    return folder


def made(cell: Path) -> list[Any]:
    """All of a cell that must not depend on where it ran, or on what happened on the way."""
    found = checkpoint.latest(cell / "checkpoint")
    assert found is not None and CellFolder(cell).state() == "done"
    result = json.loads((cell / "result.json").read_text())
    files = (found / checkpoint.WEIGHTS, cell / "log.jsonl", cell / "per_image.npz")
    return [result["rows"], result["key"], found.name, *(file.read_bytes() for file in files)]


def cell_of(runs: Path, method: str) -> Path:
    (found,) = runs.glob(f"synthetic/smoke*/{method}/seed-0")
    return found


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, slurm("squeue")
        time.sleep(0.2)


def slurm(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def steps_of(runs: Path, method: str) -> list[int]:
    """The steps that its log tells of, each of which it has once."""
    logs = list(runs.glob(f"synthetic/smoke*/{method}/seed-0/log.jsonl"))
    return [json.loads(line)["total_step"] for line in logs[0].read_text().splitlines()] if logs else []


def test_the_bits_are_those_of_a_run_on_this_machine(cluster: None, run_cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "cluster.toml"
    config.write_text('[launcher.slurm]\npartition = "main"\ngres = "gpu:1"\n')
    what = ("run", "--methods", "mmnet,mmnet-pp,prior", "--profile", "smoke", "--runs")
    jobs = ("--launcher", "slurm", "--launcher-config", str(config))
    far = run_cli(*what, str(tmp_path / "far"), *jobs, timeout=900)
    assert far.returncode == 0 and "3 done" in far.stdout, far.stdout + far.stderr
    near = run_cli(*what, str(tmp_path / "near"), timeout=900)
    assert near.returncode == 0, near.stderr
    for method in ("mmnet", "mmnet-pp", "prior"):
        assert made(cell_of(tmp_path / "far", method)) == made(cell_of(tmp_path / "near", method))
    again = run_cli(*what, str(tmp_path / "far"), *jobs)
    assert "0 jobs." in again.stdout and "3 found done" in again.stdout


@pytest.mark.slow
def test_every_method_has_the_bits_of_a_run_on_this_machine(cluster: None, run_cli: Cli, tmp_path: Path) -> None:
    what = ("run", "--methods", "all", "--profile", "smoke", "--runs")
    far = run_cli(*what, str(tmp_path / "far"), "--launcher", "slurm", timeout=3600)
    assert far.returncode == 0, far.stdout + far.stderr
    near = run_cli(*what, str(tmp_path / "near"), timeout=3600)
    assert near.returncode == 0, near.stdout + near.stderr
    cells = {
        name: {path.parent.relative_to(tmp_path / name) for path in (tmp_path / name).glob("*/*/*/seed-0/result.json")}
        for name in ("far", "near")
    }
    assert cells["far"] == cells["near"] and f"\n{len(cells['far'])} done." in far.stdout
    for cell in sorted(cells["far"]):
        assert made(tmp_path / "far" / cell) == made(tmp_path / "near" / cell), cell


def test_a_cell_of_several_processes_has_the_bits_of_one_on_this_machine(
    cluster: None, run_cli: Cli, tmp_path: Path
) -> None:
    """On the CPU: the processes share the job's cores, and it asks for no GPU."""
    config = tmp_path / "cluster.toml"
    config.write_text("[launcher.slurm]\ncpus = 2\n")
    shared = ("--device", "cpu", "--gpus-per-cell", "2", "--runs")
    what = ("run", "--methods", "mmnet", "--profile", "smoke", *shared)
    jobs = ("--launcher", "slurm", "--launcher-config", str(config))
    far = run_cli(*what, str(tmp_path / "far"), *jobs, timeout=900)
    assert far.returncode == 0 and "1 done" in far.stdout and "gres" not in far.stdout, far.stdout + far.stderr
    near = run_cli(*what, str(tmp_path / "near"), "--jobs", "1", timeout=900)
    assert near.returncode == 0, near.stdout + near.stderr
    assert made(cell_of(tmp_path / "far", "mmnet")) == made(cell_of(tmp_path / "near", "mmnet"))
    result = json.loads((cell_of(tmp_path / "far", "mmnet") / "result.json").read_text())
    assert result["hardware"]["processes"] == 2


def test_a_failed_cell_takes_down_its_children_alone(
    cluster: None, run_cli: Cli, plugins: Path, tmp_path: Path
) -> None:
    done = run_cli(
        "run", "--launcher", "slurm", "--methods", "raises,child,fine", "--profile", "smoke", "--runs", str(tmp_path),
        plugins=plugins, timeout=900,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert all(f"1 {state}" in done.stdout for state in ("failed", "blocked", "done"))
    assert "child/seed-0: blocked - waits for synthetic/smoke/raises/seed-0, failed" in done.stdout
    assert "broken" in (cell_of(tmp_path, "raises") / "traceback.txt").read_text()
    assert not list(tmp_path.glob("synthetic/smoke/child/seed-0")), "its job never started"


def test_a_job_that_is_cancelled_goes_on_in_the_next_run(
    cluster: None, run_cli: Cli, plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = ("run", "--methods", "naps,after-naps", "--profile", "smoke", *CHANGES, "profile.steps=40", "--runs")
    runs = tmp_path / "far"
    monkeypatch.setenv("NAP", "1")
    sent = run_cli(*what, str(runs), "--launcher", "slurm", "--detach", plugins=plugins, timeout=900)
    assert sent.returncode == 0, sent.stderr
    parent, child = sent.stdout.partition("2 jobs: ")[2].partition(".")[0].split()
    wait_for(lambda: len(steps_of(runs, "naps")) > 3)
    status = run_cli("status", "--runs", str(runs)).stdout
    assert f"slurm job {parent}" in status and f"waiting     slurm job {child}" in status
    slurm("scancel", parent)
    wait_for(lambda: CellFolder(cell_of(runs, "naps")).state() == "interrupted")
    saved = CellFolder(cell_of(runs, "naps")).saved_step()
    assert saved > 3 and CellFolder(cell_of(runs, "naps")).word() == f"asked to end by SIGTERM, saved at step {saved}"
    wait_for(lambda: child not in slurm("squeue", "--noheader", "--format=%i").split())
    monkeypatch.setenv("NAP", "0")
    again = run_cli(*what, str(runs), "--launcher", "slurm", plugins=plugins, timeout=900)
    assert again.returncode == 0 and "2 done" in again.stdout, again.stdout + again.stderr
    assert run_cli(*what, str(tmp_path / "near"), plugins=plugins, timeout=900).returncode == 0
    for method in ("naps", "after-naps"):
        assert made(cell_of(runs, method)) == made(cell_of(tmp_path / "near", method))
    assert steps_of(runs, "naps") == list(range(1, len(steps_of(runs, "naps")) + 1))


@pytest.mark.slow
def test_a_job_that_runs_out_of_time_saves_and_is_queued_again(
    cluster: None, run_cli: Cli, plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two minutes a job, for more than two minutes of naps: Slurm's own signal comes before the limit."""
    config = tmp_path / "cluster.toml"
    config.write_text("[launcher.slurm]\ntime = 2\nwarning = 30\n")
    what = ("run", "--methods", "naps,after-naps", "--profile", "smoke", *CHANGES, "profile.steps=130", "--runs")
    monkeypatch.setenv("NAP", "1")
    jobs = ("--launcher", "slurm", "--launcher-config", str(config))
    far = run_cli(*what, str(tmp_path / "far"), *jobs, plugins=plugins, timeout=1200)
    assert far.returncode == 0 and "2 done" in far.stdout, far.stdout + far.stderr
    written = "".join(path.read_text() for path in (tmp_path / "far" / ".runs" / "jobs").rglob("*.out"))
    assert "interrupted: asked to end by SIGUSR2, saved at step " in written
    monkeypatch.setenv("NAP", "0")
    assert run_cli(*what, str(tmp_path / "near"), plugins=plugins, timeout=900).returncode == 0
    for method in ("naps", "after-naps"):
        assert made(cell_of(tmp_path / "far", method)) == made(cell_of(tmp_path / "near", method))
