"""The sink that every cell has: ``log.jsonl``, one JSON object per line."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mmbench.store.folder import CellFolder
from mmbench.tracking.sink import Step

LOSSES = "losses/"


class Lines:
    """``log.jsonl`` of a cell; it has no pictures, and no number that depends on the machine's speed.

    What it raises ends the cell: checkpoints hold its digest, and reports read it.
    """

    def __init__(self, folder: CellFolder) -> None:
        self.folder = folder

    def log(self, step: Step, numbers: Mapping[str, float], pictures: Mapping[str, np.ndarray]) -> None:
        """Append a line."""
        losses = {name.removeprefix(LOSSES): value for name, value in numbers.items() if name.startswith(LOSSES)}
        others = {name: value for name, value in numbers.items() if not name.startswith(LOSSES) and name != "lr"}
        where = {"stage": step.stage, "step": step.in_stage, "total_step": step.number, "lr": numbers["lr"]}
        self.folder.append_log({**where, "losses": losses, **others})

    def close(self) -> None:
        """Each line is whole already."""
