"""How long cells take here, and how much room: as finished cells did, else calibrated, else a guess. No torch."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from mmbench.planning.profile import Profile, numeric
from mmbench.planning.settings import MethodConfig
from mmbench.plugins import keys
from mmbench.plugins.catalog import Card
from mmbench.schedule import NetworkSize
from mmbench.store.machine import Machine, Speed, cpu_name
from mmbench.typed import as_dict

START = 8.0  # seconds of a cell before its data, where it was not measured
SAMPLE = 0.02  # seconds to prepare a sample, likewise
EVALUATION = 0.05  # of training, likewise
CPU_FACTOR = 300.0  # a step at the papers' sizes on a CPU core over ``step_ms``: 75 with AMX, above 1000 with AVX2
FEWEST = 50  # steps of a finished cell from which it says something about other methods
STATE = 12  # bytes a parameter in a checkpoint: the weight and Adam's two moments


class Source(IntEnum):
    """Where an estimate comes from, the best first."""

    FINISHED = 0
    CALIBRATED = 1
    GUESSED = 2

    @property
    def words(self) -> str:
        """For the end of a line."""
        return ("as fast as finished cells", "from a calibration on this machine", "a rough guess")[self]


@dataclass(frozen=True)
class Here:
    """Where cells run.

    Attributes:
        machine: what is known of it.
        device: ``cpu`` or ``cuda``.
        precision: as asked for.
        threads: of each cell's processes on the CPU.
        processes: of each cell. Calibrations are of one.
    """

    machine: Machine
    device: str
    precision: str
    threads: int
    processes: int = 1

    def lacks_gpu(self, profile: Profile) -> bool:
        """Whether a profile of the papers' sizes would run without a GPU."""
        return profile.scale == "paper" and self.device == "cpu"


@dataclass(frozen=True)
class Wanted:
    """What is to be estimated: one method in one profile.

    Attributes:
        method: its card.
        name: with the digest of what ``--set`` changed.
        config: its settings and stages.
        finished: ``result.json`` of its cells that are done.
    """

    method: Card
    name: str
    config: MethodConfig
    finished: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Estimate:
    """Of one cell.

    Attributes:
        seconds: from the start of its process to its result, without the preparation of data.
        bytes: of its folder.
    """

    seconds: float
    source: Source
    bytes: int


def speed_key(here: Here, profile: Profile, wanted: Wanted, modalities: int) -> str:
    """Under which a calibration is kept: all that a step's time depends on, but for the code.

    Data sets with as many modalities share it.
    """
    return keys.digest(
        {
            "method": wanted.method.name,
            "modalities": modalities,
            "config": as_dict(wanted.config),
            "profile": numeric(profile),
            "device": here.device,
            "precision": here.precision,
            "threads": here.threads,
        }
    )


def estimates(here: Here, profile: Profile, methods: Iterable[Wanted], test: int, modalities: int) -> list[Estimate]:
    """One estimate for each method; what one lacks is borrowed from the others by the cards' COST.

    Args:
        test: number of test images.
        modalities: of the data set.
    """
    methods = list(methods)
    measured = [finished_speed(one, here) for one in methods]
    calibrated = [here.machine.speeds.get(speed_key(here, profile, one, modalities)) for one in methods]
    known = [
        (mine, Source.FINISHED) if mine else (kept, Source.CALIBRATED)
        for mine, kept in zip(measured, calibrated, strict=True)
    ]
    step_ms, borrowed = _step_ms(here, profile, methods, known)
    made = []
    for one, (speed, source) in zip(methods, known, strict=True):
        guess = step_ms * float(one.method.get("COST", 1.0))
        times = speed.stages if speed else {}
        lacking = any(stage.name not in times for stage in one.config.stages)
        training = sum(stage.steps * times.get(stage.name, guess) for stage in one.config.stages) / 1000
        evaluation = _evaluation(one, speed, here, test, training)
        seconds = (here.machine.start_seconds or START) + training + evaluation
        count = speed.parameters if speed and speed.parameters else rough_parameters(profile.network, modalities)
        made.append(Estimate(seconds, borrowed if lacking else source, STATE * count))
    return made


