from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench.plugins import catalog
from mmbench.reporting import COLUMNS
from mmbench.store.collect import collect
from mmbench.store.files import read_json, write_bytes, write_json
from mmbench.store.folder import CellFolder, cell_folders, identity

ROW = {
    "inputs": "depth", "output": "segmentation", "output_kind": "segmentation", "via": "", "weights": "",
    "side_from": "", "bn": "trained", "checkpoint": "last", "group": "zero-pair", "side_information": "skip",
    "selection": "", "metrics": {"miou": 40.5, "iou/bed": 12.0, "iou/tv": None},
}  # fmt: skip
RESULT: dict[str, Any] = {
    "key": "k", "title": "T", "published_dataset": "p", "rows": [ROW], "parameters": 10, "timing": {"seconds": 2.5},
    "peak_memory_bytes": 100, "cost": {"flops": 4.0, "latency_ms": 1.5},
}  # fmt: skip
COSTS = {"parameters": 10, "train_seconds": 2.5, "peak_memory_bytes": 100, "flops": 4.0, "latency_ms": 1.5}


def test_what_is_written_is_strict_json(tmp_path: Path) -> None:
    numbers = {"psnr": float("inf"), "loss": -np.inf, "iou": float("nan"), "half": np.float32(1.5), "n": np.int64(3)}
    write_json(tmp_path / "a.json", {"numbers": [numbers, {"nan": np.float32("nan")}]})

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    json.loads((tmp_path / "a.json").read_text(), parse_constant=refuse)
    expected = {"psnr": "Infinity", "loss": "-Infinity", "iou": None, "half": 1.5, "n": 3}
    assert read_json(tmp_path / "a.json") == {"numbers": [expected, {"nan": None}]}


def test_an_exact_image_keeps_its_psnr_in_tables(cell: CellFolder) -> None:
    row = {**ROW, "output": "rgb", "output_kind": "rgb", "metrics": {"psnr": float("inf")}}
    write_json(cell.path / "result.json", {**RESULT, "rows": [row]})
    rows = collect(cell.path.parents[3])[0].rows
    assert rows.loc[rows["metric"] == "psnr", "value"].tolist() == [float("inf")]


@pytest.fixture
def cell(tmp_path: Path) -> CellFolder:
    path = tmp_path / "runs" / "synthetic" / "smoke" / "mmnet" / "seed-3"
    path.mkdir(parents=True)
    return CellFolder(path)


def put(cell: CellFolder, /, **files: Any) -> None:
    for name, content in files.items():
        path = cell.path / f"{name}.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))


