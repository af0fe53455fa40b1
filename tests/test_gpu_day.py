"""The GPU day: bad input, what is left of a budget, parts that fail or are cut, and a rehearsal on this machine."""

from __future__ import annotations

import errno
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

import mmbench
from mmbench.errors import UserError
from mmbench.planning.selection import choose_methods
from mmbench.plugins import catalog

MS = {("mmnet", stage): 10.0 for stage in ("translate", "align", "re-estimate")}


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    return importlib.import_module("benchmarks.gpu_day.__main__")


def module(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.gpu_day.{name}")


def rehearse(day: ModuleType, out: Path, *more: str, minutes: str = "5") -> int:
    code: int = day.main(["--minutes", minutes, "--out", str(out), "--rehearse", "--offline", *more])
    return code


def stand_in(day: ModuleType, monkeypatch: pytest.MonkeyPatch, programs: dict[str, str]) -> None:
    """Each part becomes a short Python program."""
    monkeypatch.setattr(day, "command", lambda part, *_: [sys.executable, "-c", programs[part.name]])


def records(out: Path) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in out.glob("*.json")}


def test_the_parts_in_order_of_value_name_methods_that_fit_their_data(day: ModuleType) -> None:
    made = module("parts").read(False)
    assert [part.name for part in made] == ["tests", "steps", "side-information", "methods", "flowers"]
    for part in made:
        if part.methods:
            kind = catalog.find("datasets", part.dataset)["KIND"]
            cards, notes = choose_methods(part.methods, kind, "", "paper")
            assert [card.name for card in cards] == list(part.methods) and not notes


def test_files_with_gpu_tests_are_found_and_no_others(day: ModuleType) -> None:
    parts = module("parts")
    found = {path.name for path in parts.test_files(())}
    assert {"test_unpool.py", "test_contract_losses.py"} <= found
    assert "test_overview.py" not in found
    assert [path.name for path in parts.test_files(["unpool"])] == ["test_unpool.py"]


def test_training_takes_the_fraction_that_is_left(day: ModuleType) -> None:
    """4100 steps of 10 ms are 41 s; two seeds 82 s; of 101.25 s a fifth is spare and 40 s go beside training."""
    lengths, part = module("lengths"), module("parts").Part("a", "A", "train", methods=("mmnet",), seeds=(0, 1))
    assert lengths.fraction([part], 101.25, 2, MS) == pytest.approx(0.5)
    assert lengths.fraction([part, part], 101.25, 2, MS) == pytest.approx(0.5), "a cell of two parts is made once"
    assert lengths.fraction([part], 151.25, 1, MS) == pytest.approx(0.5)
    assert lengths.fraction([part], 9999.0, 2, MS) == 1.0
    assert lengths.fraction([part], 1.0, 2, MS) == lengths.LEAST


def test_what_a_fraction_changes_of_a_profile(day: ModuleType) -> None:
    lengths, part = module("lengths"), module("parts").Part("a", "A", "train", methods=("mmnet",))
    made = lengths.changes(part, 0.05, minutes=10)
    assert made == {
        "steps": 200, "extra_steps": 50, "observe_steps": 50, "log_every": 10, "align_every": 100,
        "checkpoint_every": 100, "data.train": 600, "data.validation": 40, "data.test": 80,
    }  # fmt: skip
    assert lengths.changes(part, 1.0, minutes=1000) == {}


