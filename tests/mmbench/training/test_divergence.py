"""A divergence is not forgotten: not by a kill, not in the last step. Means are of the same steps after a resume."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_method import Tiny, run

from mmbench.evaluation.aligned import check_finite
from mmbench.schedule import Stage
from mmbench.store.folder import CellFolder
from mmbench.task import Translation
from mmbench.training import checkpoint
from mmbench.training.loop import DivergedError, Intervals

NEVER = 10**6


class Broken(Tiny):
    """The losses are finite, the gradients of one step are not."""

    def __init__(self, at: int) -> None:
        super().__init__(lambda player, step: {"x": 1.0})
        self.at = at

    def loss(self, player: str, batch: Any, made: int, stage: Stage) -> Any:
        losses = super().loss(player, batch, made, stage)
        if made == self.at:
            for value in losses.values():
                value.register_hook(lambda gradient: gradient * math.nan)
        return losses


@pytest.mark.parametrize("at", [2, 5])
def test_weights_that_are_not_finite_end_training_before_they_are_saved(at: int, tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"^stage 's', by step 6: .*weight is not finite$|by step 6: x is not"):
        run(Broken(at), tmp_path, Stage("s", 0, 6, 0.01), intervals=Intervals(NEVER, NEVER, NEVER))
    assert checkpoint.latest(CellFolder(tmp_path).checkpoints) is None


def test_no_checkpoint_has_forgotten_a_divergence(tmp_path: Path) -> None:
    """What goes on from the checkpoint before it diverges in the same step."""
    for _ in range(2):
        method = Tiny(lambda player, step: {"x": math.inf if step == 12 else 1.0})
        with pytest.raises(DivergedError, match="by step 20: x is not finite"):
            run(method, tmp_path, Stage("s", 0, 40, 0.01), intervals=Intervals(NEVER, 10, NEVER))
        found = checkpoint.latest(CellFolder(tmp_path).checkpoints)
        assert found is not None and found.name == "step-10"


def test_a_log_line_after_a_resume_has_the_means_of_the_same_steps(tmp_path: Path) -> None:
    values = [0.1, 0.7, 1.3, -2.6, 5.2, 3.3, 1.1]
    every = Intervals(4, 3, NEVER)

    def method() -> Tiny:
        return Tiny(lambda player, step: {"x": values[step]})

    def stop(stage: str, done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    stage = Stage("s", 0, 7, 0.01)
    run(method(), tmp_path / "whole", stage, intervals=every)
    with pytest.raises(KeyboardInterrupt):
        run(method(), tmp_path / "parts", stage, intervals=every, progress=stop)
    run(method(), tmp_path / "parts", stage, intervals=every)
    texts = [CellFolder(tmp_path / part).log.read_text() for part in ("whole", "parts")]
    assert texts[0] == texts[1] and [json.loads(line)["step"] for line in texts[0].splitlines()] == [4, 7]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_translation_that_is_not_finite_is_a_divergence(value: float) -> None:
    good, row = torch.zeros(2, 3), Translation(("depth",), "rgb")
    check_finite(good, row, 1)
    check_finite(torch.from_numpy(np.zeros(3, np.int64)), row, 1)
    good[1, 1] = value
    with pytest.raises(DivergedError, match="evaluation, by step 3: the translation depth to rgb is not finite"):
        check_finite(good, row, 3)


def test_nan_in_weights_is_never_used(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 2)
    torch.nn.init.constant_(module.weight, math.nan)
    folder = CellFolder(tmp_path)
    checkpoint.save(folder.checkpoints, module, {}, {"total_step": 3})
    with pytest.raises(ValueError, match=r"weights\.safetensors: damaged \(weight is not finite\)"):
        checkpoint.load_weights(folder.checkpoints / "step-3", module)
    assert checkpoint.resumable(folder) is None


def test_buffers_may_be_infinite_as_masks_are(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 2)
    module.register_buffer("mask", torch.tensor([-math.inf, 0.0]))
    assert checkpoint.not_finite(module) == ""
    module.register_buffer("mean", torch.tensor([math.nan]))
    assert checkpoint.not_finite(module) == "mean"
