"""Hand-made results for the papers' claims, and the scorecard that is made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mmbench.reports import claims
from mmbench.reports.scores import CASCADES, TABLE_BASELINES

from mmbench.reporting import COLUMNS, Results

SEEDS = (-0.1, 0.0, 0.1)  # what seeds 0, 1, 2 add to a method's value
OTHERS = (0.1, 0.0, -0.1)
DS: dict[str, Any] = {"inputs": "depth", "output": "segmentation", "output_kind": "segmentation", "metric": "miou"}
RDS: dict[str, Any] = {**DS, "inputs": "rgb+depth", "group": "multi-modal"}
SD: dict[str, Any] = {"inputs": "segmentation", "output": "depth", "output_kind": "depth", "metric": "delta_1.25"}
BASELINE: dict[str, Any] = {"group": "baselines"}
CASCADE: dict[str, Any] = {"group": "baselines", "via": "rgb"}
FAIR: dict[str, Any] = {**CASCADE, "bn": "re-estimated"}
DOMAINS: dict[str, Any] = {"output_kind": "domain", "inputs": "a", "output": "b", "group": "zero-pair"}
COMMON = {"dataset": "rooms", "profile": "laptop", "state": "done", "group": "zero-pair", "bn": "trained",
          "checkpoint": "last", "pretrained": False, "cls": ""}  # fmt: skip


def row(method: str, mean: float, noise: Sequence[float] = SEEDS, **fields: Any) -> list[dict[str, Any]]:
    """A row's value for each seed: the mean and what a seed adds."""
    values = {**COMMON, **DS, "method": method, "title": method, **fields}
    return [{**values, "seed": seed, "value": mean + extra} for seed, extra in enumerate(noise)]


def baselines(values: float = 10.0, methods: Sequence[str] = TABLE_BASELINES, **fields: Any) -> list[dict[str, Any]]:
    """A table's baselines, all with one mean."""
    return [
        record
        for name in methods
        for record in row(name, values, (0.0, 0.1, -0.1), **{**(CASCADE if name in CASCADES else BASELINE), **fields})
    ]


def results(*rows: list[dict[str, Any]], runs: Path | None = None) -> Results:
    """The table of results, below a runs folder."""
    frame = pd.DataFrame([record for part in rows for record in part], columns=list(COLUMNS))
    return Results(frame, runs=runs or Path("nowhere"))


def cards(*rows: list[dict[str, Any]], runs: Path | None = None) -> pd.DataFrame:
    """The scorecard, by claim and reading: ``C2 papers``, ``C2 papers 2`` for the second with this reading."""
    given = results(*rows, runs=runs)
    made = claims.build(given, pd.DataFrame())
    names = [f"claims-{name}-laptop" for name in sorted({*given.rows["dataset"]})]
    assert [table.name for table in made[::2]] == names
    assert all(table.name.startswith("claims-comparisons-") for table in made[1::2])
    assert all(table.text() and table.markdown() and table.csv() for table in made)
    card = pd.concat([table.frame for table in made[::2]], ignore_index=True)
    number = card.groupby(["where", "claim", "reading"], sort=False).cumcount() + 1
    ends = number.map(lambda count: f" {count}" if count > 1 else "")
    return card.set_index(card["claim"] + " " + card["reading"] + ends)


def log(runs: Path, method: str, seed: int, *lines: Any) -> None:
    """A finished cell with a log: lines as text, or as stage, step and content."""
    folder = runs / "rooms" / "laptop" / method / f"seed-{seed}"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("{}")
    made = []
    for number, line in enumerate(lines):
        if not isinstance(line, str):
            stage, step, content = line
            line = json.dumps({"stage": stage, "step": step, "total_step": number + 1, **content})
        made.append(line)
    (folder / "log.jsonl").write_text("\n".join(made))


def factors(first: float, second: float) -> dict[str, Any]:
    """Alignment of two pairs of modalities, in a line of the log."""
    return {"alignment/a-b": first, "alignment/a-c": second, "latent_std/a": 9.0}
