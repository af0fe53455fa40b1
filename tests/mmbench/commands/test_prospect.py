"""The plan that ``run`` prints: its lines, its estimates, and when this machine is measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mmbench.commands import prospect
from mmbench.commands.main import main
from mmbench.commands.prospect import Prospect
from mmbench.launching import scheduler
from mmbench.launching.calibration import Question
from mmbench.launching.scheduler import Options
from mmbench.planning.estimate import speed_key
from mmbench.planning.outlook import wanted
from mmbench.planning.plan import Plan, make_plan
from mmbench.store import machine
from mmbench.store.files import write_json
from mmbench.store.machine import Machine, Speed

Show = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def two_cores_without_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scheduler, "cuda_present", lambda: False)
    monkeypatch.setattr(scheduler, "usable_cores", lambda: 2)
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "cache"))


def dry(tmp_path: Path, capsys: Show, *more: str) -> list[str]:
    assert main(["run", "--dry-run", "--methods", "mmnet,mmnet-pp", "--runs", str(tmp_path / "runs"), *more]) == 0
    return capsys.readouterr().out.splitlines()


def plan(tmp_path: Path, profile: str = "laptop") -> Plan:
    return make_plan(["mmnet", "mmnet-pp"], "synthetic", profile, [0], tmp_path / "runs")


def keep(tmp_path: Path, stages: dict[str, float], profile: str = "laptop") -> None:
    """A calibration of both methods, in which every named stage takes so many milliseconds a step."""
    made = plan(tmp_path, profile)
    here = scheduler.where(Machine(), Options(), len(made.cells))
    speed = Speed(stages, 1.0, 10, 1_000_000)
    speeds = {speed_key(here, made.profile, one, made.data.modalities): speed for one in wanted(made.cells).values()}
    machine.write(tmp_path / "cache", Machine(True, (), 10.0, speeds, {f"synthetic/{made.profile.size}": 0.1}))


def test_a_plan_by_a_rough_guess(tmp_path: Path, capsys: Show) -> None:
    """3000 training images of each of two groups, 100 + 300 more; 48 x 48 x (3 + 4 + 1) bytes each."""
    lines = dry(tmp_path, capsys)
    assert [line.split("~")[1].split() for line in lines[1:3]] == [
        ["4", "minutes", "absent"],
        ["64", "seconds", "absent,", "after", "mmnet"],
    ]
    assert lines[3] == "2 cells, about 7 minutes left, 2 at a time (a rough guess)."
    assert lines[4] == (
        f"Disk: 118 MB in {tmp_path / 'cache'} for the data, about 23 MB in the runs folder. GPU: not asked yet."
    )
    assert not (tmp_path / "cache" / machine.FILE).exists(), "a dry run only reads"


def test_a_plan_by_a_calibration(tmp_path: Path, capsys: Show) -> None:
    """mmnet: 10 s + 2140 x 300 ms + 300 images x 10 x 1 ms = 655 s; +PP behind it: 10 + 340 x 300 ms + 3 = 115 s; and
    the data, 6400 x 0.1 s."""
    keep(tmp_path, dict.fromkeys(("translate", "align", "re-estimate", "pseudo-pairs"), 300.0))
    lines = dry(tmp_path, capsys)
    assert "~ 11 minutes  absent" in lines[1] and "~  2 minutes  absent" in lines[2]
    assert lines[3] == "2 cells, about 24 minutes left, 2 at a time (from a calibration on this machine)."
    assert lines[4].endswith("about 24 MB in the runs folder. GPU: none.")


def test_what_is_saved_of_a_cell_is_not_counted_again(tmp_path: Path, capsys: Show) -> None:
    """Of mmnet's 2140 steps 1605 are saved, three quarters; nothing of them counts for another key."""
    keep(tmp_path, dict.fromkeys(("translate", "align", "re-estimate", "pseudo-pairs"), 300.0))
    cell = plan(tmp_path).cells[0]
    saved = cell.folder.checkpoints / "step-1605"
    saved.mkdir(parents=True)
    (cell.folder.checkpoints / "latest").write_text("step-1605")
    write_json(cell.folder.path / "cell.json", {"key": cell.key})
    assert "~  3 minutes  interrupted" in dry(tmp_path, capsys)[1]
    write_json(cell.folder.path / "cell.json", {"key": "another"})
    assert "~ 11 minutes  interrupted" in dry(tmp_path, capsys)[1]


