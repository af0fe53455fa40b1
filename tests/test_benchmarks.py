"""The benchmarks run and count what they say they count; how fast anything is depends on the machine."""

from __future__ import annotations

import importlib
import math
import sys
from dataclasses import astuple
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from mmbench.datasets.nyu13 import rooms_task

from mmbench.planning import papers
from mmbench.planning.estimate import Here
from mmbench.planning.tables import Estimates, progress
from mmbench.store.machine import Machine
from mmbench.store.prepared import row_bytes
from mmbench.task import Access
from mmbench.training.device import Compute

CPU = Compute(torch.device("cpu"), "fp32")


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    return importlib.import_module("benchmarks.step")


def test_one_row_per_stage_with_finite_numbers(step: ModuleType) -> None:
    rows = step.measure("mmnet", "smoke", "synthetic", CPU, steps=1, side=64)
    assert [(row.method, row.stage) for row in rows] == [
        ("mmnet", "translate"), ("mmnet", "align"), ("mmnet", "re-estimate")
    ]  # fmt: skip
    for row in rows:
        numbers = astuple(row)[2:]
        assert all(math.isfinite(number) and number > 0 for number in numbers), row
        # Two groups of pairs, two images per pair and group in profile smoke.
        assert row.images == pytest.approx(8 / (row.ms / 1000))
        assert row.share == pytest.approx(100 * row.gflop / (row.ms / 1000) / row.product)
    translate, align, _ = rows
    assert align.gflop > translate.gflop, "autoencoders are work"


def test_gradient_penalties_are_counted(step: ModuleType) -> None:
    (row,) = step.measure("stargan-paired", "smoke", "synthetic", CPU, steps=1, side=64)
    assert row.gflop > 0


