"""How many of the papers' numbers stand beside results, by verdict. No torch, no figures."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.plugins import catalog

if TYPE_CHECKING:
    from mmbench.reporting import Results


class VerdictCounts:
    """Counts over a runs folder, which is read once, when the first of them is asked for."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._known: dict[tuple[str, str], Mapping[str, Mapping[str, int]]] = {}

    def of(self, dataset: str, profile: str) -> Mapping[str, Mapping[str, int]]:
        """Of the results in one data set and profile: source and table, such as ``thesis 4.4``, to verdict to count."""
        if (dataset, profile) not in self._known:
            reports = (importlib.import_module(f"mmbench.reports.{name}") for name in ("verdict_table", "published"))
            table, published = reports
            numbers = published.load(catalog.cards("methods"))
            self._known[dataset, profile] = table.counts(self._results.of(dataset, profile), numbers)
        return self._known[dataset, profile]

    @functools.cached_property
    def _results(self) -> Results:
        from mmbench.store.collect import collect  # with pandas, half of what the command takes without results

        return collect(self._runs)[0]
