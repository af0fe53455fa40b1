"""Quality against cost: where the points stand, whose training counts, and that their numbers can be read."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from mmbench.reports import quality_cost_figure

from mmbench.reporting import COLUMNS, Results

COMMON = {
    "dataset": "rooms", "profile": "laptop", "state": "done", "selection": "", "inputs": "depth",
    "output": "segmentation", "output_kind": "segmentation", "via": "", "bn": "trained",
}  # fmt: skip


def cells(method: str, mious: list[float], seconds: float = 60.0, group: str = "zero-pair", **rest: Any) -> list[Any]:
    rows: list[Any] = []
    costs = {"parameters": 2e6, "flops": 3e9, "train_seconds": seconds, **rest}
    for seed, miou in enumerate(mious):
        cell = {**COMMON, "method": method, "title": method.upper(), "group": group, "seed": seed}
        rows.append({**cell, "metric": "miou", "value": miou})
        cell |= dict.fromkeys(("inputs", "output", "output_kind", "via", "bn"))
        rows += [{**cell, "metric": metric, "value": value} for metric, value in costs.items()]
    return rows


def panels(*rows: list[Any], runs: Path = Path("nowhere")) -> tuple[Any, list[Any]]:
    frame = pd.DataFrame([row for part in rows for row in part], columns=list(COLUMNS))
    (figure,) = quality_cost_figure.build(Results(frame, runs=runs), pd.DataFrame())
    assert figure.name == "quality-cost-rooms-laptop"
    return figure.figure, figure.figure.axes


def points(axis: Any) -> list[tuple[Any, Any]]:
    """Cost and score of each marker, best first."""
    marked = [line for line in axis.lines if line.get_marker() in "os^D"]
    drawn = [point for line in marked for point in zip(line.get_xdata(), line.get_ydata(), strict=True)]
    return [(pytest.approx(x), pytest.approx(y)) for x, y in sorted(drawn, key=lambda point: -point[1])]


def test_means_over_seeds_at_their_costs_best_first() -> None:
    canvas, axes = panels(
        cells("mmnet", [40.0, 42.0]), cells("oracle", [80.0], 120.0, "oracle", parameters=1e6, flops=1e9),
        cells("prior", [8.0], 0.1, "chance", parameters=0.0), cells("majority", [3.0], 0.1, "chance"),
    )  # fmt: skip
    assert [points(axis) for axis in axes] == [
        [(1.0, 80.0), (2.0, 41.0)], [(1.0, 80.0), (3.0, 41.0)], [(2.0, 80.0), (1.0, 41.0)]
    ]  # fmt: skip
    assert [axis.get_xlabel() for axis in axes] == ["parameters (M)", "GFLOP/image", "training (min)"]
    assert {axis.get_xscale() for axis in axes} == {"log"}
    assert [text.get_text() for text in axes[0].texts] == ["1", "2"]
    assert [text.xy for text in axes[0].texts] == points(axes[0]), "each number at its marker, best first"
    assert [line.split() for line in canvas.texts[0].get_text().split("\n")] == [["1", "ORACLE"], ["2", "MMNET"]]
    level = [line for line in axes[0].lines if line.get_linestyle() == ":"]
    assert [line.get_ydata()[0] for line in level] == [8.0], "the best chance level is a line"


def test_a_method_without_a_group_is_drawn_as_well() -> None:
    _, axes = panels(cells("a", [40.0]), cells("b", [30.0]), cells("c", [20.0], group=None))  # type: ignore[arg-type]
    assert [score for _, score in points(axes[0])] == [40.0, 30.0, 20.0]
    assert axes[0].get_ylim()[0] < 20


def test_a_child_costs_what_its_parents_cost_too(tmp_path: Path) -> None:
    for method, asked in {"mmnet": {"key": "k"}, "pp": {"key": "l", "parent": "k"}, "lost": {"parent": "?"}}.items():
        (tmp_path / "rooms" / "laptop" / method / "seed-0").mkdir(parents=True)
        (tmp_path / "rooms" / "laptop" / method / "seed-0" / "cell.json").write_text(json.dumps(asked))
    rows = [cells("mmnet", [40.0], 60.0), cells("pp", [50.0], 30.0), cells("lost", [45.0], 30.0)]
    _, axes = panels(*rows, runs=tmp_path)
    assert points(axes[2]) == [(1.5, 50.0), (1.0, 40.0)], "a cost that is not known is not drawn"
    assert len(points(axes[0])) == 3


def test_numbers_of_many_methods_do_not_cover_each_other() -> None:
    """Sixteen methods, half of them at almost the same place."""
    rows = [cells(f"m{number}", [40.0 + 0.2 * number], 60.0 + number) for number in range(8)]
    rows += [cells(f"b{number}", [5.0 * number], 90.0 * (number + 1), "baselines") for number in range(8)]
    canvas, axes = panels(*rows)
    renderer = FigureCanvasAgg(canvas).get_renderer()
    for axis in axes:
        boxes = [text.get_window_extent(renderer) for text in axis.texts]
        assert len(boxes) == 16
        assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_one_method_or_none_is_no_comparison() -> None:
    for rows in ([], cells("mmnet", [40.0])):
        assert quality_cost_figure.build(Results(pd.DataFrame(rows, columns=list(COLUMNS))), pd.DataFrame()) == []


def test_the_judges_accuracy_counts_where_there_is_a_judge() -> None:
    rows = cells("mmnet", [40.0]) + cells("oracle", [60.0], group="oracle")
    judged = [
        {**row, "metric": "classification_accuracy", "value": 2 * row["value"]}
        for row in rows
        if row["metric"] == "miou"
    ]
    _, axes = panels(rows, judged)
    assert points(axes[0]) == [(2.0, 120.0), (2.0, 80.0)]
    assert axes[0].get_ylabel() == "judge's accuracy, %, depth → segmentation"
