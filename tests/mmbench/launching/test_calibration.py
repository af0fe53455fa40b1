"""Questions to processes that time methods, their answers, their failures; a stand-in in place of the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbench.launching import calibration
from mmbench.launching.calibration import Question, calibrate
from mmbench.planning.order import Order
from mmbench.store.machine import Machine, Speed

ANSWERS = """
import json, sys
print("a plug-in's own print")
print(json.dumps({"devices": ["GPU A"], "start_seconds": 2.5}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    order = json.loads(asked["order"])
    if order["method"] == "broken":
        print(json.dumps({"key": asked["key"], "problem": "it is broken"}))
        continue
    found = {"key": asked["key"], "speed": {"stages": {order["method"]: 7.0}, "parameters": len(order["device"])}}
    if asked["samples"]:
        found |= {"samples": asked["samples"], "sample_seconds": 0.5}
    print(json.dumps(found), flush=True)
"""


@pytest.fixture
def said() -> list[str]:
    return []


def stand_in(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "stand_in_for_calibrate.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(calibration, "PROGRAM", "stand_in_for_calibrate")


def question(method: str, samples: str = "") -> Question:
    return Question(f"key of {method}", Order("rooms", "laptop", method, 0, "", "/runs", device="auto"), samples)


def test_answers_join_what_was_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    stand_in(ANSWERS, tmp_path, monkeypatch)
    monkeypatch.setattr(calibration, "visible_gpus", list)
    known = Machine(speeds={"old": Speed({"train": 1.0})}, samples={"old": 0.1}, why="of another machine")
    asked = [question("one", "rooms/48"), question("two"), question("broken")]
    assert calibrate(known, asked, 2, said.append) == Machine(
        asked=True, devices=("GPU A",), start_seconds=2.5,
        speeds={
            "old": Speed({"train": 1.0}),
            "key of one": Speed({"one": 7.0}, parameters=len("auto")),
            "key of two": Speed({"two": 7.0}, parameters=len("auto")),
        },
        samples={"old": 0.1, "rooms/48": 0.5},
    )  # fmt: skip
    assert said == []


def test_several_gpus_are_handed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    stand_in(ANSWERS.replace('len(order["device"])', 'int(order["device"][5:])'), tmp_path, monkeypatch)
    monkeypatch.setattr(calibration, "visible_gpus", lambda: ["0", "1"])
    made = calibrate(Machine(), [question(name) for name in ("one", "two", "three")], 3, said.append)
    assert [made.speeds[f"key of {name}"].parameters for name in ("one", "two", "three")] == [0, 1, 0]


def test_without_questions_torch_is_asked_for_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    stand_in(ANSWERS, tmp_path, monkeypatch)
    made = calibrate(Machine(), [], 2, said.append)
    assert (made.asked, made.devices, made.speeds) == (True, ("GPU A",), {})


def test_a_program_that_fails_is_a_line_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    stand_in("raise SystemExit('no torch here')", tmp_path, monkeypatch)
    known = Machine(speeds={"old": Speed({"train": 1.0})})
    assert calibrate(known, [question("one")], 1, said.append) == known
    assert said == ["calibration failed: no torch here; times are guesses"]


def test_a_program_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    stand_in(ANSWERS + "import time\ntime.sleep(600)\n", tmp_path, monkeypatch)
    monkeypatch.setattr(calibration, "PATIENCE", 2.0)
    assert calibrate(Machine(), [question("one")], 1, said.append).asked
