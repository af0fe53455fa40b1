"""Where the numbers come from: commit, hardware, precision, time, size and data of every finished cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mmbench.report import Table
from mmbench.results import read_json

from .rows import cells

NAME = "provenance"
TITLE = "Provenance: commit, hardware, time, size and data of every cell"


def build(results: pd.DataFrame, published: pd.DataFrame) -> list[Table]:
    """One table per data set and profile, a row per cell."""
    runs = Path(results.attrs.get("runs", "runs"))
    tables = []
    for (dataset, profile), part in cells(results).groupby(["dataset", "profile"], sort=False):
        rows = []
        hardware: dict[str, str] = {}
        for method, seed in part[["method", "seed"]].drop_duplicates().itertuples(index=False, name=None):
            found = read_json(f"{runs}/{dataset}/{profile}/{method}/seed-{seed}/result.json")
            if found:
                rows.append(_row(found, method, seed))
                hardware[_hardware(found)] = ""
        note = "Split hashes name the lists of test images. " + "; ".join(hardware)
        formats = {"minutes": ".1f", "ms/step": ".0f", "memory (MiB)": ".0f", "parameters (M)": ".2f"}
        name, title = f"provenance-{dataset}-{profile}", f"Provenance: {dataset}, profile {profile}"
        tables.append(Table(name, title, pd.DataFrame(rows), note, formats=formats, detail=True))
    return tables


def _row(result: dict[str, Any], method: str, seed: int) -> dict[str, object]:
    timing, hardware = result["timing"], result["hardware"]
    steps = max(timing.get("steps", 0), 1)
    return {
        "method": method,
        "seed": seed,
        "commit": result["commit"],
        "precision": hardware["precision"],
        "threads": hardware["threads"],
        "pretrained": result["pretrained"],
        "parameters (M)": result["parameters"] / 1e6,
        "minutes": timing["seconds"] / 60,
        "ms/step": 1000 * timing["seconds"] / steps,
        "memory (MiB)": result["peak_memory_bytes"] / 2**20,
        "test split": result["split_hashes"]["test"][:8],
        "key": result["key"][:8],
    }


def _hardware(result: dict[str, Any]) -> str:
    hardware = result["hardware"]
    packages = ", ".join(f"{name} {version}" for name, version in hardware["packages"].items() if version)
    return f"{hardware['gpu'] or hardware['cpu']}, Python {hardware['python']}, {packages}"
