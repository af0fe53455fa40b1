"""How cells end: what the folder says counts; hangs, dead runs and signals leave a state and a word."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plugging import plug

from mmbench.cell import CellRun
from mmbench.commands import main
from mmbench.launching import scheduler
from mmbench.launching.ends import Outcome
from mmbench.launching.heartbeat import Heartbeat
from mmbench.launching.local import LocalProcess
from mmbench.launching.progress import WAITS, Progress
from mmbench.planning.order import Order, order_of
from mmbench.planning.plan import Cell, make_plan
from mmbench.store.files import write_json
from mmbench.store.folder import CellFolder
from mmbench.store.lock import Lock

NUMBERS = itertools.count()
Cli = Callable[..., subprocess.CompletedProcess[str]]

PRINTS = (
    r"sys.stdout.buffer.write(b'\xff\xfe\n{\"what\": \"x\", \"done\": 1e300, \"total\": -1}\n'); "
    "print(json.dumps({'what': 1, 'done': -5, 'total': 10**400}), flush=True)"
)


def test_the_folder_decides_and_not_the_exit_code(run_cli: Cli, tmp_path: Path) -> None:
    plugins, runs = tmp_path / "plugins", tmp_path / "runs"
    plug(plugins, "vanishes", "os._exit(0)")
    plug(plugins, "child", "pass", parent="vanishes")
    plug(plugins, "prints", PRINTS)
    names = "vanishes,child,prints"
    done = run_cli("run", "--profile", "smoke", "--methods", names, "--runs", str(runs), plugins=plugins)
    cells = runs / "synthetic" / "smoke"
    assert done.returncode == 1
    assert all(f"1 {state}" in done.stdout for state in ("failed", "blocked", "done"))
    assert "vanishes/seed-0: failed" in done.stdout and "exit code 0 and left no result" in done.stdout
    assert "child/seed-0: blocked - waits for synthetic/smoke/vanishes/seed-0, failed" in done.stdout
    assert CellFolder(cells / "vanishes" / "seed-0").state() == "failed"
    assert CellFolder(cells / "prints" / "seed-0").state() == "done"
    assert "Traceback" not in done.stdout + done.stderr and "KeyError" not in done.stdout + done.stderr


@pytest.fixture
def cell_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Cell]:
    """A planned cell of a method with a body of its own."""

    def make(does: str) -> Cell:
        monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path / "plugins"))
        name = f"odd-{next(NUMBERS)}"  # modules are imported once
        plug(tmp_path / "plugins", name, does)
        return make_plan([name], "synthetic", "smoke", [0], tmp_path / "runs").cells[-1]

    return make


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("sys.exit(0)", "SystemExit: 0"),
        (r"raise ValueError('half a pair: \ud800')", "ValueError: half a pair: \ud800"),
        ("raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()", "Mute: its text cannot be made"),
    ],
)
def test_whatever_a_method_raises_leaves_word(
    does: str, reason: str, cell_of: Callable[[str], Cell], cache_folder: Path
) -> None:
    cell = cell_of(does)
    code = CellRun(order_of(cell, cache_folder=cache_folder, device="cpu", threads=1), lambda *_: None).run()
    failed = json.loads((cell.folder.path / "failed.json").read_text())
    assert (code, failed) == (1, {"state": "failed", "reason": reason})
    assert (cell.folder.path / "traceback.txt").read_bytes()
    assert Outcome(cell, "failed", message="x").line.endswith(f"failed - x ({cell.folder.path / 'traceback.txt'})")
    assert Outcome(cell, "done").line.endswith("done"), "of an earlier try"
    assert not cell.folder.is_locked() and not (cell.folder.path / "progress.json").exists()


class Endless:
    """A process that never ends by itself."""

    def __init__(self, cell: Cell, order: Order, slot: int, say: Callable[[str], None], lock: Lock) -> None:
        lock.release()
        self.cell, self.slot, self.stopped = cell, slot, False
        write_json(cell.folder.path / "cell.json", {"key": cell.key})

    def poll(self) -> None:
        """It has not."""

    def stalled(self, seconds: float) -> bool:
        assert seconds == 90
        return True

    def fail(self, reason: str) -> Outcome:
        self.cell.folder.set_failed("failed", reason)
        return Outcome(self.cell, "failed", message=reason)

    def ask(self) -> None:
        """It does not listen."""

    def stop(self, patience: float = 0.0) -> str:
        assert 0 <= patience <= scheduler.PATIENCE
        return "saved at step 3 of 9"


def test_what_does_not_move_is_ended(cell_of: Callable[[str], Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "LocalProcess", Endless)
    cell, said = cell_of("pass"), list[str]()
    plan = make_plan([cell.method], "synthetic", "smoke", [0], cell.folder.path.parents[3])
    (outcome,) = scheduler.execute([plan], scheduler.Options(say=said.append, stall_minutes=1.5))
    assert outcome.state == cell.folder.state(cell.key) == "failed"
    assert "did not move for 1.5 minutes (--stall-minutes)" in said[-1]


def test_an_interrupted_run_says_what_is_saved(cell_of: Callable[[str], Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "LocalProcess", Endless)
    monkeypatch.setattr(Endless, "stalled", lambda self, seconds: (_ for _ in ()).throw(KeyboardInterrupt))
    cell, said = cell_of("pass"), list[str]()
    plan = make_plan([cell.method], "synthetic", "smoke", [0], cell.folder.path.parents[3])
    with pytest.raises(KeyboardInterrupt):
        scheduler.execute([plan], scheduler.Options(say=said.append))
    assert said == [f"{cell.name}: stopped, saved at step 3 of 9"]


def test_a_cell_whose_run_is_asked_to_end_saves_itself(cell_of: Callable[[str], Cell], cache_folder: Path) -> None:
    cell = cell_of("time.sleep(0.1)")
    lock = cell.folder.lock()
    lock.take()
    order = order_of(cell, cache_folder=cache_folder, device="cpu", threads=1)
    process = LocalProcess(cell, order, 0, lambda line: None, lock)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (process.latest and process.latest.what == "train"):
        time.sleep(0.05)
    process.ask()
    assert process.stop(patience=60).startswith("saved at step ")
    assert cell.folder.state(cell.key) == "interrupted" and not cell.folder.is_locked()


@pytest.mark.parametrize(("what", "stalled"), [("translate", True), (WAITS, False)])
def test_a_cell_that_waits_for_another_run_does_not_hang(what: str, stalled: bool) -> None:
    process = LocalProcess.__new__(LocalProcess)
    process.latest, process.moved = Progress(what, 1, 2), time.monotonic() - 61
    assert process.stalled(60) is stalled
    assert not process.stalled(120)


def test_progress_and_process_stand_in_the_folder(tmp_path: Path) -> None:
    told: list[Any] = []
    with Heartbeat(tmp_path, lambda *what: told.append(what)) as heart:
        heart("translate", 3, 9)
        heart.write(ended="its run has died")
        found = json.loads((tmp_path / "progress.json").read_text())
    assert told == [("translate", 3, 9)]
    assert (found["what"], found["done"], found["total"], found["process"]) == ("translate", 3, 9, os.getpid())
    assert found["host"] and found["time"] >= found["moved"] and found["ended"] == "its run has died"
    assert list(tmp_path.iterdir()) == []


def test_a_cell_ends_with_its_run_and_its_lock_is_free(cell_of: Callable[[str], Cell], cache_folder: Path) -> None:
    """The other end of its standard input is closed, as the kernel does when a run dies; the method hangs."""
    cell = cell_of("time.sleep(1e6)")
    order = order_of(cell, cache_folder=cache_folder, device="cpu", threads=1)
    process = subprocess.Popen(
        [sys.executable, "-m", "mmbench.cell"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    process.stdin.write(order.to_json() + "\n")
    process.stdin.flush()
    deadline = time.monotonic() + 120
    while not (cell.folder.path / "cell.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert cell.folder.state() == "running"
    process.stdin.close()
    assert process.wait(timeout=60) != 0
    assert cell.folder.state() == "interrupted"
    assert "its run has died" in (cell.folder.path / "progress.json").read_text()


def test_sigterm_does_what_ctrl_c_does_while_a_command_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(main, "_parser", lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert main.main(["list"]) == 130
    assert "goes on from what is saved" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_forked_worker_does_not_hold_the_lock(tmp_path: Path) -> None:
    lock = Lock(tmp_path / ".lock")
    lock.take()
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(there, b"x")
        time.sleep(60)
        os._exit(0)
    try:
        os.read(here, 1)
        lock.release()
        assert not Lock(tmp_path / ".lock").is_held()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