HOLD = """
import sys, pathlib
from mmbench.store.folder import CellFolder
with CellFolder(pathlib.Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(cell: CellFolder) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(cell.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({}, "absent"),
        ({"cell": {"key": "k"}}, "interrupted"),
        ({"cell": {"key": "k"}, "failed": {"state": "failed"}}, "failed"),
        ({"cell": {"key": "k"}, "failed": {"state": "diverged"}}, "diverged"),
        ({"failed": {"reason": "before it began"}}, "failed"),
        ({"cell": {"key": "k"}, "result": {"key": "k"}}, "done"),
        ({"cell": {"key": "k"}, "result": {"key": "other"}}, "stale"),
        ({"cell": {"key": "k"}, "result": {}}, "stale"),
        ({"cell": {"key": "k"}, "result": '{"key": '}, "damaged"),
        ({"cell": ""}, "damaged"),
        ({"cell": "", "result": {"key": "k"}}, "damaged"),
        ({"cell": {"key": "k"}, "failed": "[1]"}, "damaged"),
    ],
)
def test_states(files: dict[str, Any], state: str, cell: CellFolder) -> None:
    put(cell, **files)
    assert cell.state("k") == state


def test_without_a_key_a_result_of_any_code_is_done(cell: CellFolder) -> None:
    put(cell, cell={"key": "k"}, result={"key": "other"})
    assert cell.state() == "done"


def test_a_folder_that_is_not_there_is_absent(tmp_path: Path) -> None:
    nowhere = CellFolder(tmp_path / "nowhere")
    assert nowhere.state("k") == "absent"
    assert not nowhere.is_locked()


def test_a_living_process_shows_as_running_and_a_killed_one_as_interrupted(cell: CellFolder) -> None:
    put(cell, cell={"key": "k"})
    process = hold(cell)
    try:
        assert cell.is_locked()
        assert cell.state("k") == "running"
    finally:
        process.kill()
        process.wait()
    assert cell.state("k") == "interrupted"


def test_the_lock_waits_for_its_holder(cell: CellFolder) -> None:
    process = hold(cell)
    second = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(cell.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=0.5)
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
    assert second.communicate("", timeout=30)[0] == "held\n"


def test_starting_over_with_the_same_key_keeps_the_checkpoint_and_forgets_the_failure(cell: CellFolder) -> None:
    put(cell, cell={"key": "k"}, failed={"state": "failed"})
    (cell.path / "traceback.txt").write_text("Traceback")
    cell.checkpoints.mkdir()
    cell.start_over("k")
    assert sorted(path.name for path in cell.path.iterdir()) == ["cell.json", "checkpoint"]
    assert cell.state("k") == "interrupted"


@pytest.mark.parametrize(
    "files",
    [
        {"cell": {"key": "other"}, "result": {"key": "other"}},
        {"cell": {"key": "other"}},
        {"cell": '{"key": '},
        {"cell": {"key": "k"}, "result": "nonsense"},
        {"cell": {"key": "k"}, "failed": "nonsense"},
    ],
)
def test_what_another_key_left_or_is_damaged_is_moved_aside_whole(files: dict[str, Any], cell: CellFolder) -> None:
    for number in (1, 2):
        put(cell, **files)
        cell.checkpoints.mkdir()
        (cell.checkpoints / "latest").write_text(str(number))
        with cell.lock():
            cell.start_over("k")
        assert [path.name for path in cell.path.iterdir()] == [".lock"]
        aside = cell.path.with_name(f"seed-3.old-{number}")
        assert (aside / "checkpoint" / "latest").read_text() == str(number)
        assert {f"{name}.json" for name in files} < {path.name for path in aside.iterdir()}
        assert cell.state("k") == "absent"


def test_an_empty_folder_needs_no_start(cell: CellFolder) -> None:
    cell.start_over("k")
    assert list(cell.path.parent.iterdir()) == [cell.path]


def test_a_failure_before_anything_was_begun_is_forgotten_by_the_next_try(cell: CellFolder) -> None:
    cell.set_failed("failed", "cache folder: 9 GB needed, 1 GB free")
    cell.start_over("k")
    assert cell.state("k") == "absent"


def test_the_log_is_cut_behind_a_checkpoint(cell: CellFolder) -> None:
    for step in range(1, 6):
        cell.append_log({"total_step": step, "losses": {"rgb": 1.0}})
    with cell.log.open("a") as file:
        file.write('{"total_step": 6, "los')
    cell.truncate_log(3)
    assert [json.loads(line)["total_step"] for line in cell.log.read_text().splitlines()] == [1, 2, 3]
    cell.append_log({"total_step": 4})
    assert cell.log.read_text().count("\n") == 4
    cell.truncate_log(0)
    assert cell.log.read_text() == ""


def test_cutting_a_log_that_is_not_there_writes_none(cell: CellFolder) -> None:
    cell.truncate_log(3)
    assert not cell.log.exists()


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "x.json"
    write_json(path, {"a": 1})
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_bytes(path, b"half")
    assert read_json(path) == {"a": 1}


def test_read_json_names_a_damaged_file(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") is None
    for content in (
        b"{",
        b"[1]",
        b"\xff",
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'{"a": "\xed\xa0\x80"}',
        b"[" * 10**5,
    ):
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(ValueError, match=r"x\.json: damaged"):
            read_json(tmp_path / "x.json")


def test_a_result_becomes_one_row_per_metric_value(cell: CellFolder) -> None:
    put(cell, cell={"key": "k"}, result=RESULT)
    results, notes = collect(cell.path.parents[3], lambda method: None)
    rows = results.rows.to_dict("records")
    assert notes == []
    assert [(row["metric"], row["cls"]) for row in rows[:3]] == [("miou", ""), ("iou", "bed"), ("iou", "tv")]
    assert {row["metric"]: row["value"] for row in rows[3:]} == COSTS
    assert results.rows["inputs"][3:].isna().all(), "a cell's cost belongs to none of its translations"
    assert rows[0]["value"] == 40.5
    assert rows[2]["value"] != rows[2]["value"], "an undefined metric is NaN"
    assert set(rows[0]) == set(COLUMNS)
    who = {"dataset": "synthetic", "profile": "smoke", "method": "mmnet", "seed": 3}
    assert who == {key: rows[0][key] for key in who} == identity(cell)


def test_cells_without_numbers_are_a_line_each_and_never_an_error(cell: CellFolder) -> None:
    put(cell, cell={"key": "k"}, result=RESULT)
    methods = cell.path.parents[1]
    others: dict[str, dict[str, Any]] = {
        "failing": {"failed": {"state": "failed", "reason": "out of memory"}},
        "cut": {"result": '{"rows"'},
        "empty": {"result": {"key": "k"}},
        "odd": {"result": {"key": "k", "title": "T", "rows": [{"metrics": 3}]}},
        "rowless": {"result": {"key": "k", "title": "T", "rows": []}},
        "stopped": {"cell": {"key": "k"}},
    }
    for name, files in others.items():
        (methods / name / "seed-0").mkdir(parents=True)
        put(CellFolder(methods / name / "seed-0"), **files)
    results, notes = collect(methods.parents[1], lambda method: None)
    assert len(results.rows) == 3 + len(COSTS)
    expected = ["cut/seed-0: damaged", "empty/seed-0: damaged result.json (KeyError", "odd/seed-0: damaged result.json",
                "rowless/seed-0: damaged result.json",
                "failing/seed-0: failed (out of memory)", "stopped/seed-0: interrupted"]  # fmt: skip
    assert len(notes) == len(expected)
    for part in expected:
        assert any(part in note for note in notes), part


def test_a_row_does_not_say_whose_it_is(cell: CellFolder) -> None:
    row = {**RESULT["rows"][0], "method": 5, "seed": {"a": 1}, "dataset": None}
    put(cell, cell={"key": "k"}, result={**RESULT, "rows": [row]})
    results, notes = collect(cell.path.parents[3], lambda method: None)
    rows = results.rows.to_dict("records")
    assert notes == []
    assert {(row["dataset"], row["method"], row["seed"]) for row in rows} == {("synthetic", "mmnet", 3)}


def test_a_changed_cell_is_told_by_the_names_that_it_records(tmp_path: Path) -> None:
    """Its folder has other names than the catalog; source and title are looked up by the method's own."""
    cell = CellFolder(tmp_path / "synthetic+0123abcd" / "smoke+4567abcd" / "mmnet+89abcdef" / "seed-0")
    cell.path.mkdir(parents=True)
    base = {"dataset": "synthetic", "profile": "smoke", "method": "mmnet"}
    put(cell, cell={"key": "k"}, result={**RESULT, **base, "source": "then"})
    results, notes = collect(tmp_path, {"mmnet": "then"}.get)
    assert notes == []
    told = results.rows[["method", "title", "state"]].drop_duplicates().to_numpy().tolist()
    assert told == [["mmnet+89abcdef", catalog.find("methods", "mmnet")["TITLE"], "done"]]
    (fact,) = results.cells
    assert fact["base"] == base
    assert results.rows[["base_method", "change"]].drop_duplicates().to_numpy().tolist() == [["mmnet", "89abcdef"]]
    put(cell, result={**RESULT, **base, "changed": {"method": {"b.c": 1e-3, "a": "skip"}}})
    assert set(collect(tmp_path)[0].rows["change"]) == {"a=skip, b.c=0.001"}
    put(cell, result={**RESULT, **base, "source": "then"})
    assert (fact["dataset"], fact["profile"]) == ("synthetic+0123abcd", "smoke+4567abcd")
    (note,) = collect(tmp_path, {"mmnet": "now"}.get)[1]
    assert "stale" in note


