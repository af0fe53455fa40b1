"""What a cell's process is told to do: written by the scheduler, read by ``mmbench.cell``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench.planning.overrides import Changes
from mmbench.planning.plan import Cell, named_root
from mmbench.typed import build


@dataclass(frozen=True)
class Order:
    """One cell with all that its process needs to know. JSON holds it without loss.

    Attributes:
        dataset, profile, method, seed, key, overrides, changed: see :class:`mmbench.planning.plan.Cell`.
        folder: of the cell. Paths are absolute; together with ``device``, ``precision`` and what is about
            threads and processes they are all that is not part of the key.
        data_root, cache_folder: empty where the environment or the default decides.
        parent, parent_method: folder and method of the cell that the weights start from; empty without one.
        judge, judge_method: folder and method of the judge's cell; empty without one.
        threads: of torch on the CPU; 0 leaves torch's own choice.
        watched: whether the cell ends when its standard input does.
        ticket: of the folder's lock, where whoever gives the order holds it; empty where the cell takes it itself.
        log: sinks that training is logged to, beside ``log.jsonl``.
        processes: that share the cell, each with a GPU; the one that takes the order starts the others.
        rank, port: of one of those others: its number, and where it meets the first.
    """

    dataset: str
    profile: str
    method: str
    seed: int
    key: str
    folder: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    changed: Changes = field(default_factory=Changes)
    data_root: str = ""
    cache_folder: str = ""
    parent: str = ""
    parent_method: str = ""
    judge: str = ""
    judge_method: str = ""
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    watched: bool = False
    ticket: str = ""
    log: tuple[str, ...] = ()
    processes: int = 1
    rank: int = 0
    port: int = 0

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        """The order that :meth:`to_json` wrote. Raises UserError for an unknown or missing field."""
        made: Order = build(cls, json.loads(text), "order of a cell")
        return made


def order_of(
    cell: Cell,
    *,
    data_root: Path | None = None,
    cache_folder: Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int = 0,
    log: tuple[str, ...] = (),
    processes: int = 1,
) -> Order:
    """The order for a planned cell."""
    return Order(
        cell.dataset, cell.profile, cell.method, cell.seed, cell.key, _absolute(cell.folder.path), dict(cell.overrides),
        cell.changed,
        data_root=_absolute(data_root or named_root()),
        cache_folder=_absolute(cache_folder),
        parent=_absolute(cell.parent.folder.path) if cell.parent else "",
        parent_method=cell.parent.method if cell.parent else "",
        judge=_absolute(cell.judge.folder.path) if cell.judge else "",
        judge_method=cell.judge.method if cell.judge else "",
        device=device, precision=precision, threads=threads, watched=True, log=log, processes=processes,
    )  # fmt: skip


def _absolute(path: Path | None) -> str:
    return str(path.absolute()) if path else ""