def test_cells_at_a_time_fit_memory_cores_and_the_part(day: ModuleType) -> None:
    lengths, part = module("lengths"), module("parts").Part("a", "A", "train", methods=("x", "y"), seeds=(0, 1, 2))
    timed = {"x": {"bf16": [{"memory": 1000.0}]}, "y": {"bf16": [{"memory": 7000.0}, {"memory": 10.0}]}}
    assert lengths.at_a_time(part, timed, cores=100, memory=30000.0) == 3
    assert lengths.at_a_time(part, timed, cores=5, memory=30000.0) == 2
    assert lengths.at_a_time(part, timed, cores=100, memory=1e9) == 6
    assert lengths.at_a_time(part, timed, cores=1, memory=10.0) == 1
    assert lengths.at_a_time(part, {}, cores=100, memory=1e9) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--minutes", "0"), "--minutes 0: expected more than 0"),
        (("--minutes", "5", "--jobs", "-1"), "--jobs -1: expected 1 or more"),
        (("--minutes", "5", "--only", "step"), "--only step: no such part (did you mean 'steps'?)"),
        (("--minutes", "5", "--dataset", "flower"), "did you mean 'flowers'?"),
        (("--minutes", "5"), "no CUDA device is visible"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    arguments: tuple[str, ...], said: str, day: ModuleType, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert day.main([*arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_part_that_fails_is_recorded_and_the_next_one_runs(
    day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(day, monkeypatch, {"tests": "raise ValueError('broken')", "steps": "print('all well')"})
    assert rehearse(day, tmp_path, "--only", "tests,steps") == 1
    made = records(tmp_path)
    assert (made["tests"]["state"], made["tests"]["said"]) == ("failed", "ValueError: broken")
    assert (made["steps"]["state"], made["steps"]["said"]) == ("done", "all well")
    assert made["steps"]["about"]["date"] and made["steps"]["about"]["packages"]["torch"]
    assert "broken" in (tmp_path / "tests.log").read_text()


def test_a_second_call_does_what_is_missing_first_and_nothing_twice(
    day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = {"tests": "raise SystemExit(1)", "steps": "print('once')"}
    stand_in(day, monkeypatch, programs)
    assert rehearse(day, tmp_path, "--only", "tests,steps") == 1
    order = tmp_path / "order"
    note = "open({!r}, 'a').write({!r})".format
    programs |= {"tests": note(str(order), "tests "), "steps": "raise ValueError('again')"}
    programs["methods"] = note(str(order), "methods ")
    assert rehearse(day, tmp_path, "--only", "tests,steps,methods") == 0
    assert order.read_text() == "methods tests "


def test_a_part_that_takes_too_long_is_cut_in_an_orderly_way(
    day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from the keyboard: what it has can still be written. The next call takes it up again."""
    program = "import time\nprint('begun')\ntry:\n time.sleep(60)\nexcept KeyboardInterrupt:\n print('in order')"
    stand_in(day, monkeypatch, {"tests": program, "steps": "pass"})
    monkeypatch.setattr(day, "LEAST_SECONDS", 0.0)
    assert rehearse(day, tmp_path, "--only", "tests,steps", minutes="0.4") == 1
    made = records(tmp_path)
    assert made["tests"]["state"] == "cut" and made["steps"]["state"] == "done"
    assert made["tests"]["said"] == "in order"
    stand_in(day, monkeypatch, {"tests": "print('whole')"})
    assert rehearse(day, tmp_path, "--only", "tests,steps") == 0


def test_sigterm_ends_the_part_too(
    day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The part sends it to the series that started it."""
    taken: list[int] = []

    def take(number: int, frame: object) -> None:
        taken.append(number)

    before = signal.signal(signal.SIGTERM, take)
    try:
        ends = "import os, signal, time\ntry:\n os.kill(os.getppid(), signal.SIGTERM)\n time.sleep(8)\n"
        stand_in(day, monkeypatch, {"tests": f"{ends}except KeyboardInterrupt:\n print('in order')"})
        assert rehearse(day, tmp_path, "--only", "tests") == 130
        assert signal.getsignal(signal.SIGTERM) is take and not taken
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (tmp_path / "tests.log").read_text() == "in order\n"
    assert capsys.readouterr().err == "gpu_day: stopped; the same command goes on from what is done\n"
    assert records(tmp_path) == {}, "the next call does it again"


def test_a_series_that_is_told_twice_to_end_leaves_no_part_behind(
    day: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    real, send = process.wait, process.send_signal

    def again(limit: float | None = None) -> int:
        monkeypatch.setattr(process, "wait", real)
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "wait", again)
    monkeypatch.setattr(process, "send_signal", lambda number: number == signal.SIGINT or send(number))
    with pytest.raises(KeyboardInterrupt):
        day._end(process)
    assert process.poll() == -signal.SIGKILL


@pytest.mark.parametrize("text", ['{"state": "do', "[]", ""])
def test_a_damaged_record_is_a_line_and_its_part_is_not_done(
    text: str, day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tests.json").write_text(text)
    stand_in(day, monkeypatch, {"tests": "print('again')"})
    assert rehearse(day, tmp_path, "--only", "tests") == 0
    said = capsys.readouterr().out
    assert said.count("set aside as damaged-tests.json, not done") == 1
    assert json.loads((tmp_path / "tests.json").read_text())["said"] == "again"
    assert (tmp_path / "damaged-tests.json").read_text() == text
    (tmp_path / "steps.json").write_text(text)
    assert module("parts").kept(tmp_path / "steps.json") == {} and not (tmp_path / "steps.json").exists()


def test_what_cannot_be_written_is_one_line_and_code_2(
    day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert rehearse(day, tmp_path / "file", "--only", "tests") == 2
    assert capsys.readouterr().err == f"gpu_day: {tmp_path / 'file'}: File exists; make room, or name another --out\n"
    stand_in(day, monkeypatch, {"tests": "pass"})

    def full(path: Path, record: dict[str, Any]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(day, "write_json", full)
    assert rehearse(day, tmp_path / "day", "--only", "tests") == 2
    assert capsys.readouterr().err.startswith(f"gpu_day: {tmp_path / 'day' / 'tests.json'}: No space left on device;")


def test_a_tilde_is_the_home_folder(day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    stand_in(day, monkeypatch, {"tests": "print('home')"})
    assert rehearse(day, Path("~/day"), "--only", "tests", "--data-root", "~/data") == 0
    assert records(tmp_path / "day")["tests"]["said"] == "home"
    asked: list[Path] = []

    def measure(*given: Any) -> None:
        asked.append(given[-1])
        raise UserError("enough")

    monkeypatch.setattr(module("steps"), "measure", measure)
    for out in ("~/steps.json", "~nobody-of-that-name/steps.json"):
        with pytest.raises(SystemExit) as end:
            module("steps").main(["--out", out])
        assert end.value.code == 2
    assert asked == [tmp_path / "steps.json"]
    assert rehearse(day, Path("~nobody-of-that-name/day")) == 2


def test_without_time_no_part_begins(
    day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(day, monkeypatch, {})
    assert rehearse(day, tmp_path, "--only", "tests", minutes="0.1") == 1
    assert "tests: no time left" in capsys.readouterr().out
    assert records(tmp_path) == {}


def test_offline_reaches_the_parts(day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "from mmbench.internet import answers; print(answers('localhost'))"
    stand_in(day, monkeypatch, {"tests": program})
    monkeypatch.setenv("HTTPS_PROXY", "http://localhost:9")
    assert rehearse(day, tmp_path, "--only", "tests") == 0
    assert records(tmp_path)["tests"]["said"] == "False"


def test_step_times_survive_a_method_that_fails_and_are_not_taken_twice(
    day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, out = module("steps"), tmp_path / "steps.json"
    made = steps.measure(["no-such-method", "mmnet"], "smoke", "synthetic", "cpu", 1, out)
    assert list(made["errors"]) == ["no-such-method"] and json.loads(out.read_text()) == made
    assert [row["stage"] for row in made["methods"]["mmnet"]["fp32"]] == ["translate", "align", "re-estimate"]
    assert set(module("lengths").step_times(made["methods"])) == set(MS)
    assert "re-estimate" in steps.table(made)
    monkeypatch.setattr(steps.step, "measure", lambda *_: pytest.fail("taken again"))
    assert steps.measure(["mmnet"], "smoke", "synthetic", "cpu", 1, out)["errors"] == {}


def test_a_rehearsal_leaves_a_folder_that_report_reads(day: ModuleType, tmp_path: Path) -> None:
    assert rehearse(day, tmp_path, "--only", "side-information") == 0
    assert records(tmp_path)["side-information"]["command"].startswith("python -m mmbench run --methods prior")
    assert set(mmbench.results(tmp_path / "runs")["method"]) == {"prior"}


def test_lengths_come_from_the_measured_steps_and_a_second_call_keeps_them(
    day: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for a GPU of 80 GB: 4 cells of 14 GB fit beside each other; each has 4100 steps of 80 ms."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "stand-in")
    card = SimpleNamespace(total_memory=80 * 2**30, major=9, minor=0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda *_: card)
    monkeypatch.setattr("mmbench.training.device._tune_cuda", lambda precision: None)
    monkeypatch.setattr(day, "usable_cores", lambda: 16)
    rows = [{"method": "mmnet", "stage": stage, "ms": 80.0, "memory": 14 * 1024.0} for _, stage in MS]
    (tmp_path / "step-times.json").write_text(json.dumps({"methods": {"mmnet": {"bf16": rows}}}))
    part = module("parts").Part("a", "A", "train", methods=("mmnet",), seeds=(0, 1, 2, 3))
    where = module("parts").Where(tmp_path, "cuda")
    first = day.Series([part], where, minutes=14.5, jobs=0, rehearse=False)
    first.ends = time.monotonic() + 870.0
    sets, jobs = first._length(part)
    assert jobs == 4
    assert sets["steps"] == pytest.approx(4000 * (0.8 * 870 - 40) / (4 * 328), abs=5)
    later = day.Series([part], where, minutes=1, jobs=3, rehearse=False)
    assert later._length(part) == (sets, 3)


@pytest.mark.slow
def test_a_whole_rehearsal(day: ModuleType, tmp_path: Path) -> None:
    assert rehearse(day, tmp_path, minutes="30") == 0
    assert {record["state"] for name, record in records(tmp_path).items() if name != "step-times"} == {"done"}
