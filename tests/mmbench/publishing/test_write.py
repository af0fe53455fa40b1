"""From a runs folder to tables of cells, in the order of the reports."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from mmbench.plugins import catalog
from mmbench.publishing.build import build_reports, cell_tables
from mmbench.publishing.write import write_reports
from mmbench.reporting import COLUMNS, Table
from mmbench.store.collect import collect
from mmbench.table import ranges

METRICS = {"miou": 40.5, "iou/bed": 1.0, "iou/tv": None}
ROW = {"inputs": "depth", "output": "segmentation", "output_kind": "segmentation", "via": "", "bn": "trained"}
RESULT = {
    "key": "k", "title": "Mine", "rows": [{**ROW, "group": "zero-pair", "metrics": METRICS}], "parameters": 3,
    "timing": {"seconds": 1.0}, "peak_memory_bytes": 4,
}  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    states = {"mine/seed-0": RESULT, "mine/seed-1": RESULT, "mmnet/seed-3": RESULT, "cut/seed-0": None}
    for name, result in states.items():
        folder = tmp_path / "rooms" / "laptop" / name
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(result) if result else '{"rows"')
    (tmp_path / "rooms" / "laptop" / "odd" / "seed-0").mkdir(parents=True)
    (tmp_path / "rooms" / "laptop" / "odd" / "seed-0" / "result.json").write_text('{"title": 1, "rows": [3]}')
    return tmp_path


def test_every_value_has_a_row_with_the_titles_of_now(runs: Path) -> None:
    results, notes = collect(runs)
    frame = results.rows
    who = {("mine", 0): ("Mine", "done"), ("mine", 1): ("Mine", "done"),
           ("mmnet", 3): (catalog.find("methods", "mmnet")["TITLE"], "stale")}  # fmt: skip
    values = [("miou", "", 40.5), ("iou", "bed", 1.0), ("iou", "tv", None)]
    costs = [("parameters", "", 3), ("train_seconds", "", 1.0), ("peak_memory_bytes", "", 4)]
    rows = [
        {"dataset": "rooms", "published_dataset": "", "profile": "laptop", "method": method,
         "base_method": method, "change": "", "title": title,
         "group": "zero-pair", "seed": seed, "state": state, "pretrained": False, **where, "metric": metric,
         "cls": cls, "value": value}
        for (method, seed), (title, state) in who.items()
        for where, measured in ((ROW, values), ({}, costs))
        for metric, cls, value in measured
    ]  # fmt: skip
    pd.testing.assert_frame_equal(frame, pd.DataFrame(rows, columns=list(COLUMNS)), check_dtype=False)
    assert frame["value"].dtype == float
    assert len(notes) == 3, "two are damaged, and a known method was made with other code"
    assert [(facts["method"], facts["seed"], facts["key"]) for facts in results.cells] == [(*cell, "k") for cell in who]
    assert list(collect(runs / "nothing")[0].rows.columns) == list(COLUMNS)


def test_a_method_that_is_not_here_is_not_said_to_have_changed(runs: Path) -> None:
    file = runs / "rooms" / "laptop" / "mine" / "seed-0" / "result.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "source": "0123"}))
    (note,) = (note for note in collect(runs)[1] if "mine/seed-0" in note)
    assert "MMBENCH_PLUGINS" in note and "other code" not in note


def test_every_cell_has_its_state(runs: Path) -> None:
    results, notes = collect(runs)
    (table,) = cell_tables(results.rows, notes)
    assert table.name == "cells-rooms-laptop"
    assert list(table.frame[["method", "state", "cells", "seeds"]].itertuples(index=False, name=None)) == [
        ("cut", "damaged", 1, "0"), ("mine", "done", 2, "0-1"), ("mmnet", "stale", 1, "3"), ("odd", "damaged", 1, "0"),
    ]  # fmt: skip
    assert cell_tables(pd.DataFrame(columns=list(COLUMNS)), []) == []


def test_a_number_beyond_all_bounds_is_shown_as_it_is(runs: Path) -> None:
    result = runs / "rooms" / "laptop" / "mine" / "seed-0" / "result.json"
    result.write_text(json.dumps({**RESULT, "parameters": 10**400}))
    values = collect(runs)[0].rows.query("metric == 'parameters'")["value"]
    assert 10**400 in set(values)
    made, _ = build_reports(runs)
    assert "segmentation-rooms-laptop-segmentation" in {item.name for item in made}


def test_one_data_set_and_profile_alone(runs: Path) -> None:
    shutil.copytree(runs / "rooms", runs / "halls")
    (runs / "halls" / "laptop" / "mine").rename(runs / "halls" / "laptop" / "elsewhere")
    shutil.copytree(runs / "rooms" / "laptop", runs / "rooms" / "smoke")
    made, notes = build_reports(runs, dataset="rooms", profile="laptop")
    tables = [item for item in made if isinstance(item, Table)]
    assert {"provenance-rooms-laptop", "cells-rooms-laptop"} <= {table.name for table in tables}
    text = "\n".join([*notes, *(table.csv() for table in tables)])
    assert "rooms" in text and not [word for word in ("halls", "elsewhere", "smoke") if word in text]


def test_tables_stand_in_the_papers_order_and_cells_last(runs: Path) -> None:
    names = [item.name.partition("-rooms-")[0] for item in build_reports(runs)[0]]
    assert names.index("segmentation") < names.index("cost") < names.index("cells") == len(names) - 1
    assert "cells-rooms-laptop" not in {item.name for item in build_reports(runs, ["cost"])[0]}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"dataset": ["rooms"], "profile": ["laptop"]}),
        pd.DataFrame({"state": ["done"], "cells": ["many"]}),
        pd.DataFrame([["rooms", "halls", "laptop"]], columns=["dataset", "dataset", "profile"]),
        pd.DataFrame(),
    ],
)
def test_a_reports_own_table_takes_down_itself_at_most(frame: pd.DataFrame, runs: Path) -> None:
    """Whatever it is named: what the page says of cells is counted in mmbench's own tables alone."""
    made, notes = build_reports(runs)
    own = Table("cells-of-mine", "Mine", frame)
    files = write_reports([own, *made], notes, runs / "report")
    assert {"notes.txt", "report.html", "cells-rooms-laptop.csv"} <= {path.name for path in files}
    page = (runs / "report" / "report.html").read_text(encoding="utf-8")
    assert "2 damaged, 2 done, 1 stale" in page and "rooms, profile laptop" in page


@pytest.mark.parametrize(
    ("seeds", "text"),
    [(["0", "1", "2"], "0-2"), (["5", "0", "10", "1"], "0-1, 5, 10"), (["x", "3"], "3, x"), ([], "")],
)
def test_seeds_as_ranges(seeds: list[str], text: str) -> None:
    assert ranges(seeds) == text


def test_what_is_no_number_in_a_damaged_result_stands_as_it_is(runs: Path) -> None:
    damaged = {**RESULT, "rows": [{**ROW, "group": "zero-pair", "metrics": {"miou": [1], "global_accuracy": None}}]}
    (runs / "rooms" / "laptop" / "mine" / "seed-1" / "result.json").write_text(json.dumps(damaged))
    frame = collect(runs)[0].rows
    values = frame[(frame["method"] == "mine") & (frame["seed"] == 1)].set_index("metric")["value"]
    assert values["miou"] == [1]
    assert pd.isna(values["global_accuracy"])
    assert values["parameters"] == 3
    assert any(item.name.startswith("segmentation") for item in build_reports(runs)[0])
