"""What a cell records beside its numbers."""

from __future__ import annotations

from typing import Any

import torch

from mmbench.plugins import catalog
from mmbench.training.device import Compute
from mmbench.training.record import ORDERED, asked_for


def test_sizes_of_all_parts_are_recorded(bench: Any) -> None:
    method, settings = bench.build("prior")
    order: dict[str, Any] = {
        **dict.fromkeys(ORDERED, ""),
        "overrides": {},
        "changed": {},
        "parent": "",
        "data_root": None,
    }
    card = catalog.find("methods", "prior")
    about = asked_for(order, card, bench.dataset, settings, bench.profile, method, Compute(torch.device("cpu"), "fp32"))
    assert about["split_sizes"] == {"rgb+segmentation": 6, "rgb+depth": 6, "validation": 4, "test": 6}
    assert about["split_sizes"].keys() == about["split_hashes"].keys()
