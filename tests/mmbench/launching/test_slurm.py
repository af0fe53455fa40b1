"""What Slurm is asked for, through a made-up submitit; when a job queues itself again; bad options in one line."""

from __future__ import annotations

import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from mmbench.commands.main import main
from mmbench.errors import UserError
from mmbench.launching import launcher as contract
from mmbench.launching.job import Ended
from mmbench.launching.launcher import Work
from mmbench.launching.launchers import slurm
from mmbench.launching.launchers.slurm import Options, Slurm
from mmbench.planning.order import Order, order_of
from mmbench.planning.plan import make_plan

Submitted = list[tuple[str, dict[str, Any], Any, tuple[Any, ...]]]


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> Submitted:
    """What a made-up executor is handed: its folder, parameters, function and arguments."""
    made: Submitted = []
    modules = {name: types.ModuleType(name) for name in ("submitit", "submitit.core", "submitit.core.utils")}

    class FailedJobError(Exception):
        pass

    class Executor:
        def __init__(self, folder: str) -> None:
            self.folder, self.parameters = folder, dict[str, Any]()

        def update_parameters(self, **parameters: Any) -> None:
            self.parameters |= parameters

        def submit(self, function: Any, *arguments: Any) -> Any:
            if self.parameters["partition"] == "nowhere":
                raise FailedJobError("command sbatch failed\nsbatch: error: invalid partition specified: nowhere\n")
            made.append((self.folder, dict(self.parameters), function, arguments))
            return types.SimpleNamespace(job_id=str(100 + len(made)))

    modules["submitit"].SlurmExecutor = Executor  # type: ignore[attr-defined]
    modules["submitit.core.utils"].FailedJobError = FailedJobError  # type: ignore[attr-defined]
    modules["submitit.core.utils"].FailedSubmissionError = RuntimeError  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return made


def test_a_job_asks_for_what_the_options_say(submitted: Submitted, tmp_path: Path) -> None:
    options = {"partition": "long", "gres": "gpu:1", "cpus": 4, "memory": 1.5, "setup": ["module load python"]}
    launcher = Slurm(options, "cluster.toml: [launcher.slurm]", tmp_path / ".runs" / "jobs")
    assert launcher.threads == 4 and not list(tmp_path.iterdir())
    parent = launcher.start(Work("a/b/mmnet/seed-0", '{"one": 1}', 3600.0))
    assert launcher.start(Work("a/b/mmnet-pp/seed-0", '{"two": 2}', 0.0, (parent, "7"))) == "102"
    (folder, first, function, arguments), (other, second, _, _) = submitted
    assert function is slurm.in_job and arguments == ('{"one": 1}',), "a function by its name, and text"
    assert Path(folder).parent == tmp_path / ".runs" / "jobs" and folder == other
    mode, around = (path.stat().st_mode & 0o777 for path in (Path(folder), Path(folder).parent))
    assert mode == around & 0o755, "as readable as all of the run, and nobody else can put a pickle there"
    assert first["dependency"] is None and second["dependency"] == "afterok:101:7"
    assert (first["time"], second["time"]) == (120, 10)
    assert (first["partition"], first["account"], first["gres"], first["mem"]) == ("long", None, "gpu:1", "1536M")
    assert first["cpus_per_task"] == 4 and first["srun_args"] == ["--cpus-per-task=4"]
    assert first["setup"] == ["module load python"] and first["signal_delay_s"] == 120
    assert first["additional_parameters"] == {"requeue": True, "kill-on-invalid-dep": "yes"}
    words = launcher.about([Work("a", "", 3600.0), Work("b", "", 0.0)])
    assert words == (
        "Slurm: partition long, gres gpu:1, cpus 4, memory 1.5 GB, time 10 minutes to 2 hours, "
        "saved 120 seconds before its end; first: module load python"
    )


def test_a_cell_on_several_gpus_asks_for_as_many(submitted: Submitted, tmp_path: Path) -> None:
    work = Work("a", "", 0.0, gpus=2)
    for gres, expected in (("", "gpu:2"), ("gpu:2", "gpu:2"), ("gpu:a100:2", "gpu:a100:2"), ("tmp:5", "tmp:5")):
        launcher = Slurm({"gres": gres} if gres else {}, "cluster.toml: [launcher.slurm]", tmp_path)
        launcher.start(work)
        assert submitted[-1][1]["gres"] == expected
        assert f"gres {expected}" in launcher.about([work])
    for gres in ("gpu", "gpu:1", "gpu:a100", "gpu:a100:4"):
        launcher = Slurm({"gres": gres}, "cluster.toml: [launcher.slurm]", tmp_path)
        with pytest.raises(UserError, match=f"gres '{gres}' is not what --gpus-per-cell 2 needs: expected gpu:2"):
            launcher.about([work])


