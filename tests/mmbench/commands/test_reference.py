"""Committed numbers: what a copy holds, that its tables are those of the cells, what is refused, what differs."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench.commands.main import main
from mmbench.commands.reference import FORMS
from mmbench.planning.recorded import ids_of_test_images
from mmbench.plugins import catalog
from mmbench.publishing.build import build_reports
from mmbench.publishing.write import write_forms
from mmbench.store import sources
from mmbench.store.folder import CellFolder

OLDER = Path(__file__).parents[2] / "data" / "older-runs" / "runs" / "synthetic" / "smoke"
STATISTICS = {"0/depth": np.arange(12, dtype=np.int64).reshape(2, 6), "1/depth": np.ones((2, 6))}
HARDWARE = {"device": "cpu", "cpu": "one", "python": "3.11"}


def cell(runs: Path, method: str = "mmnet", seed: int = 0, rmse: float = 0.5, **about: Any) -> CellFolder:
    """A finished cell of the code that there is here: a reported row and one of a sweep, weights and a picture."""
    made = CellFolder(runs / "synthetic" / "smoke" / method / f"seed-{seed}")
    for folder in (made.checkpoints, made.samples):
        folder.mkdir(parents=True)
        (folder / "large").write_bytes(b"1")
    (made.path / "cell.json").write_text("{}")
    (made.path / "per_image.npz").write_bytes(packed(STATISTICS))
    made.append_log({"stage": "align", "total_step": 1})
    row = {"inputs": "segmentation", "output": "depth", "metrics": {"rmse_linear": rmse, "rmse_log": None}}
    made.finish(
        {
            "dataset": "synthetic", "method": method, "key": "k", "config": {"lr": 1}, "commit": "abc",
            "source": sources.present(catalog.cards("methods")[method]),
            "harness": sources.present(catalog.cards("datasets")["synthetic"]),
            "hardware": HARDWARE, "rows": [row, {**row, "selection": "sweep", "weights": "0,1"}], **about,
        }
    )  # fmt: skip
    return made


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def add(runs: Path, numbers: Path, *more: str) -> int:
    return main(["reference", "add", str(runs), "--numbers", str(numbers), *more])


def test_a_copy_is_a_finished_cell_with_its_numbers_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    original = cell(tmp_path / "runs")
    assert add(tmp_path / "runs", tmp_path / "numbers") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"1 copied. Numbers: {tmp_path / 'numbers'}\nSource ")
    assert "of 1 cells: protocol 4, as here; commits abc." in printed
    copy = CellFolder(tmp_path / "numbers" / original.name)
    assert copy.look() == original.look()
    names = {"cell.json", "log.jsonl", "per_image.npz", "result.json"}
    assert {path.name for path in copy.path.iterdir()} == {*names, "digests.json"}
    assert set(copy.examine()[2]) == names
    with np.load(copy.path / "per_image.npz") as arrays:
        assert list(arrays) == ["0/depth"]  # not the sweep's
        assert arrays["0/depth"].dtype == np.int64
        assert np.array_equal(arrays["0/depth"], STATISTICS["0/depth"])
    before = (copy.path / "per_image.npz").read_bytes()
    assert add(tmp_path / "runs", tmp_path / "numbers") == 0
    assert capsys.readouterr().out.startswith("1 there already.")
    assert add(tmp_path / "runs", tmp_path / "again") == 0
    assert (tmp_path / "again" / original.name / "per_image.npz").read_bytes() == before


def test_tables_are_those_of_the_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs, numbers = tmp_path / "runs", tmp_path / "numbers"
    for name in ("mmnet", "oracle"):
        shutil.copytree(OLDER / name / "seed-0", runs / "synthetic" / "smoke" / name / "seed-0")
    assert add(runs, numbers) == 2  # made long ago
    assert "source of mmnet" in capsys.readouterr().err
    assert add(runs, numbers, "--mixed") == 0
    assert main(["reference", "tables", "--numbers", str(numbers), "--out", str(tmp_path / "made")]) == 0
    assert "of them of other code than here" in capsys.readouterr().out
    files = write_forms(build_reports(runs, test_ids=ids_of_test_images)[0], tmp_path / "wanted", FORMS)
    names = {path.name for path in files}
    assert {"segmentation-synthetic-smoke-segmentation.md", "significance-synthetic-smoke-depth.csv"} <= names
    assert names == {path.name for path in (tmp_path / "made").iterdir()}
    differing = [path.name for path in files if path.read_bytes() != (tmp_path / "made" / path.name).read_bytes()]
    assert not differing


def test_what_is_damaged_is_named_and_not_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = cell(tmp_path / "runs")
    (one.path / "per_image.npz").write_bytes(packed({"0/depth": np.zeros((2, 6))}))
    assert add(tmp_path / "runs", tmp_path / "numbers") == 1
    assert f"{one.name}: per_image.npz damaged or gone" in capsys.readouterr().out
    whole = packed(STATISTICS)
    (one.path / "per_image.npz").write_bytes(whole[:-1] + b"1")
    assert add(tmp_path / "runs", tmp_path / "numbers") == 1
    assert f"{one.name}: {one.path / 'per_image.npz'}: damaged" in capsys.readouterr().out
    assert not (tmp_path / "numbers" / one.name).exists()


def test_a_copy_that_is_damaged_is_named_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not written over: whoever committed it looks first."""
    runs, numbers = tmp_path / "runs", tmp_path / "numbers"
    name = cell(runs).name
    assert add(runs, numbers) == 0
    (numbers / name / "result.json").write_text("{")
    assert add(runs, numbers) == 1
    assert f"{name}: damaged in {numbers}; delete it there" in capsys.readouterr().out
    assert (numbers / name / "result.json").read_text() == "{"


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"source": "0"}, "source of mmnet 0, here "),
        ({"harness": "0"}, "harness of synthetic 0, here "),
        ({"config": {"lr": 2}}, "settings of synthetic/smoke/mmnet "),
        ({"profile_values": {"steps": 2}}, "profile of synthetic/smoke "),
        ({"manifest": "other"}, "data of synthetic/smoke "),
    ],
)
def test_cells_of_other_code_settings_or_data_are_refused(
    about: dict[str, Any], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, numbers = tmp_path / "runs", tmp_path / "numbers"
    for seed in (0, 1):
        cell(runs, seed=seed)
    assert add(runs, numbers) == 0
    odd = cell(tmp_path / "more", seed=2, **about)
    capsys.readouterr()
    assert add(tmp_path / "more", numbers) == 2
    error = capsys.readouterr().err
    assert f"{odd.name} ({said}" in error
    assert "seed-0" not in error
    assert not (numbers / odd.name).exists()
    assert add(tmp_path / "more", numbers, "--mixed") == 0
    tables = ["reference", "tables", "--numbers", str(numbers), "--out", str(tmp_path / "out")]
    assert main(tables) == 2
    assert odd.name in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_equal_cells_are_equal_with_another_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell(tmp_path / "runs", hardware={**HARDWARE, "python": "3.13"})
    cell(tmp_path / "made")
    cell(tmp_path / "made", "prior")
    assert add(tmp_path / "made", tmp_path / "numbers") == 0
    capsys.readouterr()
    assert main(["reference", "check", str(tmp_path / "runs"), "--numbers", str(tmp_path / "numbers")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "synthetic/smoke/mmnet/seed-0: equal (4 numbers, and statistics of every test image)",
        "1 of 1 cells equal, 0 wrong; 1 of the reference not looked at",
    ]


def test_differences_are_listed_and_wrong_on_the_same_kind_of_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, numbers = tmp_path / "runs", tmp_path / "numbers"
    check = ["reference", "check", str(runs), "--numbers", str(numbers)]
    cell(tmp_path / "made")
    assert add(tmp_path / "made", numbers) == 0
    mine = cell(runs, rmse=0.5000000001)
    statistics = {name: values + (name == "0/depth") * np.eye(2, 6) for name, values in STATISTICS.items()}
    (mine.path / "per_image.npz").write_bytes(packed(statistics))
    capsys.readouterr()
    assert main(check) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{mine.name}: 3 differences; the same kind of machine",
        "  segmentation -> depth: rmse_linear: 0.5000000001, of the reference 0.5",
        "  segmentation -> depth, weights 0,1, selection sweep: rmse_linear: 0.5000000001, of the reference 0.5",
        "  segmentation -> depth: statistics of images, depth, 2 of 12: 1, of the reference 0",
        "0 of 1 cells equal, 1 wrong; 0 of the reference not looked at",
    ]
    result = json.loads((mine.path / "result.json").read_text())
    mine.finish({**result, "hardware": {**HARDWARE, "cpu": "two"}})
    assert main(check) == 0
    assert "another kind of machine, so that bits may differ (cpu two, of the reference one)" in capsys.readouterr().out
    mine.finish({**result, "key": "x"})
    assert main(check) == 1
    assert "not compared, other code, settings or data (key x, of the reference k)" in capsys.readouterr().out


def test_nothing_in_common_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell(tmp_path / "runs", "prior")
    cell(tmp_path / "made")
    assert add(tmp_path / "made", tmp_path / "numbers") == 0
    assert main(["reference", "check", str(tmp_path / "runs"), "--numbers", str(tmp_path / "numbers")]) == 2
    assert "no finished cell that" in capsys.readouterr().err
    assert main(["reference", "check", str(tmp_path / "runs"), "--numbers", str(tmp_path / "none")]) == 2
    assert f"--numbers {tmp_path / 'none'}: no such folder" in capsys.readouterr().err
