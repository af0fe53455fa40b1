"""kill -9 at random moments of training; the final weights equal the uninterrupted run's bit by bit."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import tiny_method
import torch
from safetensors.torch import save_file

from mmbench.schedule import Stage
from mmbench.store import saved
from mmbench.store.folder import CellFolder
from mmbench.training import checkpoint
from mmbench.training.loader import Loader
from mmbench.training.loop import DivergedError, Intervals, train

ARGUMENTS = (
    "run", "--methods", "mmnet", "--profile", "smoke", "--set", "profile.steps=40",
    "--set", "profile.checkpoint_every=3", "--set", "profile.log_every=1",
    "--set", "profile.augmentation.crop=0.6", "--set", "profile.augmentation.contrast=0.3",
)  # fmt: skip


def start(runs: Path, cache_folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "MMBENCH_CACHE": str(cache_folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "mmbench", *ARGUMENTS, "--runs", str(runs)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def log_lines(runs: Path) -> int:
    logs = list(runs.glob("synthetic/smoke+*/mmnet/seed-0/log.jsonl"))
    return logs[0].read_text().count("\n") if logs else 0


def final_weights(runs: Path) -> bytes:
    (cell,) = runs.glob("synthetic/smoke+*/mmnet/seed-0")
    assert CellFolder(cell).state() == "done"
    found = checkpoint.latest(cell / "checkpoint")
    assert found is not None
    return (found / checkpoint.WEIGHTS).read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> bytes:
    runs = tmp_path_factory.mktemp("whole")
    assert start(runs, cache_folder).wait(timeout=300) == 0
    return final_weights(runs)


def kill_once_then_finish(runs: Path, cache_folder: Path, chance: random.Random) -> None:
    process = start(runs, cache_folder)
    lines, deadline = chance.randint(1, 36), time.monotonic() + 120
    while log_lines(runs) < lines and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(chance.random() * 0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (cell,) = runs.glob("synthetic/smoke+*/mmnet/seed-0")
    assert CellFolder(cell).state() != "done", "the kill came too late to interrupt anything"
    assert start(runs, cache_folder).wait(timeout=300) == 0


@pytest.mark.parametrize("number", range(3))
def test_killed_run_ends_with_the_same_bits(
    number: int, tmp_path: Path, cache_folder: Path, uninterrupted: bytes
) -> None:
    kill_once_then_finish(tmp_path, cache_folder, random.Random(number))
    assert final_weights(tmp_path) == uninterrupted


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3, 20))
def test_killed_run_ends_with_the_same_bits_at_length(
    number: int, tmp_path: Path, cache_folder: Path, uninterrupted: bytes
) -> None:
    kill_once_then_finish(tmp_path, cache_folder, random.Random(number))
    assert final_weights(tmp_path) == uninterrupted


def test_a_half_written_checkpoint_is_not_used(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 2)
    checkpoint.save(tmp_path, module, {}, {"total_step": 3})
    (tmp_path / ".step-6.part").mkdir()
    (tmp_path / ".step-6.part" / checkpoint.WEIGHTS).write_bytes(b"half")
    found = checkpoint.latest(tmp_path)
    assert found is not None
    assert found.name == "step-3"


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 2)
    checkpoint.save(tmp_path, module, {}, {"total_step": 3})
    (tmp_path / "step-3" / checkpoint.WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"weights\.safetensors: damaged"):
        checkpoint.load_weights(tmp_path / "step-3", module)


@pytest.mark.parametrize("name", [checkpoint.WEIGHTS, "optimizers.pt", "position.json"])
def test_a_damaged_checkpoint_is_set_aside_and_kept(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = CellFolder(tmp_path)
    checkpoint.save(folder.checkpoints, torch.nn.Linear(2, 2), {}, {"total_step": 3})
    assert checkpoint.resumable(folder) == folder.checkpoints / "step-3"
    (folder.checkpoints / "step-3" / name).write_bytes(b"damaged")
    assert checkpoint.resumable(folder) is None
    assert checkpoint.resumable(folder) is None
    assert (folder.checkpoints / "damaged-step-3" / name).read_bytes() == b"damaged"
    (record,) = caplog.records
    assert record.levelname == "WARNING" and f"{name}: damaged" in record.getMessage()


@pytest.mark.parametrize("name", [checkpoint.WEIGHTS, checkpoint.OPTIMIZERS])
def test_a_whole_checkpoint_that_does_not_fit_fails_once_and_not_for_ever(name: str, tmp_path: Path) -> None:
    """As older code left them: without digests."""
    stage = Stage("s", 0, 4, 1e-3)
    tiny_method.run(tiny_method.Tiny(lambda player, step: {"loss": 1.0}), tmp_path, stage)
    step = tmp_path / "checkpoint" / "step-4"
    about = json.loads((step / "position.json").read_text())
    (step / "position.json").write_text(json.dumps({"total_step": 4, "log": about["log"]}))
    if name == checkpoint.WEIGHTS:
        save_file({"a": torch.zeros(1)}, step / name)
    else:
        torch.save({"nobody": {}}, step / name)
    with pytest.raises(ValueError, match=rf"{name}: .*begins anew"):
        tiny_method.run(tiny_method.Tiny(lambda player, step: {"loss": 1.0}), tmp_path, stage)
    assert checkpoint.resumable(CellFolder(tmp_path)) is None
    assert list((tmp_path / "checkpoint").glob("damaged-step-4"))


def test_optimizer_state_is_never_unpickled_as_code(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "bang",))

    checkpoint.save(tmp_path, torch.nn.Linear(2, 2), {}, {"total_step": 1})
    torch.save({"generator": Bomb()}, tmp_path / "step-1" / "optimizers.pt")
    with pytest.raises(Exception, match=r"weights_only|Weights only"):
        checkpoint.load_optimizers(tmp_path / "step-1", {})
    assert not (tmp_path / "bang").exists()


def test_nan_stops_the_cell_within_100_steps(bench: Any, tmp_path: Path) -> None:
    from mmbench.training.device import Compute

    method, _ = bench.build("mmnet")
    loader: Loader = bench.loader("mmnet")
    options = {"autoencoders": False, "latent": False, "noise": float("nan"), "pseudo_pairs": "none"}
    stage = Stage("broken", 0, steps=1000, lr=1e-3, options=options)
    with pytest.raises(DivergedError, match="stage 'broken', by step 50: "):
        train(
            method, [stage], loader, CellFolder(tmp_path), Compute(torch.device("cpu"), "fp32"),
            seed=0, intervals=Intervals(1000, 1000, 1000),
        )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["../../outside", "{}/outside", "step-3/../../outside", "link", "step-9", "step\0-3", ""]
)
def test_the_pointer_to_the_newest_checkpoint_leads_nowhere_else(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "cell" / "checkpoint"
    checkpoint.save(folder, torch.nn.Linear(2, 2), {}, {"total_step": 3})
    assert checkpoint.latest(folder) == folder / "step-3"
    (folder / "step-3").rename(tmp_path / "outside")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "step-9").symlink_to(tmp_path / "outside")
    (folder / saved.LATEST).write_text(name.format(tmp_path))
    with pytest.raises(ValueError, match="latest: damaged"):
        saved.latest(folder)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"s" * 100_000, b"step-" + b"9" * 400])
def test_a_damaged_pointer_is_named(content: bytes, tmp_path: Path) -> None:
    checkpoint.save(tmp_path, torch.nn.Linear(2, 2), {}, {"total_step": 3})
    (tmp_path / saved.LATEST).write_bytes(content)
    with pytest.raises(ValueError, match="latest: damaged"):
        saved.latest(tmp_path)
