"""Sinks by name, and what a tracker hands them: in order, each step once, and none takes the others with it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench.commands.main import main
from mmbench.errors import UserError
from mmbench.plugins import catalog
from mmbench.tracking.sink import Step, check
from mmbench.tracking.tracker import TOLD, Tracker

NAME = "synthetic/smoke/mmnet/seed-0"
MINE = '''
"""A sink that keeps lines, and fails where it is told to."""
from pathlib import Path

NAME = "{name}"
TITLE = "Mine"
CLASS = "Mine"

class Mine:
    def __init__(self, run):
        {opens}
        self.file = run.folder / "lines.txt"
        self.say(f"opened {{run.name}} {{run.about['method']}}")

    def say(self, text):
        with self.file.open("a") as file:
            file.write(text + "\\n")

    def log(self, step, numbers, pictures):
        self.say(f"{{step.number}} {{step.stage}} {{step.in_stage}} {{sorted(numbers)}} {{sorted(pictures)}}")
        {logs}

    def close(self):
        self.say("closed")
'''


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Write a sink as a plug-in from outside."""
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path / "plugins"))
    (tmp_path / "plugins" / "sinks").mkdir(parents=True)

    def write(name: str, opens: str = "pass", logs: str = "pass") -> None:
        (tmp_path / "plugins" / "sinks" / f"{name}.py").write_text(MINE.format(name=name, opens=opens, logs=logs))

    yield write
    for module in [module for module in sys.modules if module.startswith("mmbench_plugins.sinks.")]:
        del sys.modules[module]


def made(folder: Path, *names: str, images: int = 10) -> Tracker:
    return Tracker(names, NAME, folder, {"method": "mmnet"}, images)


def lines(folder: Path, name: str) -> list[str]:
    return (folder / name / "lines.txt").read_text().splitlines()


def test_a_sink_is_told_each_step_once_whatever_a_kill_has_done_again(tmp_path: Path, plug: Any) -> None:
    plug("mine")
    first = made(tmp_path, "mine")
    first.begin(0)
    for number in (2, 4, 6):
        first.log(Step(number, "a", number), {"lr": 0.1}, 1)
    # Killed: nothing is closed, and the next process goes on from the checkpoint of step 3.
    second = made(tmp_path, "mine")
    second.begin(3)
    for number in (4, 6, 8):
        second.log(Step(number, "b", number - 3), {"lr": 0.1}, 1)
    second.close()
    told = [line.split() for line in lines(tmp_path, "mine")]
    assert [line[:3] for line in told] == [
        ["opened", NAME, "mmnet"], ["2", "a", "2"], ["4", "a", "4"], ["6", "a", "6"],
        ["opened", NAME, "mmnet"], ["8", "b", "5"], ["closed"],
    ]  # fmt: skip


def test_pictures_are_drawn_once_for_all_sinks_and_only_where_one_waits(tmp_path: Path, plug: Any) -> None:
    plug("one")
    plug("two")
    drawn: list[int] = []

    def draw() -> Mapping[str, np.ndarray]:
        drawn.append(1)
        return {"samples/a": np.zeros((2, 2, 3), np.uint8)}

    tracker = made(tmp_path, "one", "two")
    tracker.begin(0)
    tracker.log(Step(1, "s", 1), {"lr": 0.1}, 1, draw)
    tracker.log(Step(2, "s", 2), {"lr": 0.1}, 1)
    tracker.log(Step(2, "s", 2), {"lr": 0.1}, 1, draw)
    made(tmp_path).log(Step(3, "s", 3), {"lr": 0.1}, 1, draw)
    assert drawn == [1]
    for name in ("one", "two"):
        assert [line.split("] ")[-1] for line in lines(tmp_path, name)[1:]] == ["['samples/a']", "[]"]


