"""A process that is asked to end saves the step under way, and what goes on from there ends with the same bits."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mmbench.store.folder import CellFolder
from mmbench.store.living import SIGNALS
from mmbench.training import checkpoint
from mmbench.training.device import Compute
from mmbench.training.loop import Intervals, train
from mmbench.training.stopping import Stop, StoppedError

CPU = Compute(torch.device("cpu"), "fp32")
SELDOM = Intervals(log=3, checkpoint=1000, observe=1000)


@pytest.fixture
def stop() -> Iterator[Stop]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    made = Stop()
    made.listen()
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


def trained(bench: Any, folder: Path, stop: Stop | None = None, at: int = 0) -> dict[str, torch.Tensor]:
    """The weights after training; at a step the process is sent a signal."""
    method, resolved = bench.build("mmnet")
    folder.mkdir(exist_ok=True)

    def progress(stage: str, done: int, total: int) -> None:
        if done == at:
            os.kill(os.getpid(), signal.SIGUSR2)

    train(
        method, resolved.stages, bench.loader("mmnet"), CellFolder(folder), CPU, seed=0, intervals=SELDOM,
        progress=progress, stop=stop,
    )  # fmt: skip
    return dict(method.state_dict())


def test_the_step_under_way_is_saved_and_the_rest_is_the_same_bits(bench: Any, tmp_path: Path, stop: Stop) -> None:
    whole = trained(bench, tmp_path / "whole")
    with pytest.raises(StoppedError, match="SIGUSR2"), stop.deferred():
        trained(bench, tmp_path / "parts", stop, at=1)
    found = checkpoint.latest(tmp_path / "parts" / "checkpoint")
    assert found is not None and found.name == "step-2", "the signal came between two steps, and the next is the last"
    parts = trained(bench, tmp_path / "parts")
    assert whole.keys() == parts.keys() and all(torch.equal(whole[name], parts[name]) for name in whole)
    logs = [(tmp_path / name / "log.jsonl").read_text() for name in ("whole", "parts")]
    assert logs[0] == logs[1] and logs[0]


def test_a_signal_that_comes_with_the_last_step_stops_after_it(bench: Any, tmp_path: Path, stop: Stop) -> None:
    _, resolved = bench.build("mmnet")
    total = sum(stage.steps for stage in resolved.stages)
    with pytest.raises(StoppedError), stop.deferred():
        trained(bench, tmp_path, stop, at=total)
    assert CellFolder(tmp_path).saved_step() == total


@pytest.mark.parametrize("number", SIGNALS)
def test_elsewhere_it_stops_at_once_and_once(number: signal.Signals, stop: Stop) -> None:
    with pytest.raises(StoppedError, match=number.name):
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    assert stop.asked == number.name


def test_a_worker_that_was_forked_is_not_meant(stop: Stop) -> None:
    child = os.fork()
    if child == 0:
        try:
            os.kill(os.getpid(), signal.SIGUSR2)
        finally:
            os._exit(1 if stop.asked else 0)
    assert os.waitpid(child, 0)[1] == 0
    assert not stop.asked
