"""Which group of the tables a row stands in."""

from __future__ import annotations

import pytest
from mmbench.datasets.synthetic import Synthetic

from mmbench.evaluation.evaluate import group_of
from mmbench.planning import config
from mmbench.plugins import catalog

ROOMS = Synthetic(None, config.profile("smoke", "cross-modal").data, {"nir": False}).task


@pytest.mark.parametrize(
    ("method", "inputs", "output", "via", "group"),
    [
        ("mmnet", "depth", "segmentation", "", "zero-pair"),
        ("mmnet", "rgb", "segmentation", "", "seen"),
        ("mmnet", "rgb+depth", "segmentation", "", "multi-modal"),
        ("mmnet", "depth", "segmentation", "rgb", "baselines"),
        ("stargan-paired", "depth", "segmentation", "", "baselines"),
        ("stargan-paired", "rgb", "segmentation", "", "seen"),
        ("cascade", "depth", "segmentation", "rgb", "baselines"),
        ("prior", "rgb", "segmentation", "", "chance"),
        ("oracle", "depth", "segmentation", "", "oracle"),
    ],
)
def test_seen_rows_compete_with_no_unseen_ones(method: str, inputs: str, output: str, via: str, group: str) -> None:
    row = {"inputs": inputs, "output": output, "via": via}
    assert group_of(row, catalog.find("methods", method), ROOMS) == group