def test_a_result_of_other_code_is_stale(cell: CellFolder) -> None:
    put(cell, cell={"key": "k"}, result={**RESULT, "source": "then"})
    for now, state in (("then", "done"), ("now", "stale")):
        results, notes = collect(cell.path.parents[3], {"mmnet": now}.get)
        assert set(results.rows["state"]) == {state}
        assert len(notes) == (state == "stale")


@pytest.mark.parametrize(("harness", "state"), [("now", "done"), ("then", "stale")])
def test_a_result_of_another_protocol_or_data_source_is_stale(
    harness: str, state: str, cell: CellFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmbench.store.collect.present", lambda card: "now")
    put(cell, cell={"key": "k"}, result={**RESULT, "source": "now", "harness": harness})
    results, notes = collect(cell.path.parents[3])
    assert set(results.rows["state"]) == {state} and len(notes) == (state == "stale")


def test_seeds_of_other_settings_or_data_are_named_below_every_table(cell: CellFolder) -> None:
    """One of three seeds was trained with another rate, one on other images."""
    facts = {"source": "now", "config": {"lr": 2e-4}, "manifest": "m", **identity(cell)}
    changes: list[dict[str, Any]] = [{}, {}, {"config": {"lr": 1e-4}}, {"manifest": "n"}]
    for seed, change in enumerate(changes):
        one = CellFolder(cell.path.with_name(f"seed-{seed}"))
        one.path.mkdir(exist_ok=True)
        put(one, cell={"key": "k"}, result={**RESULT, **facts, "seed": seed, **change})
    results, notes = collect(cell.path.parents[3], lambda method: "now")
    assert len(notes) == 2
    for seed, what, note in zip((2, 3), ("settings", "data"), notes, strict=True):
        assert note.startswith(f"synthetic/smoke/mmnet/seed-{seed}: stands beside cells of another making ({what} of ")
    said = "Of other code, data or settings than most cells of synthetic: synthetic/smoke/mmnet/seed-2 and 1 more"
    assert said in results.remarks["synthetic"]


def test_what_was_moved_aside_is_no_cell(cell: CellFolder) -> None:
    cell.path.with_name("seed-3.old-1").mkdir()
    (cell.path.parent / "notes.txt").write_text("")
    assert cell_folders(cell.path.parents[3]) == [cell]
