"""TensorBoard's page in a browser, and Weights & Biases: what it is asked for, and what it writes offline."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from browsing import browse, chromium

from mmbench.tracking.sink import Run, Step
from mmbench.tracking.sinks.tensorboard import TensorBoard
from mmbench.tracking.sinks.wandb import WeightsAndBiases
from mmbench.tracking.tracker import Tracker

NAME = "synthetic/smoke/mmnet/seed-0"
PICTURES = {"samples/a": np.full((8, 8, 3), 200, np.uint8)}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """The address of a TensorBoard over two event files of one cell."""
    pytest.importorskip("tensorboard")
    folder = tmp_path / NAME / "tensorboard"
    folder.mkdir(parents=True)
    for number in (1, 2):
        sink = TensorBoard(Run(NAME, folder, {}))
        sink.log(Step(number, "s", number), {"lr": 0.1, "losses/latent": 1.0 / number}, PICTURES)
        sink.close()
    said = tmp_path / "said"
    with said.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", str(tmp_path), "--port", "0", "--host", "127.0.0.1",
             "--load_fast=false"],
            stdout=file, stderr=file,
        )  # fmt: skip
    try:
        ends = time.monotonic() + 120
        while "http://127.0.0.1:" not in said.read_text():
            assert process.poll() is None and time.monotonic() < ends, said.read_text()
            time.sleep(0.2)
        yield next(word for word in said.read_text().split() if word.startswith("http://127.0.0.1:"))
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def browser() -> str:
    return chromium()


def test_tensorboard_shows_a_cell_in_a_browser(browser: str, page: str) -> None:
    options = (
        "--headless=new", "--window-size=1500,4000", "--virtual-time-budget=60000", "--dump-dom",
        f"{page}?tagFilter=.#timeseries",
    )  # fmt: skip
    shown = ""
    for _ in range(5):  # the event files are read in the background
        shown = browse(browser, *options).stdout
        if "losses/latent" in shown:
            break
    assert f"{NAME}/tensorboard" in shown.replace("<wbr>", "")
    assert all(name in shown for name in ("losses/latent", "samples/a"))


class Asked:
    """A stand-in for the package that notes what it is asked for."""

    def __init__(self) -> None:
        self.inits: list[dict[str, Any]] = []
        self.logs: list[tuple[dict[str, Any], int]] = []
        self.finished = 0

    def init(self, **options: Any) -> Any:
        self.inits.append(options)
        return SimpleNamespace(log=lambda values, step: self.logs.append((values, step)), finish=self.finish)

    def finish(self) -> None:
        self.finished += 1

    def Settings(self, **options: Any) -> dict[str, Any]:  # noqa: N802
        return options

    def Image(self, picture: np.ndarray) -> tuple[int, ...]:  # noqa: N802
        return picture.shape


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked()
    monkeypatch.setitem(sys.modules, "wandb", made)
    for name in ("WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    return made


def test_weights_and_biases_is_asked_for_one_offline_run_of_a_cell(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "wandb"
    folder.mkdir()
    for number in (1, 2):
        sink = WeightsAndBiases(Run(NAME, folder, {"method": "mmnet"}))
        sink.log(Step(number, "s", number), {"lr": 0.1}, PICTURES)
        sink.close()
        monkeypatch.setenv("WANDB_MODE", "online")
        monkeypatch.setenv("WANDB_PROJECT", "mine")
    first, second = asked.inits
    assert (first["name"], first["group"], first["project"]) == (NAME, "synthetic/smoke/mmnet", "mmbench")
    assert first["config"] == {"method": "mmnet"}
    assert (first["mode"], second["mode"], second["project"]) == ("offline", "online", "mine")
    assert first["id"] == second["id"] and first["resume"] == "allow"
    assert first["settings"]["console"] == "off", "what a cell prints is its progress"
    assert asked.logs == [({"lr": 0.1, "samples/a": (8, 8, 3)}, 1), ({"lr": 0.1, "samples/a": (8, 8, 3)}, 2)]
    assert asked.finished == 2
    (tmp_path / "other").mkdir()
    WeightsAndBiases(Run(NAME, tmp_path / "other", {}))
    assert asked.inits[-1]["id"] != first["id"], "another runs folder is another run"


def test_weights_and_biases_writes_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("wandb")
    for name in ("WANDB_MODE", "WANDB_PROJECT", "WANDB_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    tracker = Tracker(["wandb"], NAME, tmp_path, {"method": "mmnet"}, 1)
    tracker.log(Step(1, "s", 1), {"lr": 0.1}, 1, lambda: PICTURES)
    tracker.close()
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    assert list(run.glob("*.wandb")) and list(run.glob("files/media/images/samples/*.png"))
    assert capfd.readouterr().out == "", "standard output is a cell's progress"
