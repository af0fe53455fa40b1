"""The command ``report`` on folders and published numbers that are not as they should be."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmbench.reports import published

import mmbench
from mmbench.commands.main import main

HEADER, FIRST, *_ = published.FILE.read_text(encoding="utf-8").splitlines()  # table 4.4, CycleGAN, bed


def line_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What is said of bad input."""
    assert main(["report", *map(str, arguments)]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("mmbench: ") and error.count("\n") == 1
    return error.removeprefix("mmbench: ").strip()


def test_an_empty_folder_and_a_part_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = line_of(capsys, "--runs", tmp_path)
    assert said.startswith(f"--runs {tmp_path}: no results in it, expected <dataset>/<profile>/<method>/seed-<n>; ")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(mmbench.UserError, match="no results in it"):
        mmbench.report(tmp_path)
    cell = tmp_path / "runs/synthetic/smoke/mmnet/seed-0"
    cell.mkdir(parents=True)
    for part in cell.parents[:3]:
        said = line_of(capsys, "--runs", part)
        assert said == f"--runs {part}: a part of a runs folder (did you mean {tmp_path / 'runs'}?)"
    said = line_of(capsys, "--runs", tmp_path / "runs", "--dataset", "syntetic")
    assert said.endswith("no results of it in " + str(tmp_path / "runs") + " (did you mean 'synthetic'?)")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([FIRST.replace("cyclegan", "cyclegn")], ", line 2: no method named 'cyclegn' (did you mean 'cyclegan'?)"),
        ([FIRST, FIRST.replace("thesis", "theses")], ", line 3: no source named 'theses' (did you mean 'thesis'?)"),
        ([FIRST, FIRST.replace("bed", "book"), FIRST], ", line 4: the same number as line 2: delete one of them"),
        (
            [FIRST, FIRST.replace("2.79", "2,79")],
            ": Error tokenizing data. C error: Expected 12 fields in line 3, saw 13",
        ),
        ([FIRST.replace("2.79", "-")], ", line 2: value '-': expected a number"),
    ],
)
def test_published_numbers_that_are_damaged_are_a_line(
    lines: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    monkeypatch.setattr(published, "FILE", file)
    (tmp_path / "runs/synthetic/smoke/mmnet/seed-0").mkdir(parents=True)
    assert line_of(capsys, "--runs", tmp_path / "runs") == f"{file}{expected}"


def test_a_published_table_without_a_column_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text(f"{HEADER.replace('metric', 'what')}\n{FIRST}\n", encoding="utf-8")
    monkeypatch.setattr(published, "FILE", file)
    (tmp_path / "runs/synthetic/smoke/mmnet/seed-0").mkdir(parents=True)
    assert line_of(capsys, "--runs", tmp_path / "runs") == f"{file}: no column metric in its first line"
