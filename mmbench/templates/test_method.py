"""The method `plugin-name` keeps its contract and learns what it is trained on."""

from __future__ import annotations

import json
from pathlib import Path

import mmbench
import pytest
from mmbench.contracts.plugins import problems

NAME = "plugin-name"


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that `methods/` is in."""
    monkeypatch.setenv("MMBENCH_PLUGINS", str(Path(__file__).resolve().parents[1]))


def test_contract() -> None:
    """All that `mmbench check` looks at."""
    assert problems("methods", NAME) == []


def test_losses_fall(tmp_path: Path) -> None:
    """In a hundred steps at the smallest size the sum of all losses gets less."""
    changes = {"profile.steps": 100, "profile.log_every": 10}
    states = mmbench.run([NAME], profile="smoke", runs=tmp_path, overrides=changes)
    assert set(states.values()) == {"done"}
    (log,) = tmp_path.rglob("log.jsonl")
    losses = [sum(json.loads(line)["losses"].values()) for line in log.read_text().splitlines()]
    assert losses[-1] < losses[0]
