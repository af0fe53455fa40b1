"""A cell in somebody else's job: signals are passed on, the folder tells how it ended, and the next job goes on."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from plugging import plug

from mmbench.launching import job
from mmbench.launching.ends import how
from mmbench.launching.heartbeat import Heartbeat
from mmbench.planning.order import order_of
from mmbench.planning.plan import Cell, make_plan
from mmbench.store.folder import CellFolder
from mmbench.store.living import STOPPED


def cell_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, does: str, **overrides: int) -> Cell:
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path / "plugins"))
    plug(tmp_path / "plugins", name, does)
    changes = {f"profile.{key}": value for key, value in overrides.items()}
    return make_plan([name], "synthetic", "smoke", [0], tmp_path / "runs", overrides=changes).cells[-1]


def signal_at_step(cell: Cell, step: int) -> None:
    """Send this process a signal when the cell is so far, as its log says."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if cell.folder.log.exists() and cell.folder.log.read_text().count("\n") >= step:
            break
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGUSR2)


def test_a_signal_saves_and_the_next_job_ends_the_cell(
    tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    does = "print('a word of the method') or time.sleep(0.1)"
    cell = cell_of(tmp_path, monkeypatch, "naps-in-a-job", does, steps=60, checkpoint_every=1000, log_every=1)
    text = order_of(cell, cache_folder=cache_folder, device="cpu", threads=1).to_json()
    before = signal.getsignal(signal.SIGUSR2)
    watcher = threading.Thread(target=signal_at_step, args=(cell, 3), daemon=True)
    watcher.start()
    ended = job.carry_out(text)
    watcher.join()
    saved = cell.folder.saved_step()
    assert (ended.state, ended.asked, ended.moved) == ("interrupted", "SIGUSR2", True)
    assert 3 <= saved < 60 and ended.message == f"asked to end by SIGUSR2, saved at step {saved}"
    assert cell.folder.state(cell.key) == "interrupted" and cell.folder.word() == ended.message
    assert signal.getsignal(signal.SIGUSR2) == before
    assert job.carry_out(text).state == "done" and cell.folder.word() == ""
    steps = [json.loads(line)["total_step"] for line in cell.folder.log.read_text().splitlines()]
    assert steps == list(range(1, 61)), "each step once"
    assert job.carry_out(text) == job.Ended("done"), "a cell that is done is left alone"


def test_what_failed_says_why(tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = cell_of(tmp_path, monkeypatch, "raises-in-a-job", "raise RuntimeError('broken')")
    ended = job.carry_out(order_of(cell, cache_folder=cache_folder, device="cpu", threads=1).to_json())
    assert ended.state == cell.folder.state() == "failed"
    assert ended.message == "raises-in-a-job: failed: RuntimeError: broken"


@pytest.mark.parametrize(
    ("code", "word", "expected"),
    [
        (4, "asked to end by SIGUSR2, saved at step 3", ("interrupted", "asked to end by SIGUSR2, saved at step 3")),
        (-9, "", ("interrupted", "its process was ended by SIGKILL")),
        (0, "", ("failed", "its process ended with exit code 0 and left no result: last line")),
    ],
)
def test_the_folder_tells_how_a_process_ended(code: int, word: str, expected: tuple[str, str], tmp_path: Path) -> None:
    folder = CellFolder(tmp_path)
    (tmp_path / "cell.json").write_text('{"key": "k"}')
    if word:
        Heartbeat(tmp_path, lambda *_: None).write(ended=word)
    assert how(folder, "k", code, "" if code else "last line") == expected
    assert folder.state("k") == expected[0]


def test_a_process_that_is_asked_to_end_while_data_are_prepared_has_not_failed(tmp_path: Path) -> None:
    """Nothing of the cell is begun then: there is no ``cell.json``."""
    Heartbeat(tmp_path, lambda *_: None).write(ended="asked to end by SIGUSR2, nothing of it is saved yet")
    ended = how(CellFolder(tmp_path), "k", STOPPED, "")
    assert ended == ("interrupted", "asked to end by SIGUSR2, nothing of it is saved yet")
    assert CellFolder(tmp_path).state("k") == "absent"


def test_what_another_run_has_taken_over_is_not_called_failed(tmp_path: Path) -> None:
    folder = CellFolder(tmp_path)
    with folder.lock():
        assert how(folder, "k", 1, "another process took it over") == ("running", "")
    assert not (tmp_path / "failed.json").exists()
