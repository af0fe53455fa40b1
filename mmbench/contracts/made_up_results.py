"""Made-up results for reports: none, one row, a whole table, and what damaged files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mmbench.reporting import COLUMNS, SWEEP, Results

ROW: dict[str, Any] = {
    "dataset": "rooms", "published_dataset": "", "profile": "laptop", "method": "mmnet", "title": "M&MNets",
    "group": "zero-pair", "seed": 0, "state": "done", "inputs": "depth", "output": "segmentation",
    "output_kind": "segmentation", "via": "", "weights": "", "side_from": "", "bn": "trained", "checkpoint": "last",
    "selection": "", "side_information": "", "pretrained": False, "metric": "miou", "cls": "", "value": 40.0,
}  # fmt: skip
FACTS = {"dataset": "rooms", "profile": "laptop", "method": "mmnet", "seed": 0}
METHODS = (("prior", "Per-pixel prior", "chance"), ("mmnet", "M&MNets", "zero-pair"), ("oracle", "Oracle", "oracle"))
OUTPUTS = {
    ("depth", "segmentation", "segmentation"): {"miou": 30.0, "global_accuracy": 60.0, "iou": 25.0},
    ("segmentation", "depth", "depth"): {"delta_1.25": 0.7, "rmse": 0.6},
}
SEEDS = 3


def empty() -> Results:
    """No results at all."""
    return Results(pd.DataFrame(columns=list(COLUMNS)), runs=Path("nowhere"))


def single() -> Results:
    """One number of one cell."""
    return Results(pd.DataFrame([ROW], columns=list(COLUMNS)), (FACTS,), Path("nowhere"))


def table() -> Results:
    """Three methods, three seeds, both unseen translations, numbers by class among them; no cell has files."""
    rows, cells = [], []
    for place, (method, title, group) in enumerate(METHODS):
        for seed in range(SEEDS):
            cells.append({**FACTS, "method": method, "seed": seed, "title": title})
            own = {**ROW, "method": method, "title": title, "group": group, "seed": seed, "base_method": method}
            for (source, output, kind), numbers in OUTPUTS.items():
                where = {**own, "inputs": source, "output": output, "output_kind": kind}
                for metric, value in numbers.items():
                    cls = "floor" if metric == "iou" else ""
                    rows.append({**where, "metric": metric, "cls": cls, "value": value + place + seed / 8})
    return Results(pd.DataFrame(rows, columns=list(COLUMNS)), tuple(cells), Path("nowhere"))


def damaged() -> Results:
    """Whatever may stand in a damaged result.json: no numbers, no text, no columns filled, facts of other types."""
    rows = [
        {**ROW, "metric": metric, "value": value}
        for metric, value in (
            ("miou", "much"),
            ("iou", [1]),
            ("parameters", 10**400),
            ("psnr", None),
            ("delta_1.25", float("inf")),
        )
    ]
    rows += [{**ROW, name: None} for name in ROW if name not in ("dataset", "profile", "method", "seed", "state")]
    rows += [{**ROW, "method": "odd", name: 3} for name in ("title", "group", "via", "weights", "pretrained", "cls")]
    rows += [{**ROW, "output_kind": kind, "seed": -1, "value": 1} for kind in ("domain", "depth", "rgb", "nonsense")]
    for metric in ("classification_accuracy", "reverse_accuracy", "real_images"):
        rows += [{**ROW, "output_kind": "domain", "metric": metric, "value": value} for value in ("much", 10**400, 1)]
    for weights in ("0.8,0.2", "x", None):
        swept = {**ROW, "selection": SWEEP, "inputs": "rgb+depth", "weights": weights}
        rows += [{**swept, "value": value} for value in ("much", 1)]
    cells = ({**FACTS, "hardware": 3, "timing": None}, {**FACTS, "rows": [], "split_hashes": {}, "task": "x"})
    return Results(pd.DataFrame(rows, columns=list(COLUMNS)).astype(object), cells, Path("nowhere"))
