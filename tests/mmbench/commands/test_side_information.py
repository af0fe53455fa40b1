"""The command ``side-information``: what it leaves beside a cell, and that nothing else ever takes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmbench.commands.main import main
from mmbench.publishing.build import build_reports
from mmbench.reporting import Table
from mmbench.store.collect import collect
from mmbench.store.files import read_json, write_json

FILE = "side_information.json"


@pytest.fixture(scope="module")
def looked_into(cells: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of the cells, whose M&MNets were looked into; tests must not change it."""
    runs = tmp_path_factory.mktemp("looked") / "runs"
    shutil.copytree(cells.parents[1], runs)
    assert main(["side-information", str(runs / "synthetic/smoke/mmnet/seed-0")]) == 0
    return runs


@pytest.fixture
def runs(looked_into: Path, tmp_path: Path) -> Path:
    shutil.copytree(looked_into, tmp_path / "runs")
    return tmp_path / "runs"


def mmnet(runs: Path) -> Path:
    return runs / "synthetic" / "smoke" / "mmnet" / "seed-0"


def test_the_cell_stays_as_it_is_and_its_own_rows_are_its_results(looked_into: Path, cells: Path) -> None:
    before = {path.name: path.read_bytes() for path in (cells / "mmnet" / "seed-0").glob("*.*")}
    after = {path.name: path.read_bytes() for path in mmnet(looked_into).glob("*.*")}
    found = read_json(mmnet(looked_into) / FILE)
    assert after.pop(FILE)
    assert after == before
    assert found is not None
    results = {
        (row["inputs"], row["output"]): row["metrics"]
        for row in json.loads(before["result.json"])["rows"]
        if not row["via"] and not row.get("selection")
    }
    own = [row for row in found["rows"] if row["side"] == row["latent"] == "input"]
    assert {(row["inputs"], row["output"]) for row in own if row["group"] == "zero-pair"} == {
        ("depth", "segmentation"), ("segmentation", "depth")
    }  # fmt: skip
    for row in own:
        assert row["metrics"] == results[row["inputs"], row["output"]]


def test_it_says_the_same_again(runs: Path) -> None:
    before = (mmnet(runs) / FILE).read_bytes()
    assert main(["side-information", str(mmnet(runs))]) == 0
    assert (mmnet(runs) / FILE).read_bytes() == before


def test_no_table_claim_or_figure_but_its_own_takes_what_it_found(looked_into: Path, cells: Path) -> None:
    """Rows with RGB's or the truth's indices are best by far where indices tell much; nothing may rank them."""
    plain, _ = collect(cells.parents[1])
    beside, _ = collect(looked_into)
    assert plain.rows.equals(beside.rows)
    assert plain.cells == beside.cells
    without, _ = build_reports(cells.parents[1])
    having, notes = build_reports(looked_into)
    own = {item.name for item in having if item.name.startswith("side-information-")}
    assert own == {f"side-information-synthetic-smoke{end}" for end in ("", "-depth", "-segmentation")} | {
        "side-information-indices-synthetic-smoke"
    }
    tables = {item.name: item.csv() for item in without if isinstance(item, Table)}
    assert {i.name: i.csv() for i in having if isinstance(i, Table) and i.name not in own} == tables
    assert [i.name for i in having if i.name not in own] == [i.name for i in without]
    assert not [note for note in notes if "side" in note]
    (table,) = (item for item in having if item.name == "side-information-synthetic-smoke-segmentation")
    assert isinstance(table, Table)
    assert not table.better and not table.rivals
    groups = dict(zip(table.frame["side information of"], table.frame["group"], strict=True))
    assert groups["rgb, as released"] == groups["segmentation, the truth"] == "not zero-pair"


def _other_result(cell: Path) -> None:
    """As after the cell was made again: another training time."""
    result = json.loads((cell / "result.json").read_text())
    (cell / "digests.json").unlink()
    write_json(cell / "result.json", {**result, "timing": {**result["timing"], "seconds": 0.0}})


def _other_number(cell: Path) -> None:
    text = (cell / FILE).read_text()
    (cell / FILE).write_text(text.replace('"compared": ', '"compared": 1', 1))


@pytest.mark.parametrize(("change", "note"), [(_other_result, ""), (_other_number, f"{FILE} is damaged")])
def test_of_another_training_or_damaged_nothing_is_shown(change: Callable[[Path], None], note: str, runs: Path) -> None:
    change(mmnet(runs))
    made, notes = build_reports(runs, ["side-information"])
    assert made == []
    assert [line for line in notes if "side" in line and note in line] == [line for line in notes if "side" in line]
    assert any(note in line for line in notes) or not note


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no such run: nowhere is no folder"),
        (["cyclegan/seed-0"], "cyclegan/seed-0: it has no encoder/rgb"),
        (["mmnet/seed-0", "--device", "tpu"], "--device 'tpu': expected auto, cpu or cuda"),
    ],
)
def test_what_cannot_be_looked_into_is_a_line(
    arguments: list[str], message: str, cells: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cells)
    assert main(["side-information", *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


def test_a_folder_stands_for_the_cells_below_it(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that cannot be looked into are named and left out; what was moved aside is none of them."""
    shutil.copytree(cells, tmp_path / "smoke")
    shutil.copytree(cells / "mmnet" / "seed-0", tmp_path / "smoke" / "mmnet" / "seed-0.old-1")
    assert main(["side-information", str(tmp_path)]) == 0
    assert [path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.glob(f"**/{FILE}")] == [
        "smoke/mmnet/seed-0"
    ]
    assert f"left out: {tmp_path}/smoke/cyclegan/seed-0: it has no encoder/rgb" in capsys.readouterr().out


def test_other_images_are_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = mmnet(runs)
    (cell / "digests.json").unlink()
    result: dict[str, Any] = json.loads((cell / "result.json").read_text())
    write_json(cell / "result.json", {**result, "manifest": "others"})
    assert main(["side-information", str(cell)]) == 2
    assert "the images of 'synthetic' are not those of its training" in capsys.readouterr().err
