"""Domains: seen and unseen pairs apart, and the matrix with its frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mmbench.reports import domain_matrix, domain_table

from mmbench.results import COLUMNS

COMMON = {
    "dataset": "colours", "profile": "laptop", "method": "mmnet-domains", "title": "M&MNets, domains", "seed": 0,
    "state": "done", "output_kind": "domain", "group": "zero-pair", "selection": "", "cls": "",
}  # fmt: skip


def row(inputs: str, output: str, value: float, metric: str = "classification_accuracy", **rest: Any) -> dict[str, Any]:
    return {**COMMON, "inputs": inputs, "output": output, "metric": metric, "value": value, **rest}


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(COLUMNS))


def test_seen_and_unseen_pairs_stand_apart_under_the_ceiling() -> None:
    judge = {"method": "judge-domains", "title": "Judge", "group": "ceiling"}
    results = frame(
        row("red", "green", 20.0), row("green", "red", 40.0), row("red", "green", 50.0, seed=1),
        row("green", "red", 30.0, seed=1), row("blue", "red", 90.0, group="seen"),
        row("red", "green", 0.5, "content"), row("real", "real", 80.0, **judge),
    )  # fmt: skip
    (table,) = domain_table.build(results, pd.DataFrame())
    assert list(table.frame["pairs"]) == ["real images", "seen pairs", "unseen pairs"]
    assert list(table.frame["Accuracy"]) == [80.0, 90.0, 35.0]
    unseen = table.frame.iloc[2]
    assert unseen["Accuracy std"] == pytest.approx(50**0.5), "over the means of the seeds, 30 and 40"
    assert (unseen["translations"], unseen["seeds"], unseen["contours"]) == (2, 2, 0.5)
    assert "50.0 %" in table.note, "two domains"


def test_other_results_give_no_table() -> None:
    assert domain_table.build(frame(row("a", "b", 1.0, output_kind="rgb")), pd.DataFrame()) == []


def test_the_matrix_is_framed_as_in_the_paper(tmp_path: Path) -> None:
    folder = tmp_path / "colours" / "laptop" / "mmnet-domains" / "seed-0"
    (folder / "samples").mkdir(parents=True)
    rows = [
        {"inputs": "blue", "output": "red", "group": "seen"},
        {"inputs": "green", "output": "red", "group": "zero-pair"},
    ]
    (folder / "result.json").write_text(json.dumps({"rows": rows}))
    names = np.array(["blue", "red", "green"])
    np.savez(folder / "samples" / "matrix.npz", matrix=np.zeros((3, 3, 4, 4, 3), np.uint8), domains=names)
    results = frame(row("green", "red", 20.0))
    results.attrs["runs"] = str(tmp_path)
    (figure,) = domain_matrix.build(results, pd.DataFrame())
    framed = [
        [axes.spines["top"].get_visible() for axes in figure.figure.axes[3 * line : 3 * line + 3]] for line in range(3)
    ]
    assert framed == [[True, True, False], [False, True, False], [False, False, True]]


def test_a_damaged_matrix_leaves_out_its_figure_only(tmp_path: Path) -> None:
    folder = tmp_path / "colours" / "laptop" / "mmnet-domains" / "seed-0"
    (folder / "samples").mkdir(parents=True)
    (folder / "result.json").write_text('{"rows": []}')
    (folder / "samples" / "matrix.npz").write_bytes(b"PK")
    results = frame(row("green", "red", 20.0))
    results.attrs["runs"] = str(tmp_path)
    assert domain_matrix.build(results, pd.DataFrame()) == []
