"""The gain of pseudo-pairs: cells paired by their parent, means over seeds by hand, lines along one change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from claim_results import DS, SD, row
from matplotlib.lines import Line2D
from mmbench.reports import pseudo_pairs_figure
from mmbench.reports.pseudo_pairs_figure import STEPS, TIED

from mmbench.reporting import COLUMNS, Figure, Results, Table

METHODS = ("mmnet", "mmnet-control", "mmnet-pp")


class Runs:
    """Cells of a parent with its two children, each a method with a mIoU and a delta per seed."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.cells: list[dict[str, Any]] = []

    def add(self, name: str, steps: int, tied: float, gains: tuple[float, ...], change: dict[str, Any]) -> None:
        dataset = f"rooms{name}" if tied else "rooms"
        for method in METHODS:
            folder = method + (name if "stage.align.steps" in change else "")
            noise = gains if method == "mmnet-pp" else (0.0,) * len(gains)
            self.rows += row(folder, 30.0, noise, dataset=dataset)
            self.rows += row(folder, 0.5, [gain / 100 for gain in noise], dataset=dataset, **SD)
            self.rows += row(folder, 90.0, noise, dataset=dataset, via="rgb")
            for seed in range(len(gains)):
                who = {"dataset": dataset, "profile": "laptop", "method": folder, "seed": seed}
                stages = [{"name": "translate", "steps": 7}, {"name": "align", "steps": steps}]
                key = f"{name} {method} {seed}"
                parent = "" if method == "mmnet" else f"{name} mmnet {seed}"
                self.cells.append({
                    **who, "key": key, "parent": parent, "config": {"stages": stages if method == "mmnet" else []},
                    "base": {"dataset": "rooms", "profile": "laptop", "method": method},
                    "changed": {"dataset": {}, "profile": {}, "method": change},
                    "data_settings": {"tied_colours": tied} if tied else {},
                })  # fmt: skip

    def build(self) -> list[Table | Figure]:
        frame = pd.DataFrame(self.rows, columns=list(COLUMNS)).assign(change="")
        results = Results(frame, tuple(self.cells), runs=Path("nowhere"))
        return pseudo_pairs_figure.build(results, pd.DataFrame())


def points(line: Line2D) -> list[list[float]]:
    return np.asarray(line.get_xydata()).tolist()


def filled() -> Runs:
    runs = Runs()
    runs.add("", 900, 0.0, (1.0, 3.0), {})
    runs.add("+a", 400, 0.0, (-2.0, 0.0), {"stage.align.steps": 400})
    runs.add("+b", 900, 0.5, (4.0,), {"data.tied_colours": 0.5})
    return runs


def test_gains_are_over_the_control_of_the_same_parent_and_seed() -> None:
    table = filled().build()[0]
    assert isinstance(table, Table)
    segmentation = table.frame[table.frame["translation"] == "depth → segmentation"]
    assert segmentation[[STEPS, TIED, "control", "pseudo-pairs", "gain", "seeds"]].values.tolist() == [
        [400, 0.0, 30.0, 29.0, -1.0, 2],
        [900, 0.0, 30.0, 32.0, 2.0, 2],
        [900, 0.5, 30.0, 34.0, 4.0, 1],
    ]
    depth = table.frame[table.frame["translation"] == "segmentation → depth"]
    assert depth["gain"].round(6).tolist() == [-1.0, 2.0, 4.0], "shares in percent"
    assert set(table.frame["method"]) == {"mmnet-pp"}


def test_a_control_of_other_settings_is_no_control() -> None:
    """Both are run again with a longer third stage, which makes both better by 1.5: each has its own control."""
    runs = Runs()
    runs.add("", 900, 0.0, (2.0,), {})
    first = len(runs.cells)
    runs.add("", 900, 0.0, (3.0,), {"stage.pseudo-pairs.steps": 900})
    for cell in runs.cells[first:]:
        cell["method"] += "+c"
    half = len(runs.rows) // 2
    longer = [{**one, "method": f"{one['method']}+c", "value": one["value"] + 1.5} for one in runs.rows[half:]]
    runs.rows[half:] = longer
    table = runs.build()[0]
    assert isinstance(table, Table)
    segmentation = table.frame[table.frame["translation"] == "depth → segmentation"]
    assert segmentation[["changes", "gain"]].values.tolist() == [["", 2.0], ['{"stage.pseudo-pairs.steps": 900}', 3.0]]


def test_a_line_varies_in_one_thing_alone() -> None:
    runs = filled()
    figure = runs.build()[1]
    assert isinstance(figure, Figure)
    drawn = {
        (axis.get_xlabel(), axis.get_title()): [points(line) for line in axis.get_lines()[:-1]]
        for axis in figure.figure.axes
    }
    assert drawn[STEPS, "depth → segmentation: mIoU, %"] == [[[400, -1], [900, 2]]]
    assert drawn[TIED, "depth → segmentation: mIoU, %"] == [[[0, 2], [0.5, 4]]]
    assert len(drawn) == 4
    runs.add("+c", 1300, 0.0, (9.0,), {"stage.align.steps": 1300, "stage.align.noise": 0.1})
    table, figure = runs.build()
    assert isinstance(table, Table) and isinstance(figure, Figure)
    assert 1300 in set(table.frame[STEPS])
    steps = next(axis for axis in figure.figure.axes if axis.get_xlabel() == STEPS)
    along = [x for line in steps.get_lines()[:-1] for x, _ in points(line)]
    assert along and 1300 not in along, "it differs in noise as well"


def test_without_such_cells_there_is_nothing_and_one_point_is_no_line() -> None:
    assert Runs().build() == []
    runs = Runs()
    runs.add("", 900, 0.0, (1.0,), {})
    assert [type(made) for made in runs.build()] == [Table]
    runs.cells = [cell for cell in runs.cells if cell["base"]["method"] != "mmnet-control"]
    assert runs.build() == []
    runs = filled()
    runs.cells[0]["config"] = "damaged"
    assert len(runs.build()) == 2, "the other seed's is left"
    assert DS["metric"] == "miou"