def test_what_slurm_does_not_take_is_one_line(submitted: Submitted, tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        Slurm({"partition": "nowhere"}, "x", tmp_path).start(Work("a/b/mmnet/seed-0", "", 0.0))
    words = "--launcher slurm: a/b/mmnet/seed-0 was not taken: sbatch: error: invalid partition specified: nowhere"
    assert str(raised.value) == words


@pytest.mark.parametrize(
    ("seconds", "time", "minutes"),
    [(0.0, 0, 10), (299.0, 0, 10), (361.0, 0, 13), (1e9, 0, 1440), (1e9, 30, 30), (0.0, 30, 30)],
)
def test_minutes_of_a_job(seconds: float, time: int, minutes: int) -> None:
    """Twice the estimate, rounded up, from 10 minutes to a day; or what is said."""
    assert Options(time=time).minutes(seconds) == minutes


def test_the_queue_is_read_from_squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\nprintf '1 PENDING\\n2 RUNNING\\n3 OUT_OF_MEMORY\\n4 COMPLETED\\n5 COMPLETING\\n'\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = Slurm({}, "x", tmp_path)
    words = ["", "", "out of memory", "completed", "", "not in the queue any more"]
    assert [found.poll(str(job)) for job in range(1, 7)] == words
    squeue.write_text("#!/bin/sh\necho down >&2\nexit 1\n")
    assert Slurm({}, "x", tmp_path).poll("6") == "", "where Slurm does not answer, nothing is over"


@pytest.mark.parametrize(
    ("ended", "restarts", "requeued", "state", "code"),
    [
        (Ended("done"), "0", False, "absent", 0),
        (Ended("failed", "why"), "0", False, "absent", 1),
        (Ended("interrupted", "", "SIGUSR2", moved=True), "9", True, "absent", 1),
        (Ended("interrupted", "", "SIGUSR2"), "2", True, "absent", 1),
        (Ended("interrupted", "", "SIGUSR2"), "3", False, "failed", 1),
        (Ended("running", "", "SIGUSR2"), "9", True, "absent", 1),
        (Ended("interrupted", "", "SIGTERM", moved=True), "0", False, "absent", 1),
    ],
)
def test_when_a_job_queues_itself_again(
    ended: Ended, restarts: str, requeued: bool, state: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = make_plan(["prior"], "synthetic", "smoke", [0], tmp_path).cells
    called: list[Any] = []
    monkeypatch.setattr(slurm, "carry_out", lambda text: ended)
    monkeypatch.setattr("subprocess.run", lambda command, **_: called.append(command))
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    monkeypatch.setenv("SLURM_RESTART_COUNT", restarts)
    if code:
        with pytest.raises(SystemExit, match="1"):
            slurm.in_job(order_of(cell).to_json())
    else:
        slurm.in_job(order_of(cell).to_json())
    assert called == ([["scontrol", "requeue", "42"]] if requeued else [])
    reason = str(cell.folder.look()[1].get("reason", ""))
    assert cell.folder.state() == ("absent" if state == "absent" else "failed")
    assert reason.startswith("no more of it was saved in 4 jobs") == (state == "failed")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[launcher.slurm]\npartiton = 'x'", "unknown key 'partiton' (did you mean 'partition'?)"),
        ("[launcher.slurn]\n", "no such launcher (did you mean 'slurm'?)"),
        ("[launchers.slurm]\n", "unknown table 'launchers' (did you mean 'launcher'?)"),
        ("launcher = 3", "expected tables such as [launcher.slurm], got 3"),
        ("[launcher]\nslurm = 3", "launcher.slurm: expected a table, got 3"),
        ("[launcher.slurm]\ntime = 2", "warning of 120 seconds, expected less than a job's time of 2 minutes"),
        ("[launcher.slurm]\nwarning = 600", "warning of 600 seconds, expected less than a job's time of 10 minutes"),
        ("[launcher.slurm]\ncpus = 0", "cpus expects 1 or more, got 0"),
        ("[launcher.slurm]\nmemory = inf", "memory expects 0 or more, got inf"),
        ("[launcher.slurm]\ntime = '1:00:00'", "time: expected int, got '1:00:00'"),
    ],
)
def test_bad_options_are_one_line(text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, runs = tmp_path / "cluster.toml", tmp_path / "runs"
    config.write_text(text)
    command = ["run", "--launcher", "slurm", "--launcher-config", str(config), "--dry-run", "--runs", str(runs)]
    assert main([*command, "--methods", "prior", "--profile", "smoke"]) == 2
    error = capsys.readouterr().err
    assert words in error and str(config) in error and error.count("\n") == 1
    assert not runs.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--launcher", "slrum"], "--launcher 'slrum': no such launcher (did you mean 'slurm'?)"),
        (["--detach"], "--detach is for jobs: give --launcher slurm with it"),
        (["--launcher-config", "x.toml"], "--launcher-config is for jobs"),
        (["--launcher", "slurm", "--jobs", "3"], "--jobs 3 is of cells on this machine"),
        (["--launcher", "slurm", "--launcher-config", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["--launcher", "slurm"], "submitit is not installed: pip install 'mmbench[slurm]'"),
    ],
)
def test_bad_words_are_one_line(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["run", *arguments, "--methods", "prior", "--profile", "smoke", "--runs", str(tmp_path / "runs")]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_no_sbatch_is_one_line(monkeypatch: pytest.MonkeyPatch, submitted: Submitted, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: ModuleSpec(name, None, origin="here"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="no sbatch on PATH; give the command on a login node"):
        Slurm({}, "x", tmp_path).check()


def test_a_launcher_is_a_plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "launchers").mkdir()
    (tmp_path / "launchers" / "mine.py").write_text(
        "NAME = 'mine'\nTITLE = 'Mine'\nCLASS = 'Mine'\n\n"
        "class Mine:\n    def __init__(self, options, where, folder):\n        self.threads = options['threads']\n"
    )
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path))
    (tmp_path / "c.toml").write_text("[launcher.mine]\nthreads = 5\n[launcher.slurm]\ncpus = 2\n")
    assert contract.names() == ["local", "mine", "slurm"]
    assert contract.make("mine", tmp_path / "c.toml", tmp_path / "jobs").threads == 5
    assert contract.make("slurm", tmp_path / "c.toml", tmp_path / "jobs").threads == 2


def test_the_order_of_a_job_is_what_a_cell_reads(tmp_path: Path) -> None:
    """Text in one line, without a ticket: the job takes the lock of the cell's folder itself."""
    (cell,) = make_plan(["prior"], "synthetic", "smoke", [0], tmp_path).cells
    text = order_of(cell, threads=2).to_json()
    assert "\n" not in text and Order.from_json(text).ticket == ""