def test_the_papers_sizes_on_a_cpu_need_a_gpu(tmp_path: Path, capsys: Show) -> None:
    keep(tmp_path, dict.fromkeys(("translate", "align", "re-estimate", "pseudo-pairs"), 20000.0), "paper")
    lines = dry(tmp_path, capsys, "--profile", "paper")
    # 400 500 and 100 500 steps of 20 s behind each other: 116 days
    assert lines[3] == "2 cells, needs a GPU: about 116 days here, 2 at a time (from a calibration on this machine)."


def test_a_calibration_of_another_machine_is_said_and_not_believed(
    tmp_path: Path, capsys: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, {"translate": 1e9})
    monkeypatch.setattr(machine, "cpu_name", lambda: "64 x another")
    first, *lines = dry(tmp_path, capsys)
    assert first.startswith(f"{tmp_path / 'cache' / machine.FILE} is of another machine (")
    assert first.endswith("): `run` measures again.")
    assert lines[3] == "2 cells, about 7 minutes left, 2 at a time (a rough guess)."


def test_what_is_done_leaves_nothing_and_never_0_minutes(tmp_path: Path, capsys: Show) -> None:
    made = plan(tmp_path)
    for cell in made.cells:
        timing = {"seconds": 0.001, "steps": 1.0}
        write_json(cell.folder.path / "result.json", {"key": cell.key, "timing": timing})
        lines = dry(tmp_path, capsys)
        left = {"mmnet": "2 cells, about 3 minutes left", "mmnet-pp": "2 cells, all done."}[cell.method]
        assert lines[3].startswith(left)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The methods that each calibration was asked for; its answers are empty."""
    calls: list[list[str]] = []

    def calibrate(known: Machine, questions: list[Question], jobs: int, say: object) -> Machine:
        calls.append([question.order.method for question in questions])
        speeds = {question.key: Speed({"translate": 100.0}) for question in questions}
        samples = {question.samples: 0.01 for question in questions if question.samples}
        return Machine(True, (), 5.0, {**known.speeds, **speeds}, {**known.samples, **samples})

    monkeypatch.setattr(prospect, "calibrate", calibrate)
    return calls


def test_a_long_run_measures_once_methods_before_variants(tmp_path: Path, asked: list[list[str]]) -> None:
    made = make_plan(["mmnet-pp", "cyclegan"], "synthetic", "laptop", [0, 1], tmp_path / "runs")
    for _ in range(2):
        Prospect([made], Options()).prepare(measure=True)
    assert asked == [["mmnet", "cyclegan", "mmnet-pp"]]
    assert machine.read(tmp_path / "cache").samples == {"synthetic/48": 0.01}


def test_a_short_run_and_a_dry_one_measure_nothing(tmp_path: Path, asked: list[list[str]]) -> None:
    Prospect([plan(tmp_path, "smoke")], Options()).prepare(measure=True)
    Prospect([plan(tmp_path)], Options()).prepare(measure=False)
    assert asked == []


def test_another_machines_calibration_is_taken_again(
    tmp_path: Path, asked: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: Show
) -> None:
    Prospect([plan(tmp_path)], Options()).prepare(measure=True)
    monkeypatch.setattr(machine, "cpu_name", lambda: "64 x another")
    Prospect([plan(tmp_path)], Options()).prepare(measure=True)
    assert "): measured again.\n" in capsys.readouterr().out
    assert len(asked) == 2
    assert machine.read(tmp_path / "cache").why == ""


def test_what_is_left_is_told_while_it_is_done(tmp_path: Path) -> None:
    made = Prospect([plan(tmp_path)], Options())
    left = made.remaining()
    names = ["synthetic/laptop/mmnet/seed-0", "synthetic/laptop/mmnet-pp/seed-0"]
    assert list(left.estimates) == names
    assert left.waits == {names[0]: [], names[1]: names[:1]}
    assert left.left({}) == pytest.approx(made.looks[0].seconds)


@pytest.mark.parametrize(
    ("arguments", "unloaded"),
    [(["--help"], "numpy"), (["run", "--help"], "numpy"), (["papers"], "torch"), (["run", "--dry-run"], "torch")],
)
def test_what_only_tells_loads_little_and_asks_for_no_device(
    arguments: list[str], unloaded: str, tmp_path: Path
) -> None:
    code = (
        "import sys, subprocess\nfrom mmbench.commands.main import main\n"
        "def no(*_, **__): raise AssertionError('a process was started')\n"
        "subprocess.Popen = no\n"
        f"try:\n    main({arguments})\nexcept SystemExit:\n    pass\nassert '{unloaded}' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    if arguments in (["papers"], ["run", "--dry-run"]):
        assert "GPU: not asked yet." in done.stdout
