"""Where an estimate comes from, and what it comes to, against hand-computed cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmbench.planning import config, estimate
from mmbench.planning.estimate import (
    Here,
    Source,
    Wanted,
    estimates,
    finished_speed,
    rough_parameters,
    speed_key,
    whole,
)
from mmbench.plugins.catalog import Card
from mmbench.schedule import NetworkSize, Stage
from mmbench.store.machine import Machine, Speed

CPU = "2 x CPU (no bf16)"
PROFILE = config.profile("laptop", "cross-modal")  # step_ms = 105
PAPER = config.profile("paper", "cross-modal")  # step_ms = 100


@pytest.fixture(autouse=True)
def this_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "cpu_name", lambda: CPU)


def method(name: str, cost: float, steps: int = 1000, finished: tuple[dict[str, Any], ...] = ()) -> Wanted:
    """One that trains ``steps`` steps and then observes for 10."""
    stages = (
        Stage("train", 0, steps, 1e-3, players={"generator": 1}),
        Stage("observe", 1, 10, 0.0, players={}),
    )
    card = Card(name, "methods", Path(f"{name}.py"), name, {"COST": cost})
    return Wanted(card, name, config.MethodConfig({}, stages), finished)


def result(train: float, observe: float, evaluate: float | None = None, **hardware: Any) -> dict[str, Any]:
    timing = {"seconds": 1.0, "steps": 1010.0, "ms/train": train, "ms/observe": observe}
    timing |= {} if evaluate is None else {"evaluate": evaluate}
    about = {"device": "cpu", "cpu": CPU, "threads": 1, "precision": "fp32", "gpu": "", **hardware}
    return {"timing": timing, "hardware": about, "parameters": 500}


def here(machine: Machine | None = None, device: str = "cpu", precision: str = "auto") -> Here:
    return Here(machine or Machine(), device, precision, 1)


def calibrated(one: Wanted, speed: Speed, profile: config.Profile = PROFILE) -> Machine:
    return Machine(asked=True, start_seconds=4.0, speeds={speed_key(here(), profile, one, 3): speed})


def test_finished_cells_come_first() -> None:
    """1000 steps of 20 ms and 10 of 5; 8 s of start, since nobody measured it; 3 s of evaluation."""
    one = method("one", 2.0, finished=(result(10.0, 4.0, 2.0), result(30.0, 6.0, 4.0)))
    machine = calibrated(one, Speed({"train": 999.0, "observe": 999.0}))
    (made,) = estimates(here(Machine(speeds=machine.speeds)), PROFILE, [one], test=300, modalities=3)
    assert made.seconds == pytest.approx(8 + 20 + 0.05 + 3)
    assert (made.source, made.bytes) == (Source.FINISHED, 12 * 500)


def test_a_calibration_comes_next() -> None:
    """4 s of start, 1000 x 50 ms and 10 x 20, 300 images through 4 translations of 2.5 ms."""
    one = method("one", 2.0)
    machine = calibrated(one, Speed({"train": 50.0, "observe": 20.0}, 2.5, 4, 700))
    (made,) = estimates(here(machine), PROFILE, [one], test=300, modalities=3)
    assert made.seconds == pytest.approx(4 + 50 + 0.2 + 3)
    assert (made.source, made.bytes) == (Source.CALIBRATED, 12 * 700)


def test_the_profiles_guess_comes_last() -> None:
    """1010 steps of 105 ms x 2, 5 % for the evaluation."""
    (made,) = estimates(here(), PROFILE, [method("one", 2.0)], test=300, modalities=3)
    assert made.seconds == pytest.approx(8 + 1.05 * 1010 * 0.21)
    assert made.source is Source.GUESSED


def test_what_is_not_known_is_borrowed_by_cost() -> None:
    """``one`` has 60 ms at COST 2, so ``other`` has 15 at COST 0.5."""
    one, other = method("one", 2.0), method("other", 0.5)
    machine = calibrated(one, Speed({"train": 60.0, "observe": 20.0}))
    _, made = estimates(here(machine), PROFILE, [one, other], test=300, modalities=3)
    assert made.seconds == pytest.approx(4 + 1.05 * 1010 * 0.015)
    assert made.source is Source.CALIBRATED


def test_cells_of_few_steps_say_nothing_of_other_methods() -> None:
    """A finished cell of 6 steps took next to nothing: the rest is guessed, and never 0."""
    one, other = method("one", 1.0, steps=6, finished=(result(0.01, 0.01, 0.0),)), method("other", 1.0)
    _, made = estimates(here(), PROFILE, [one, other], test=300, modalities=3)
    assert made.source is Source.GUESSED
    assert made.seconds == pytest.approx(8 + 1.05 * 1010 * 0.105)


@pytest.mark.parametrize(
    "hardware", [{"device": "cuda"}, {"cpu": "64 x CPU (amx_bf16)"}, {"threads": 2}, {"device": "cuda", "gpu": "A"}]
)
def test_finished_cells_of_other_hardware_say_nothing(hardware: dict[str, Any]) -> None:
    assert finished_speed(method("one", 1.0, finished=(result(10.0, 4.0, **hardware),)), here()) is None


def test_another_precision_is_another_speed() -> None:
    one = method("one", 1.0, finished=(result(10.0, 4.0),))
    assert finished_speed(one, here(precision="bf16")) is None
    assert finished_speed(one, here(precision="fp32")) == Speed({"train": 10.0, "observe": 4.0}, parameters=500)


def test_on_a_gpu_cells_of_the_same_gpu_count() -> None:
    one = method("one", 1.0, finished=(result(10.0, 4.0, device="cuda", gpu="A"),))
    assert finished_speed(one, here(Machine(asked=True, devices=("A",)), "cuda"))
    assert finished_speed(one, here(Machine(asked=True, devices=("B",)), "cuda")) is None
    assert finished_speed(one, here(device="cuda")), "nobody asked which one is here"


def test_a_guess_at_the_papers_sizes_is_of_a_gpu_and_a_cpu_takes_longer() -> None:
    one = method("one", 1.0)
    (gpu,) = estimates(here(device="cuda"), PAPER, [one], test=0, modalities=3)
    (cpu,) = estimates(here(), PAPER, [one], test=0, modalities=3)
    assert gpu.seconds == pytest.approx(8 + 1.05 * 101)
    assert cpu.seconds == pytest.approx(8 + 1.05 * 101 * estimate.CPU_FACTOR)
    assert here().lacks_gpu(PAPER) and not here().lacks_gpu(PROFILE) and not here(device="cuda").lacks_gpu(PAPER)


def test_a_calibration_of_other_settings_or_another_device_is_another() -> None:
    one = method("one", 1.0)
    key = speed_key(here(), PROFILE, one, 3)
    assert speed_key(here(), PROFILE, method("one", 1.0), 3) == key
    for other in (
        speed_key(here(device="cuda"), PROFILE, one, 3),
        speed_key(here(precision="bf16"), PROFILE, one, 3),
        speed_key(Here(Machine(), "cpu", "auto", 2), PROFILE, one, 3),
        speed_key(here(), PAPER, one, 3),
        speed_key(here(), PROFILE, method("two", 1.0), 3),
        speed_key(here(), PROFILE, method("one", 1.0, steps=5), 3),
        speed_key(here(), PROFILE, one, 4),
    ):
        assert other != key


def test_parameters_of_the_segnet_family() -> None:
    """3 -> 4, 4 -> 4, 4 -> 8, 8 -> 8 and back, each 3 x 3, for two modalities."""
    assert rough_parameters(NetworkSize(width=4, poolings=2), 2) == 2 * 2 * 9 * (12 + 16 + 32 + 64)


@pytest.mark.parametrize(
    ("seconds", "waits", "jobs", "expected"),
    [
        ([], [], 2, 0.0),
        ([10.0, 20.0, 30.0], [[], [], []], 1, 60.0),
        ([10.0, 20.0, 30.0], [[], [], []], 2, 30.0),
        ([10.0, 20.0, 30.0], [[], [], []], 3, 30.0),
        ([10.0, 20.0, 30.0], [[], [0], [1]], 3, 60.0),
        ([10.0, 20.0, 5.0], [[], [], [0, 1]], 3, 25.0),
    ],
)
def test_cells_side_by_side(seconds: list[float], waits: list[list[int]], jobs: int, expected: float) -> None:
    assert whole(seconds, waits, jobs) == expected
