"""Progress between a cell's process and the run that started it."""

from __future__ import annotations

import json
import time

import pytest

from mmbench.launching.progress import Progress, Writer, parse


def test_progress_is_written_now_and_then_and_at_the_end_of_a_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 100.1, 100.19, 100.21, 100.22, 100.3])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    write = Writer()
    for done in range(1, 5):
        write("train", done, 9)
    write("train", 9, 9)
    write("evaluate", 1, 2)
    lines = capsys.readouterr().out.splitlines()
    assert [parse(line) for line in lines] == [
        Progress("train", 1, 9),
        Progress("train", 4, 9),
        Progress("train", 9, 9),
    ]


@pytest.mark.parametrize(
    "line",
    ["", "3 of 4", "{", "[1]", "3", '"what"', '{"what": "x", "done": 1}', '{"what": "x", "done": null, "total": 1}',
     '{"what": "x", "done": "many", "total": 1}', '{"what": "x", "done": Infinity, "total": 1}', "[" * 100_000],
)  # fmt: skip
def test_a_plug_ins_own_print_is_none(line: str) -> None:
    assert parse(line) is None


def test_more_than_is_needed_is_left_out() -> None:
    assert parse(json.dumps({"what": "x", "done": 1, "total": 2, "more": 3})) == Progress("x", 1, 2)
