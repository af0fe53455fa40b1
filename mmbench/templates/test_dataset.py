"""The data set `plugin-name` keeps its contract and its modalities show the same scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmbench.contracts.plugins import problems
from mmbench.dataset import DataLimits
from mmbench.planning.plan import open_dataset

NAME = "plugin-name"


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that `datasets/` is in."""
    monkeypatch.setenv("MMBENCH_PLUGINS", str(Path(__file__).resolve().parents[1]))


def test_contract() -> None:
    """All that `mmbench check` looks at."""
    assert problems("datasets", NAME) == []


def test_limits_are_kept() -> None:
    """A profile that wants two images of each gets the first two."""
    split = open_dataset(NAME, DataLimits(2, 2, 2), None).split()
    assert {len(ids) for ids in split.parts().values()} == {2}


def test_what_stands_in_front_of_the_wall_is_nearer() -> None:
    """Depth and segmentation of a sample are of the same scene."""
    dataset = open_dataset(NAME, DataLimits(0, 0, 0), None)
    for sample_id in dataset.split().test[:5]:
        sample = dataset.sample(sample_id)
        measured, wall = sample["depth"] > 0, sample["segmentation"] == 1
        assert np.all(sample["depth"][measured & wall] == 5.0)
        assert np.all(sample["depth"][measured & ~wall] < 5.0)
