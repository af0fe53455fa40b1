"""Two machines' results in one folder, and in one report, each cell once; what differs is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mmbench.commands.main import main
from mmbench.store.folder import CellFolder
from mmbench.store.journal import finished

CELLS = ("mmnet", "prior", "oracle")


def cell(runs: Path, method: str, score: float = 0.5, key: str = "k") -> CellFolder:
    """A finished one."""
    made = CellFolder(runs / "synthetic" / "smoke" / method / "seed-0")
    made.path.mkdir(parents=True)
    rows: Sequence[Mapping[str, Any]] = [{"inputs": "depth", "output": "segmentation", "metrics": {"miou": score}}]
    made.finish({"key": f"{method}-{key}", "rows": rows, "timing": {"seconds": score}})
    return made


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for method in ("mmnet", "prior"):
        cell(tmp_path / "here", method)
    return tmp_path / "here"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    for method in ("prior", "oracle"):
        cell(tmp_path / "there", method)
    CellFolder(tmp_path / "there" / "synthetic" / "smoke" / "unit" / "seed-0").set_failed("failed", "no reason")
    return tmp_path / "there"


def test_each_cell_once_and_the_same_again(
    here: Path, there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "all"
    command = ["merge", str(here), str(there), "--into", str(into)]
    assert main(command) == 0
    assert capsys.readouterr().out == f"3 copied, 1 failed, left out. Results: {into}\n"
    assert {path.parent.name for path in into.glob("synthetic/smoke/*/seed-0")} == set(CELLS)
    for method in CELLS:
        made = CellFolder(into / "synthetic" / "smoke" / method / "seed-0")
        assert made.state() == "done"
        assert (made.path / "digests.json").exists()
    assert len(finished(into)[0]) == 3
    assert main(command) == 0
    assert capsys.readouterr().out == f"3 there already, 1 failed, left out. Results: {into}\n"


def test_a_folder_of_a_cell_that_was_never_begun_is_no_obstacle(here: Path, there: Path, tmp_path: Path) -> None:
    into = tmp_path / "all"
    waiting = CellFolder(into / "synthetic" / "smoke" / "oracle" / "seed-0")
    with waiting.lock():
        """A run was stopped while its data were prepared."""
    assert list(waiting.path.iterdir()) == [waiting.path / ".lock"]
    assert main(["merge", str(here), str(there), "--into", str(into)]) == 0
    assert waiting.state() == "done"


def test_a_cell_that_cannot_be_copied_is_named_and_the_others_are_copied(
    here: Path, there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "all"
    (into / "synthetic" / "smoke").mkdir(parents=True)
    (into / "synthetic" / "smoke" / "mmnet").touch()
    assert main(["merge", str(here), str(there), "--into", str(into)]) == 1
    assert "synthetic/smoke/mmnet/seed-0: " in capsys.readouterr().out
    assert CellFolder(into / "synthetic" / "smoke" / "oracle" / "seed-0").state() == "done"


@pytest.mark.parametrize(
    ("score", "key", "said"),
    [(0.75, "k", "other numbers"), (0.5, "another", "another key"), (0.75, "x", "another key")],
)
def test_what_differs_is_named_and_the_first_stays(
    score: float, key: str, said: str, here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell(tmp_path / "there", "prior", score, key)
    assert main(["merge", str(here), str(tmp_path / "there"), "--into", str(tmp_path / "all")]) == 1
    line = capsys.readouterr().out.splitlines()[0]
    assert line == f"synthetic/smoke/prior/seed-0: {said} in {tmp_path / 'there'} than in {here}, which is taken"
    kept = CellFolder(tmp_path / "all" / "synthetic" / "smoke" / "prior" / "seed-0").look()[1]
    assert kept["rows"][0]["metrics"] == {"miou": 0.5} and kept["key"] == "prior-k"


def test_a_damaged_cell_is_named_and_not_copied(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cell(tmp_path / "there", "oracle").path / "result.json"
    path.write_text(path.read_text().replace("0.5", "0.6"))
    main(["merge", str(here), str(tmp_path / "there"), "--into", str(tmp_path / "all")])
    assert "1 damaged, left out" in capsys.readouterr().out
    assert not (tmp_path / "all" / "synthetic" / "smoke" / "oracle").exists()


def test_bad_input_is_one_line(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folders, into, said in (
        ([here], here, "the folder that is to be merged"),
        ([here], here / "inside", "lies in"),
        ([tmp_path / "none"], tmp_path / "all", "no such folder"),
    ):
        assert main(["merge", *map(str, folders), "--into", str(into)]) == 2
        assert said in capsys.readouterr().err


def test_a_report_of_two_folders_has_the_cells_of_both(
    here: Path, there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell(there, "mmnet", 0.75)
    assert main(["report", "provenance", "--runs", str(here), "--runs", str(there)]) == 0
    out = capsys.readouterr().out
    assert f"synthetic/smoke/mmnet/seed-0: other numbers in {there} than in {here}, which is taken" in out
    assert "synthetic/smoke/unit/seed-0: failed - no reason" in out or "unit/seed-0: failed" in out
    assert (here / "report" / "report.html").exists()
