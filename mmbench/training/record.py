"""What stands in a cell's ``cell.json`` and ``result.json`` beside its numbers: all that they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbench.dataset import Dataset
from mmbench.given.weights import unplaced
from mmbench.method import Method
from mmbench.plugins import catalog, keys, metrics, protocol
from mmbench.plugins.catalog import Card
from mmbench.store import content
from mmbench.store.files import read_json
from mmbench.training import device
from mmbench.training.device import Compute
from mmbench.typed import as_dict

ORDERED = ("dataset", "profile", "method", "seed", "key", "overrides", "changed")  # what is recorded of an order


def asked_for(
    order: Mapping[str, Any],
    card: Card,
    dataset: Dataset,
    settings: Any,
    profile: Any,
    method: Method,
    compute: Compute,
) -> dict[str, Any]:
    """What a cell was asked for, with what code, data and hardware: ``cell.json``, and the head of ``result.json``."""
    split = dataset.split()
    parent = read_json(Path(order["parent"]) / "result.json") if order["parent"] else None
    data = catalog.find("datasets", order["dataset"])
    return {
        **{name: as_dict(order[name]) for name in ORDERED},
        "overrides": {key: unplaced(as_dict(value)) for key, value in order["overrides"].items()},
        "config": as_dict(settings),
        "profile_values": as_dict(profile),
        "split_hashes": split.hashes(),
        "split_sizes": {part: len(ids) for part, ids in split.parts().items()},
        "manifest": content.identity(dataset),
        "place": keys.place(Path(order["data_root"])) if order["data_root"] else "",
        "data_settings": dataset.settings,
        "skipped": list(getattr(dataset, "skipped", ())),
        "task": as_dict(dataset.task),
        "readings": as_dict(dataset.readings()),
        "source": keys.source_digest(card.path, card.module),
        "harness": protocol.harness(data),
        "parent": str(parent["key"]) if parent else "",
        "outside_metrics": metrics.outside(),
        "commit": device.commit(),
        "hardware": device.describe(compute, card.get("REQUIRES", ())) | _several(order),
        "pretrained": _pretrained(method),
    }


def _several(order: Mapping[str, Any]) -> dict[str, int]:
    """Of a cell that several processes share how many they are."""
    return {"processes": order["processes"]} if order.get("processes", 1) > 1 else {}


def _pretrained(method: Method) -> bool | dict[str, Any]:
    """Whether a network started from pretrained weights; of a local file what was taken of it."""
    given = getattr(method, "pretrained", False)
    return dict(given) if isinstance(given, Mapping) else bool(given)


def measured(method: Method, compute: Compute) -> dict[str, Any]:
    """Number of parameters, whole and by role, and peak memory."""
    return {
        "parameters": sum(p.numel() for p in method.parameters()),
        "networks": {role: sum(p.numel() for p in net.parameters()) for role, net in method.networks().items()},
        "peak_memory_bytes": device.peak_memory(compute),
    }