def finished_speed(wanted: Wanted, here: Here) -> Speed | None:
    """The mean over a method's finished cells on hardware like this; None without any.

    A cell that was stopped and went on has the times of the stages that it trained last.
    """
    fitting = [result for result in wanted.finished if _is_here(result.get("hardware", {}), here)]
    stages: dict[str, list[float]] = {}
    for result in fitting:
        for name, value in result.get("timing", {}).items():
            if name.startswith("ms/"):
                stages.setdefault(name.removeprefix("ms/"), []).append(float(value))
    if not stages:
        return None
    counts = [int(result.get("parameters", 0)) for result in fitting]
    return Speed({name: statistics.fmean(values) for name, values in stages.items()}, parameters=max(counts))


def rough_parameters(network: NetworkSize, modalities: int) -> int:
    """Of an encoder and a mirrored decoder per modality (table A.3): convolutions of 3 x 3 with doubling widths."""
    convs = network.convs or (2, 2, 3, 3, 3)
    total, before = 0, 3
    for level in range(network.poolings):
        width = network.width * min(2**level, 8)
        for _ in range(convs[min(level, len(convs) - 1)]):
            total, before = total + 9 * before * width, width
    return 2 * modalities * total


def whole(seconds: Sequence[float], waits: Sequence[Sequence[int]], jobs: int) -> float:
    """Seconds of several cells side by side: their sum shared, but no less than the longest that wait in a row.

    Args:
        waits: for each cell the positions of those that it waits for, all before its own.
        jobs: cells at a time.
    """
    ends: list[float] = []
    for own, before in zip(seconds, waits, strict=True):
        ends.append(own + max((ends[position] for position in before), default=0.0))
    return max(sum(seconds) / max(1, jobs), max(ends, default=0.0))


def _step_ms(
    here: Here, profile: Profile, methods: Sequence[Wanted], known: Sequence[tuple[Speed | None, Source]]
) -> tuple[float, Source]:
    """Milliseconds of a step of COST 1: the median over the methods whose times are known, else the profile's guess."""
    found: dict[Source, list[float]] = {}
    for one, (speed, source) in zip(methods, known, strict=True):
        times = {} if speed is None else speed.stages
        trained = [stage for stage in one.config.stages if stage.players and stage.name in times]
        if (steps := sum(stage.steps for stage in trained)) >= FEWEST:
            mean = sum(stage.steps * times[stage.name] for stage in trained) / steps
            found.setdefault(source, []).append(mean / float(one.method.get("COST", 1.0)))
    for source in (Source.FINISHED, Source.CALIBRATED):
        if source in found:
            return statistics.median(found[source]), source
    return profile.step_ms * (CPU_FACTOR if here.lacks_gpu(profile) else 1.0), Source.GUESSED


def _evaluation(one: Wanted, speed: Speed | None, here: Here, test: int, training: float) -> float:
    """Seconds of evaluation: of finished cells, else by a translation's time, else a share of training."""
    fitting = [result.get("timing", {}) for result in one.finished if _is_here(result.get("hardware", {}), here)]
    if took := [float(timing["evaluate"]) for timing in fitting if "evaluate" in timing]:
        return statistics.fmean(took)
    if speed and speed.translate_ms:
        return speed.translate_ms * speed.translations * test / 1000
    return EVALUATION * training


def _is_here(hardware: Mapping[str, Any], here: Here) -> bool:
    """Whether a result's hardware is what cells would have here."""
    if hardware.get("device") != here.device or hardware.get("processes", 1) != here.processes:
        return False
    if here.precision not in ("auto", hardware.get("precision")):
        return False
    if here.device == "cpu":
        return bool(hardware.get("cpu") == cpu_name() and hardware.get("threads") == here.threads)
    return not here.machine.asked or hardware.get("gpu") in here.machine.devices
