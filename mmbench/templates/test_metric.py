"""The metric `plugin-name` keeps its contract and is what one computes by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmbench.contracts.plugins import problems
from mmbench.modality import Depth
from mmbench.plugins.metrics import load_metrics

NAME = "plugin-name"


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that `metrics/` is in."""
    monkeypatch.setenv("MMBENCH_PLUGINS", str(Path(__file__).resolve().parents[1]))


def test_contract() -> None:
    """All that `mmbench check` looks at."""
    assert problems("metrics", NAME) == []


def test_by_hand() -> None:
    """Errors of 1 m and 0.5 m, and a pixel that was not measured; the second image adds an error of 3 m."""
    metric, depth = load_metrics()[NAME], Depth("depth")
    truth = torch.tensor([[[[2.0, 3.0, 0.0]]], [[[1.0, 0.0, 0.0]]]])
    prediction = torch.tensor([[[[3.0, 2.5, 9.0]]], [[[4.0, 1.0, 1.0]]]])
    rows = metric.measure(prediction, truth, depth)
    assert metric.numbers(rows[:1], depth) == {NAME: pytest.approx(0.75)}
    assert metric.numbers(rows, depth) == {NAME: pytest.approx(1.5)}
