"""Rows of results as cells give them, and the cells' facts at the papers' sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from mmbench.reports.protocols import PROTOCOLS

from mmbench.reporting import COLUMNS, Results, Table

FLOWERS: dict[str, Any] = {
    "dataset": "flowers",
    "published_dataset": "flowers-opponent",
    "profile": "laptop",
    "inputs": "theta2",
    "output": "theta3",
    "output_kind": "rgb",
}
ROOMS: dict[str, Any] = {
    "dataset": "rooms",
    "published_dataset": "scenenet-170k",
    "profile": "paper",
    "inputs": "depth",
    "output": "segmentation",
    "output_kind": "segmentation",
    "side_information": "pooling-indices",
}


def values_of(method: str, metrics: Mapping[str, object], *, seed: int = 0, **fields: Any) -> list[dict[str, Any]]:
    common = {
        "method": method,
        "title": "M&MNets",
        "group": "zero-pair",
        "seed": seed,
        "state": "done",
        "via": "",
        "weights": "",
        "side_from": "",
        "bn": "trained",
        "checkpoint": "last",
        "selection": "",
        "side_information": "",
        **fields,
    }
    return [
        {**common, "metric": name.partition("/")[0], "cls": name.partition("/")[2], "value": value}
        for name, value in metrics.items()
    ]


def table_of(*rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([row for part in rows for row in part], columns=list(COLUMNS))


def only(tables: list[Table]) -> Table:
    assert len(tables) == 1
    return tables[0]


def row_of(frame: pd.DataFrame, **wanted: object) -> pd.Series:
    for column, value in wanted.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def facts(published: str, **more: Any) -> dict[str, Any]:
    """What a cell records that follows the papers' protocol of a published data set."""
    protocol = PROTOCOLS[published]
    network = {"width": protocol.width or 64, "poolings": protocol.poolings or 3}
    steps = {"steps": protocol.steps or 1, "extra_steps": protocol.extra_steps or 1}
    test = protocol.test or 374
    train = protocol.train or (protocol.total or 0) - test
    return {
        "profile_values": {"size": protocol.size, **steps, "network": network},
        "config": {"settings": {"pretrained": "auto"}},
        "networks": {"encoder/rgb": 1},
        "pretrained": protocol.pretrained,
        "split_sizes": {"a": train // 2, "b": train - train // 2, "validation": 0, "test": test},
        **more,
    }


def paper_results(rows: pd.DataFrame, **more: Any) -> Results:
    """Results whose cells all follow the papers' protocol, but for ``more``."""
    identity = ["dataset", "profile", "method", "seed", "published_dataset"]
    made = []
    for who in rows[identity].drop_duplicates().itertuples(index=False, name=None):
        if who[-1]:
            where = dict(zip(identity, who, strict=True))
            base = {**{name: where[name] for name in identity[:2]}, "method": where["method"].partition("+")[0]}
            made.append(facts(who[-1], **{"base": base, **more, **where}))
    return Results(rows, tuple(made))


def of_seeds(method: str, metrics: Mapping[str, Any], seeds: int = 3, **fields: Any) -> list[dict[str, Any]]:
    """The same values for several seeds."""
    return [row for seed in range(seeds) for row in values_of(method, metrics, seed=seed, **fields)]
