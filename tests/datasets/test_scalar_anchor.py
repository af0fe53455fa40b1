"""A set whose anchor is grey, with a mask of two classes (brain MRI): methods train on it and translate every row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from own_images import write

from mmbench.evaluation.aligned import evaluate_rows
from mmbench.training.device import Compute

DESCRIBED = """
anchor = "flair"
groups = ["flair+segmentation", "flair+t1_pre", "flair+t1_post"]
scene = '^(.*)_[0-9]+$'
[modalities.flair]
kind = "scalar"
[modalities.t1_pre]
kind = "scalar"
[modalities.t1_post]
kind = "scalar"
[modalities.segmentation]
folder = "mask"
classes = ["tumour", "rest"]
ids = [1, 0]
void = [255]
"""
CPU = Compute(torch.device("cpu"), "fp32")
UNSEEN = {
    ("t1_pre", "segmentation"), ("t1_post", "segmentation"), ("segmentation", "t1_pre"), ("segmentation", "t1_post"),
    ("t1_pre", "t1_post"), ("t1_post", "t1_pre"),
}  # fmt: skip


@pytest.fixture
def slices(tmp_path: Path) -> Path:
    """Twelve patients, four slices of each: a bright disc is the tumour."""
    root, draw = tmp_path / "brain", np.random.default_rng(0)
    rows, columns = np.mgrid[:24, :24]
    for number in range(48):
        mask = (rows - draw.integers(6, 18)) ** 2 + (columns - draw.integers(6, 18)) ** 2 < 16
        for name, bright in (("flair", 200), ("t1_pre", 90), ("t1_post", 160)):
            image = draw.integers(20, 80, mask.shape) + bright * mask * 0.7
            write(root, name, f"p{number // 4:02d}_{number}.png", image.astype(np.uint8))
        write(root, "mask", f"p{number // 4:02d}_{number}.png", mask.astype(np.uint8))
    (root / "dataset.toml").write_text(DESCRIBED)
    return root


@pytest.mark.parametrize(
    "name", ["prior", "mmnet", "cascade", "router-indirect", "dcn", "pseudo-label", "frozen-features", "oracle"]
)
def test_methods_train_and_translate(name: str, slices: Path, bench_of: Callable[..., Any], tmp_path: Path) -> None:
    bench = bench_of("folder", slices)
    task = bench.dataset.task
    assert {(row.inputs[0], row.output) for row in task.unseen} == UNSEEN
    method = bench.train(name, tmp_path / name)
    rows, _, _ = evaluate_rows(method, task, bench.cache, bench.dataset.split().test, CPU, batch_size=4)
    assert {(row["inputs"], row["output"]) for row in rows} >= UNSEEN
    for row in rows:
        numbers = row["metrics"]
        if row["output"] == "segmentation":
            assert {"iou/tumour", "dice/tumour", "dice/rest"} <= numbers.keys()
        else:
            assert "psnr" in numbers and "dice/tumour" not in numbers