def test_flops_are_the_convolutions_of_forward_and_backward(step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 3 x 3 convolution of 3 to 4 channels: 2 * 9 * 3 * 4 per pixel, and as many for the gradient of its weights."""
    monkeypatch.setattr(
        step, "train_step", lambda method, stage, number, batches, *rest: _first_convolution(method, batches[0])
    )
    rows = step.measure("mmnet", "smoke", "synthetic", CPU, steps=1, side=64)
    pixels = 2 * 16 * 16
    assert rows[0].gflop == pytest.approx(2 * pixels * 2 * 9 * 3 * 4 / 1e9)


def test_steps_and_products_take_turns_by_cpu_time(step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that only works move: a step takes 2 s and a product of side 64 half a second."""
    timing = importlib.import_module("benchmarks.timing")
    clock, order = [0.0], []

    def work(name: str, takes: float) -> None:
        clock[0] += takes
        order.append(name)

    monkeypatch.setattr(timing.time, "process_time", lambda: clock[0])
    monkeypatch.setattr(step, "product", lambda compute, side: (lambda: work("product", 0.5), 2.0 * side**3))
    monkeypatch.setattr(step, "training", lambda ready, stage, compute: lambda: work("step", 2.0))
    row = step.measure("mmnet", "smoke", "synthetic", CPU, steps=3, side=64)[0]
    assert order[step.WARM_UP : step.WARM_UP + 6] == ["step", "product"] * 3
    assert row.ms == 2000.0
    assert row.product == pytest.approx(2 * 64**3 / 0.5 / 1e9)


def test_a_cpu_gets_one_thread_as_cells_have(step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(step.device, "use_threads", given.append)
    step.main(["--profile", "smoke", "--steps", "1", "--device", "cpu"])
    assert given == [1]


def _first_convolution(method: Any, batch: dict[str, dict[str, torch.Tensor]]) -> None:
    convolution = next(m for m in method.encoders["rgb"].modules() if isinstance(m, torch.nn.Conv2d))
    convolution.requires_grad_(True)
    convolution(batch["rgb+depth"]["rgb"]).sum().backward()


@pytest.mark.parametrize("access", list(Access))
def test_noise_has_what_the_guard_allows(step: ModuleType, access: Access) -> None:
    from mmbench.datasets.flowers import TASK

    made = step.noise_batch(TASK, access, 3, 8, 10, torch.device("cpu"))
    triplet, judged = {"theta1", "theta2", "theta3"}, {"theta3", "label"}
    expected = {
        Access.SEEN_GROUPS: {"theta1+theta2": {"theta1", "theta2"}, "theta1+theta3": {"theta1", "theta3"}},
        Access.UNPAIRED: {"theta1": {"theta1"}, "theta2": {"theta2"}, "theta3": {"theta3"}},
        Access.TRUE_PAIRS: {"theta1+theta2": triplet, "theta1+theta3": triplet},
        Access.LABELLED: {"theta1+theta2": judged, "theta1+theta3": judged},
    }
    assert {name: set(tensors) for name, tensors in made.items()} == expected[access]
    assert all(len(tensor) == 3 for tensors in made.values() for tensor in tensors.values())


def test_loading_and_metrics_give_rates(step: ModuleType) -> None:
    throughput = importlib.import_module("benchmarks.throughput")
    made = [
        throughput.loading(16, 32, seconds=0.0),
        throughput.reading(16, 32, seconds=0.0),
        *throughput.metrics(16, CPU.device, seconds=0.0).values(),
    ]
    assert len(made) == 5
    assert all(math.isfinite(value) and value > 0 for value in made)


@pytest.mark.parametrize("name", ["mmnet-domains", "cyclegan-domains", "stargan"])
def test_a_step_over_all_domains_is_timed(step: ModuleType, name: str) -> None:
    row = importlib.import_module("benchmarks.domains").measure(name, 3, "smoke", steps=1)
    assert (row.method, row.domains) == (name, 3)
    assert row.ms > 0 and row.share == pytest.approx(row.ms / 3)


def test_rates_of_widths(step: ModuleType) -> None:
    """Twice the width is 4 x the work, but for the layers at the image, where it is twice."""
    widths = importlib.import_module("benchmarks.widths")
    narrow, wide = widths.measure([8, 16], "smoke", CPU, steps=1)
    assert (narrow.width, wide.width) == (8, 16)
    assert 2 < wide.forward_gflop / narrow.forward_gflop < 4
    assert 1.5 < wide.backward_gflop / wide.forward_gflop < 2, "the images need no gradient"
    assert wide.forward == pytest.approx(1000 * wide.forward_gflop / wide.forward_ms)


def test_bad_widths_are_one_line(step: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module("benchmarks.widths").main(["--widths", "24,x"])
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error == "--widths 24,x: expected whole numbers above 0, such as 24,32\n"


def test_a_large_data_set_is_listed_planned_prepared_and_mended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    large = importlib.import_module("benchmarks.large")
    for name in ("MMBENCH_PLUGINS", "MMBENCH_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))  # which puts back what the program sets
    assert large.main(["--samples", "3000", "--prepared", "2000", "--processes", "2"]) == 0
    out = capsys.readouterr().out
    for line in ("list 3000 samples", "plan, once more", "prepare 2000 samples, 2 at once", "6 images of 1 shards"):
        assert line in out
    assert "one of 1 shards damaged" in out
    numbers = [float(word) for row in out.splitlines() for word in row.split()[-3:] if word.replace(".", "").isdigit()]
    assert numbers and all(math.isfinite(number) and number >= 0 for number in numbers)
    with pytest.raises(RuntimeError, match="a mistake"):
        large.measured("nothing", [sys.executable, "-c", "raise SystemExit('a mistake')"])


def test_capacity_is_what_the_plans_go_by(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    capacity = importlib.import_module("benchmarks.capacity")
    known = Estimates(Here(Machine(), "cuda", "auto", 1))
    usual, twice = capacity.shares(100.0, 2), capacity.shares(200.0, 2)
    for name, table in papers.papers().tables.items():
        expected = progress(table, known, range(2), tmp_path, None)
        assert usual[name].cells == expected.cells
        assert usual[name].hours == pytest.approx(expected.seconds / 3600), "100 ms is the profile's own guess"
        assert usual[name].hours < twice[name].hours < 2 * usual[name].hours, "a process's start stays what it is"
    tables = [usual[name] for name in papers.papers().tables]
    *_, together, many = usual.values()
    assert max(one.cells for one in tables) < together.cells < sum(one.cells for one in tables)
    assert many.cells == 100 * 20 * 10
    mmnet, start = known.wanted("mmnet", "paper", "cross-modal", tmp_path).config.steps, 8.0
    (seconds,) = (one.seconds for _, one in capacity.cells(
        papers.find("cvpr-figure-7"), known, 60.0, [0]).values())  # fmt: skip
    assert seconds == pytest.approx(start + mmnet * 0.06 * 1.05), "COST 1, and a share for the evaluation"
    assert capacity.main(["--seeds", "1"]) == 0
    assert (
        "| scenenet-51k                 |    51,000 |      256 |              524 |          26.7 |"
        in capsys.readouterr().out
    )


def test_capacity_knows_how_large_images_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    images = importlib.import_module("benchmarks.capacity").IMAGES
    for name, module in (("flowers", "flowers"), ("freiburg", "freiburg")):
        task = importlib.import_module(f"mmbench.datasets.{module}").TASK
        assert images[name][2] == sum(row_bytes(modality, 1) for modality in task.modalities)
    assert images["scenenet-51k"][2] == sum(row_bytes(modality, 1) for modality in rooms_task("rooms").modalities)


def test_metrics_are_compared_on_equal_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    metrics = importlib.import_module("benchmarks.metrics")
    monkeypatch.setattr(metrics, "BATCH", 2)
    frame = metrics.measure(turns=1, sizes=(32,)).frame
    assert list(frame["metric"]) == ["segmentation", "depth", "image"]
    assert (frame["difference"] < 1e-4).all()
    assert (frame[["ours", "torchmetrics, batch alone", "torchmetrics, each image too"]] > 0).all(axis=None)