def test_speed_counts_images_of_all_rounds_since_the_last_time(
    tmp_path: Path, plug: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug("mine", logs="self.say(str(numbers['images_per_second']))")
    clock = iter([0.0, 100.0, 104.0, 110.0, 112.0, 120.0])
    monkeypatch.setattr("mmbench.tracking.tracker.time.perf_counter", lambda: next(clock))
    tracker = made(tmp_path, "mine", images=10)
    tracker.begin(50)
    tracker.log(Step(60, "s", 60), {"lr": 0.1}, 2)  # 10 steps of 2 rounds of 10 images in 4 seconds
    tracker.log(Step(62, "s", 62), {"lr": 0.1}, 1)  # 2 steps in 2 seconds: those of the sinks do not count
    assert [float(line) for line in lines(tmp_path, "mine")[2::2]] == [50.0, 10.0]


@pytest.mark.parametrize(
    ("where", "fails"),
    [
        ("opens", "raise OSError('no room')"),
        ("opens", "import a_package_that_is_not_there"),
        ("logs", "1 / 0"),
        ("logs", "raise SystemExit(3)"),
    ],
)
def test_a_sink_that_fails_is_named_once_and_the_others_go_on(
    where: str, fails: str, tmp_path: Path, plug: Any, caplog: pytest.LogCaptureFixture
) -> None:
    plug("bad", **{where: fails})
    plug("good")
    with caplog.at_level(logging.WARNING):
        tracker = made(tmp_path, "bad", "good")
        tracker.begin(0)
        for number in (1, 2, 3):
            tracker.log(Step(number, "s", number), {"lr": 0.1}, 1)
        tracker.close()
    assert len(lines(tmp_path, "good")) == 5
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith(f"--log bad {'cannot be had' if where == 'opens' else 'has failed'}, and is left out: ")
    assert "\n" not in said


def test_what_cannot_be_drawn_is_said_once_and_numbers_are_logged(
    tmp_path: Path, plug: Any, caplog: pytest.LogCaptureFixture
) -> None:
    plug("mine")

    def draw() -> Mapping[str, np.ndarray]:
        raise RuntimeError("this method cannot translate yet")

    tracker = made(tmp_path, "mine")
    tracker.begin(0)
    for number in (1, 2):
        tracker.log(Step(number, "s", number), {"lr": 0.1}, 1, draw)
    assert [record.getMessage() for record in caplog.records] == [
        "sample translations cannot be drawn: RuntimeError: this method cannot translate yet"
    ]
    assert len(lines(tmp_path, "mine")) == 3


@pytest.mark.parametrize("content", ["", "[]", '{"step": "x"}', "{"])
def test_a_damaged_note_of_what_was_told_begins_anew(content: str, tmp_path: Path, plug: Any) -> None:
    plug("mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / TOLD).write_text(content)
    tracker = made(tmp_path, "mine")
    tracker.log(Step(1, "s", 1), {"lr": 0.1}, 1)
    assert len(lines(tmp_path, "mine")) == 2


def test_names_are_checked_before_anything_runs(
    tmp_path: Path, plug: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plug("mine")
    check(["mine"])
    for name, said in (
        ("tensorbord", "--log 'tensorbord': no such sink (did you mean 'tensorboard'?)"),
        ("min", "--log 'min': no such sink (did you mean 'mine'?)"),
    ):
        with pytest.raises(UserError) as error:
            check([name])
        assert str(error.value) == said
    runs = tmp_path / "runs"
    plug("samples")
    with pytest.raises(UserError, match="a name that no folder of a cell has"):
        check(["samples"])
    words = ["run", "--profile", "smoke", "--methods", "prior", "--runs", str(runs), "--log", "mine", "--log"]
    # A folder of the package's name in the working directory is no package.
    (tmp_path / "wandb").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", without("wandb"))
    assert main([*words, "tensorbord"]) == 2
    assert main([*words, "wandb"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "mmbench: --log 'tensorbord': no such sink (did you mean 'tensorboard'?)",
        "mmbench: --log wandb: needs the package wandb, which is not installed: pip install 'mmbench[wandb]'",
    ]
    assert not runs.exists()


def without(package: str) -> Callable[[str], Any]:
    """``find_spec`` as it is where a package is not installed, and finds a folder of its name."""
    find = importlib.util.find_spec
    return lambda name: importlib.machinery.ModuleSpec(name, None) if name == package else find(name)
