"""The results of all cells below a runs folder, as rows."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbench.reporting import COLUMNS
from mmbench.store.files import read_json
from mmbench.store.folder import CellFolder, cell_folders, identity

NAMED = ("dataset", "profile", "method")  # what --set can change, and then has another name in the runs folder
NAMES = frozenset(COLUMNS)  # a report looks a million times whether a field is a column

Block = tuple[dict[str, Any], dict[str, Any]]  # what some values have in common, and metric (or metric/class) -> value


def collect(runs: Path, current: Callable[[str], str | None]) -> tuple[list[dict[str, Any]], list[str]]:
    """All metric values of all finished cells as rows with :data:`COLUMNS`, and a line per cell that is not just done.

    A damaged folder gives a line, never an error.

    Args:
        current: a method's name to the digest of its source as it is now; a result with another one is stale.
    """
    blocks, _, notes = collect_blocks(runs, current)
    return [{**common, **value} for common, metrics in blocks for value in _values(metrics)], notes


def collect_blocks(
    runs: Path, current: Callable[[str], str | None], titles: Mapping[str, str] | None = None
) -> tuple[list[Block], list[dict[str, Any]], list[str]]:
    """As :func:`collect`, with the values that share everything but ``metric``, ``cls`` and ``value`` in one block.

    Between blocks and notes stands, of each finished cell, its identity and ``result.json`` without its rows; ``base``
    has the names of its data set, profile and method before ``--set``. ``titles`` are those of methods now.
    """
    blocks: list[Block] = []
    facts: list[dict[str, Any]] = []
    notes = []
    for folder in cell_folders(runs):
        who, (state, result) = identity(folder), folder.look()
        if state != "done":
            notes.append(f"{folder.name}: {state}{_reason(folder)}")
            continue
        try:
            base = {name: str(result.get(name) or who[name]) for name in NAMED}
            stale = result.get("source") != current(base["method"])
            title = (titles or {}).get(base["method"]) or result["title"]
            blocks.extend(_result_blocks(result, {**who, "title": title, "state": "stale" if stale else state}))
            del result["rows"]
            facts.append({**result, **who, "base": base})
            if stale:
                notes.append(f"{folder.name}: stale (made with other code; `run` makes it again)")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            notes.append(f"{folder.name}: damaged result.json ({type(error).__name__}: {error})")
    return blocks, facts, notes


def _values(metrics: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for metric, value in metrics.items():
        name, _, cls = metric.partition("/")
        yield {"metric": name, "cls": cls, "value": float("nan") if value is None else value}


def _result_blocks(result: dict[str, Any], who: dict[str, Any]) -> list[Block]:
    what = {"published_dataset": result.get("published_dataset", ""), "pretrained": bool(result.get("pretrained"))}
    common = _shared({**who, **what})
    rows = [(row, row["metrics"]) for row in result["rows"]]
    rows.append(({"group": result["rows"][0]["group"]}, _costs(result)))
    return [
        (_shared(row) | common, {sys.intern(name): value for name, value in metrics.items()}) for row, metrics in rows
    ]


def _shared(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns among a row's fields. Thousands of cells repeat a few texts: of each the one copy is read fastest."""
    return {key: sys.intern(value) if type(value) is str else value for key, value in row.items() if key in NAMES}


def _costs(result: Mapping[str, Any]) -> dict[str, float]:
    """What a cell cost, as metrics without inputs and output."""
    return {
        "parameters": result["parameters"],
        "train_seconds": result["timing"]["seconds"],
        "peak_memory_bytes": result["peak_memory_bytes"],
        **result.get("cost", {}),
    }


def _reason(folder: CellFolder) -> str:
    with contextlib.suppress(ValueError):
        if failed := read_json(folder.path / "failed.json"):
            return f" ({failed.get('reason', '')})"
    return ""
