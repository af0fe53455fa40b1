"""What a cell records beside its numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from mmbench.plugins import catalog, protocol
from mmbench.training.device import Compute
from mmbench.training.record import ORDERED, asked_for


def recorded(bench: Any, dataset: str = "synthetic", **literals: Any) -> dict[str, Any]:
    method, settings = bench.build("prior")
    order: dict[str, Any] = {
        **dict.fromkeys(ORDERED, ""),
        "dataset": dataset,
        "overrides": {},
        "changed": {},
        "parent": "",
        "data_root": None,
    }
    found = catalog.find("methods", "prior")
    card = dataclasses.replace(found, values={**found.values, **literals})
    return asked_for(order, card, bench.dataset, settings, bench.profile, method, Compute(torch.device("cpu"), "fp32"))


def test_sizes_of_all_parts_are_recorded(bench: Any) -> None:
    about = recorded(bench)
    assert about["split_sizes"] == {"rgb+segmentation": 6, "rgb+depth": 6, "validation": 4, "test": 6}
    assert about["split_sizes"].keys() == about["split_hashes"].keys()


def test_packages_of_a_methods_own_are_recorded(bench: Any) -> None:
    packages = recorded(bench, REQUIRES={"pytest": "pytest"})["hardware"]["packages"]
    assert packages["pytest"] == pytest.__version__
    assert packages["torch"]


def test_what_methods_share_is_told_by_the_protocol_and_the_data_sets_source(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again, elsewhere = (recorded(bench, name)["harness"] for name in ("synthetic", "synthetic", "flowers"))
    assert first == again != elsewhere
    monkeypatch.setattr(protocol, "number", lambda: -1)
    assert recorded(bench)["harness"] != first
