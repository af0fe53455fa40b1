"""What a cell records beside its numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from mmbench.plugins import catalog
from mmbench.training.device import Compute
from mmbench.training.record import ORDERED, asked_for


def test_sizes_of_all_parts_and_packages_of_a_methods_own_are_recorded(bench: Any) -> None:
    method, settings = bench.build("prior")
    order: dict[str, Any] = {
        **dict.fromkeys(ORDERED, ""),
        "overrides": {},
        "changed": {},
        "parent": "",
        "data_root": None,
    }
    found = catalog.find("methods", "prior")
    card = dataclasses.replace(found, values={**found.values, "REQUIRES": {"pytest": "pytest"}})
    about = asked_for(order, card, bench.dataset, settings, bench.profile, method, Compute(torch.device("cpu"), "fp32"))
    assert about["split_sizes"] == {"rgb+segmentation": 6, "rgb+depth": 6, "validation": 4, "test": 6}
    assert about["split_sizes"].keys() == about["split_hashes"].keys()
    assert about["hardware"]["packages"]["pytest"] == pytest.__version__
    assert about["hardware"]["packages"]["torch"]
