"""A cell on two GPUs: NCCL, one GPU for each process, about the losses of one GPU."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mmbench.store.folder import CellFolder

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices"),
]


def lines(run_cli: Callable[..., subprocess.CompletedProcess[str]], runs: Path, gpus: int) -> list[dict[str, Any]]:
    """The log of a cell on so many GPUs."""
    done = run_cli(
        "run", "--methods", "mmnet", "--profile", "smoke", "--precision", "fp32", "--set", "profile.log_every=1",
        "--gpus-per-cell", str(gpus), "--device", "cuda", "--runs", str(runs),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (cell,) = runs.glob("synthetic/smoke*/mmnet/seed-0")
    hardware = json.loads((cell / "result.json").read_text())["hardware"]
    assert hardware.get("processes", 1) == gpus and hardware["device"] == "cuda"
    return [json.loads(line) for line in CellFolder(cell).log.read_text().splitlines()]


def test_losses_are_those_of_one_gpu(run_cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    one, two = (lines(run_cli, tmp_path / str(gpus), gpus) for gpus in (1, 2))
    assert len(one) == len(two)
    for mine, other in zip(one[:3], two[:3], strict=True):
        assert mine["losses"] == pytest.approx(other["losses"], rel=1e-2)
