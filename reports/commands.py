"""The command that makes a row of a table again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mmbench.reporting import Results

COMMAND = "command"  # the column; it stands in the CSV and, over a row's first cell, on the page
NAMES = ("dataset", "profile", "method")


class Commands:
    """Commands for the methods of a table of results, from what their cells record."""

    def __init__(self, results: Results) -> None:
        self._cells: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for facts in results.cells:
            key = tuple(str(facts.get(name)) for name in NAMES)
            self._cells.setdefault(key, []).append(facts)

    def cells(self, row: Mapping[str, str] | pd.Series) -> Sequence[Mapping[str, Any]]:
        """What is recorded of a row's ``dataset``, ``profile`` and ``method``, cell by cell."""
        return self._cells.get(tuple(row[name] for name in NAMES), [])

    def of(self, row: Mapping[str, str]) -> str:
        """The command for a row's ``dataset``, ``profile`` and ``method``; empty where no cell of it is recorded."""
        cells = self.cells(row)
        if not cells or not isinstance(base := cells[0].get("base"), Mapping):
            return ""
        names = {name: str(base.get(name)) for name in NAMES}
        # Own folders of images have one adapter, and are named after the folder.
        if (label := row["dataset"].partition("+")[0]) != names["dataset"]:
            names["dataset"] = f"PATH/{label}"
        seeds = ",".join(map(str, sorted({facts["seed"] for facts in cells})))
        parts = ["--methods", names["method"], "--dataset", names["dataset"], "--profile", names["profile"]]
        parts += ["--seeds", seeds]
        changed = cells[0].get("changed")
        for part in changed.values() if isinstance(changed, Mapping) else ():
            for key, value in sorted(part.items()) if isinstance(part, Mapping) else ():
                parts += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
        if cells[0].get("needs_root") and not names["dataset"].startswith("PATH/"):
            parts += ["--data-root", "DATA"]
        return f"python -m mmbench run {shlex.join(parts)}"
