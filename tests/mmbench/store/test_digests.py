"""What was written is held against its SHA-256: cells, sealed JSON, arrays; what vanished stands in the journal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from damages import flip

from mmbench.store import arrays, digests, journal, saved
from mmbench.store.collect import collect
from mmbench.store.files import read_json, set_aside, sweep, temporary, write_bytes, write_json, write_sealed
from mmbench.store.folder import CellFolder

ROW = {
    "inputs": "depth", "output": "rgb", "output_kind": "rgb", "via": "", "bn": "trained", "checkpoint": "last",
    "group": "zero-pair", "metrics": {"psnr": 20.5},
}  # fmt: skip
RESULT = {
    "key": "k", "title": "T", "rows": [ROW], "parameters": 10, "timing": {"seconds": 2.5}, "peak_memory_bytes": 100,
}  # fmt: skip


@pytest.fixture
def cell(tmp_path: Path) -> CellFolder:
    """A finished cell with a log, statistics and a picture."""
    made = CellFolder(tmp_path / "runs" / "synthetic" / "smoke" / "mmnet" / "seed-3")
    made.path.mkdir(parents=True)
    write_sealed(made.path / "cell.json", {"key": "k"})
    write_bytes(made.log, b'{"total_step": 1}\n')
    write_bytes(made.path / "per_image.npz", b"numbers")
    write_bytes(made.samples / "a.png", b"a picture")
    made.finish(RESULT)
    return made


def notes_of(cell: CellFolder) -> list[str]:
    return collect(cell.path.parents[3], lambda name: None)[1]


def test_a_finished_cell_is_as_it_was_written(cell: CellFolder) -> None:
    assert cell.state("k") == "done" and notes_of(cell) == []
    assert set(digests.recorded(cell.path)) == {
        "cell.json", "log.jsonl", "per_image.npz", "samples/a.png", "result.json"
    }  # fmt: skip
    assert json.loads((cell.path / "result.json").read_text()) == RESULT, "no digest in it: equal cells, equal results"


@pytest.mark.parametrize("name", ["result.json", "cell.json"])
@pytest.mark.parametrize("does", [flip, Path.unlink], ids=["flipped", "gone"])
def test_another_digit_or_a_file_that_is_gone_is_damage(
    name: str, does: Callable[[Path], None], cell: CellFolder
) -> None:
    if (name, does) == ("result.json", flip):
        text = (cell.path / name).read_text()
        (cell.path / name).write_text(text.replace("20.5", "90.5"))
    else:
        does(cell.path / name)
    gone = (name, does) == ("result.json", Path.unlink)
    assert cell.state("k") == ("interrupted" if gone else "damaged")
    (note,) = notes_of(cell)
    assert "mmnet/seed-3: " in note and ("it was done once" if gone else name) in note


@pytest.mark.parametrize("name", ["log.jsonl", "per_image.npz", "samples/a.png"])
def test_a_file_of_another_size_is_named_without_reading_it(name: str, cell: CellFolder) -> None:
    (cell.path / name).write_bytes(b"")
    assert cell.state("k") == "done"
    assert [note.partition(" damaged or gone")[0] for note in notes_of(cell)] == [f"{cell.name}: {name}"]


def test_damaged_digests_are_named(cell: CellFolder) -> None:
    for content in ("{", '{"files": 3}', '{"files": {"result.json": "x"}}', '{"files": {"result.json": [1e999, ""]}}'):
        (cell.path / digests.FILE).write_text(content)
        assert cell.state("k") == "damaged", content
        assert digests.FILE in cell.look("k")[1]["reason"]


def test_a_cell_of_older_code_has_none_and_is_read_as_it_is(cell: CellFolder) -> None:
    (cell.path / digests.FILE).unlink()
    shutil.rmtree(cell.samples)
    assert cell.state("k") == "done" and notes_of(cell) == []


def test_a_sealed_object_says_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "position.json"
    write_sealed(path, {"total_step": 5, "seconds": 0.1, "name": "\ud800", "none": float("nan")})
    expected = {"total_step": 5, "seconds": 0.1, "name": "\ud800", "none": None}
    assert read_json(path) == expected
    written = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(written.items()))))
    assert read_json(path) == expected, "spaces and order say nothing"
    path.write_text(json.dumps({**written, "total_step": -5}))
    with pytest.raises(ValueError, match=r"position\.json: damaged"):
        read_json(path)


@pytest.mark.parametrize("step", [-5, 4, None])
def test_a_checkpoint_of_another_step_is_damaged_with_and_without_a_digest(step: object, tmp_path: Path) -> None:
    folder = tmp_path / "step-5"
    write_json(folder / "position.json", {"total_step": 5})
    assert saved.position(folder)["total_step"] == 5
    write_json(folder / "position.json", {"total_step": step})
    with pytest.raises(ValueError, match=r"position\.json: damaged"):
        saved.position(folder)


@pytest.mark.parametrize("content", [b"step-7", b"../other/step-5", b"step-5/..", b"\xff", b""])
def test_a_pointer_to_no_checkpoint_is_damaged(content: bytes, tmp_path: Path) -> None:
    write_json(tmp_path / "step-5" / "position.json", {"total_step": 5})
    write_bytes(tmp_path / "latest", b"step-5")
    assert saved.latest(tmp_path) == tmp_path / "step-5" and saved.broken(tmp_path) == ""
    (tmp_path / "latest").write_bytes(content)
    assert "latest: damaged" in saved.broken(tmp_path)


def test_a_cell_that_vanished_is_named(cell: CellFolder) -> None:
    other = CellFolder(cell.path.with_name("seed-4"))
    shutil.copytree(cell.path, other.path)
    journal.enter(cell.path.parents[3], other.name, "k")
    shutil.rmtree(cell.path)
    (note,) = notes_of(other)
    assert note.startswith(f"{cell.name}: gone (finished 2")


def test_lines_of_the_journal_that_cannot_be_read_are_named_and_the_others_count(cell: CellFolder) -> None:
    path = cell.path.parents[3] / journal.FILE
    with path.open("ab") as file:
        file.write(b'{"cell": "a/b/c/se')  # what a killed process left
    journal.enter(path.parent, "a/b/c/seed-0", "k")
    found, notes = journal.finished(path.parent)
    assert set(found) == {cell.name, "a/b/c/seed-0"}
    assert len(notes) == 1 and "journal.jsonl: damaged (line " in notes[0]


def test_arrays_are_held_against_what_was_written_in_part_or_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "BLOCK", 10)
    (tmp_path / "a.npy").write_bytes(bytes(range(95)))
    write_sealed(tmp_path / "meta.json", {"arrays": arrays.describe(tmp_path, ["a.npy"])})
    assert arrays.problem(tmp_path) == arrays.problem(tmp_path, whole=True) == ""
    flip(tmp_path / "a.npy", at=50)
    assert "a.npy: damaged" in arrays.problem(tmp_path, whole=True)
    assert any(arrays.problem(tmp_path) for _ in range(100)), "other blocks each time"
    (tmp_path / "a.npy").write_bytes(b"")
    assert "a.npy: damaged (0 bytes, 95 were written)" in arrays.problem(tmp_path)


def test_prepared_arrays_of_a_data_set_are_read_whole(tmp_path: Path) -> None:
    for name in ("rooms", "flowers"):
        write_bytes(tmp_path / name / "a.npy", bytes(100))
        about = {"data": name, "arrays": arrays.describe(tmp_path / name, ["a.npy"])}
        write_sealed(tmp_path / name / "meta.json", about)
        flip(tmp_path / name / "a.npy")
    (line,) = arrays.problems(tmp_path, "rooms")
    assert "rooms/a.npy: damaged" in line and line.endswith("prepares the images again")
    flip(tmp_path / "flowers" / "meta.json", at=20)
    assert len(list(arrays.problems(tmp_path, "rooms"))) == 2, "nobody can say whose it is"


def test_temporary_files_of_the_dead_are_swept_and_no_others(tmp_path: Path) -> None:
    dead, living, mine = (
        tmp_path / "deep" / name for name in (".a.json.x.99999999", temporary(Path("b")).name, ".keep")
    )
    for path in (dead, living, mine):
        write_bytes(path, b"x")
    sweep(tmp_path)
    assert dead.exists(), "it is young: another machine may be writing it"
    sweep(tmp_path, age=0.0)
    assert not dead.exists() and living.exists() and mine.exists()


def test_what_is_set_aside_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    for content in (b"1", b"2"):
        write_bytes(tmp_path / "x", content)
        assert set_aside(tmp_path / "x") == tmp_path / "damaged-x"
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"2"]
    (tmp_path / "x").mkdir()
    set_aside(tmp_path / "damaged-x")
    set_aside(tmp_path / "x")
    assert (tmp_path / "damaged-x").is_dir()
