"""Where the numbers come from: commit, hardware, precision, time, size and data of every finished cell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmbench.reporting import Results, Table

from .cell_files import UNREADABLE

NAME = "provenance"
TITLE = "Provenance: commit, hardware, time, size and data of every cell"

CELL = ["dataset", "profile", "method", "seed"]
DATA = ("manifest", "data_settings", "split_hashes")  # content, protocol and lists of images
HIDDEN = ("data", "code")


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """One table per data set and profile, a row per cell."""
    states = results.rows[[*CELL, "state"]].drop_duplicates(CELL).set_index(CELL)["state"].to_dict()
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for facts in results.cells:
        found.setdefault((facts["dataset"], facts["profile"]), []).append(facts)
    tables = []
    for (dataset, profile), part in sorted(found.items()):
        note = "Split hashes name the lists of test images. " + "; ".join(dict.fromkeys(map(_hardware, part)))
        rows = [_row(result, states.get(tuple(result[name] for name in CELL)) == "done") for result in part]
        if unread := [f"{row['method']} seed {row['seed']}" for row in rows if "commit" not in row]:
            note += f". Damaged: {', '.join(unread)}."
        frame = pd.DataFrame(rows)
        if "processes" in frame and frame["processes"].max() <= 1:
            frame = frame.drop(columns="processes")
        formats = {
            "threads": ".0f",
            "processes": ".0f",
            "minutes": ".1f",
            "ms/step": ".0f",
            "memory (MiB)": ".0f",
            "parameters (M)": ".2f",
        }
        name, title = f"provenance-{dataset}-{profile}", f"Provenance: {dataset}, profile {profile}"
        tables.append(Table(name, title, frame, note, formats=formats, hidden=HIDDEN, detail=True))
    return tables


def _row(result: Mapping[str, Any], done: bool) -> dict[str, object]:
    """A cell's row; of one whose ``result.json`` holds something else than it should, no more than which it is."""
    cell = {"method": result["method"], "seed": result["seed"]}
    try:
        timing, hardware = result["timing"], result["hardware"]
        steps = max(timing.get("steps", 0), 1)
        return {
            **cell,
            "commit": result["commit"],
            "precision": hardware["precision"],
            "threads": hardware["threads"],
            "processes": hardware.get("processes", 1),
            "pretrained": _pretrained(result["pretrained"]),
            "parameters (M)": result["parameters"] / 1e6,
            "minutes": timing["seconds"] / 60,
            "ms/step": 1000 * timing["seconds"] / steps,
            "memory (MiB)": result["peak_memory_bytes"] / 2**20,
            "test split": result["split_hashes"]["test"][:8],
            "key": result["key"][:8],
            "data": _digest({name: result.get(name) for name in DATA}),
            "code": _code(result, done),
        }
    except UNREADABLE:
        return cell


def _pretrained(recorded: object) -> object:
    """Whether, or of a file its name and how much was taken of it."""
    if not isinstance(recorded, Mapping):
        return recorded
    return f"{recorded['file']} ({recorded['sha256'][:8]}), {recorded['convolutions']} convolutions"


def _code(result: Mapping[str, Any], done: bool) -> str:
    """What tells the code that cells were made with: of one that is done, whose method is as it is now, the digest of
    what all methods share, where it is recorded; else the commit.
    """
    shared = result.get("harness")
    return str(shared[:8] if done and shared else result["commit"])


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def _hardware(result: Mapping[str, Any]) -> str:
    try:
        hardware = result["hardware"]
        packages = ", ".join(f"{name} {version}" for name, version in hardware["packages"].items() if version)
        count = hardware.get("processes", 1)
        several = "" if count == 1 else f"{count} GPUs " if hardware["gpu"] else f"{count} processes on "
        return f"{several}{hardware['gpu'] or hardware['cpu']}, Python {hardware['python']}, {packages}"
    except UNREADABLE:
        return "unknown hardware"
