"""How long the training parts of a GPU day are: steps and images that fit what is left of the budget.

Cells that share a GPU share its time, so their seconds add up; what a cell does besides (start, data, evaluation,
checkpoints) goes on beside the others'. All training parts take the same fraction of their profile's steps, since rows
of one table must have trained alike. A second call keeps what the first one chose, or its cells would be others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.gpu_day.parts import Part, seconds_of_training
from mmbench.planning import config
from mmbench.plugins import catalog

BESIDE = 40.0  # seconds of a cell outside training
SPARE = 0.8  # of what is left: measured steps are those of a GPU that one process has for itself
LEAST = 0.01  # of the profile's steps: with fewer, a row says nothing
IMAGES = {"train": 60, "validation": 4, "test": 8}  # per minute of the whole budget
ALL_IMAGES = 120.0  # minutes from which all images of a data set are read
MEMORY = 0.7  # of the GPU's: the allocator holds more than the peak of what is in use
CORES = 2  # CPU cores for each cell


def fraction(parts: Sequence[Part], left: float, jobs: int, times: Mapping[tuple[str, str], float]) -> float:
    """The fraction of their profiles' steps, at most 1, that training parts have time for.

    Args:
        left: seconds.
        jobs: cells at a time.
        times: (method, stage) -> milliseconds per step.
    """
    seconds: dict[tuple[str, str, int], float] = {}
    for part in parts:
        seconds |= seconds_of_training(part, times)
    beside = BESIDE * math.ceil(len(seconds) / jobs)
    return min(1.0, max(LEAST, (SPARE * left - beside) / sum(seconds.values())))


def changes(part: Part, share: float, minutes: float) -> dict[str, int]:
    """What ``--set profile.KEY`` changes of a part's profile; nothing where there is time for all of it."""
    profile = config.profile(part.profile, catalog.find("datasets", part.dataset)["KIND"])
    made: dict[str, int] = {}
    if share < 1:
        steps = max(1, round(profile.steps * share))
        made = {"steps": steps, "extra_steps": max(1, round(profile.extra_steps * share))}
        made["observe_steps"] = max(1, min(profile.observe_steps, steps // 4))
        made["log_every"] = max(1, min(profile.log_every, steps // 20))
        made["align_every"] = made["checkpoint_every"] = max(1, min(profile.checkpoint_every, steps // 2))
    for name, rate in IMAGES.items():
        limit, own = math.ceil(rate * minutes), int(getattr(profile.data, name))
        if limit < own or (own == 0 and minutes < ALL_IMAGES):
            made[f"data.{name}"] = limit
    return made


def at_a_time(part: Part, timed: Mapping[str, Any], cores: int, memory: float) -> int:
    """Cells that fit a GPU and the CPU beside it.

    Args:
        timed: methods of the file that ``steps.py`` writes.
        memory: of the GPU, in MiB.
    """
    peaks = [row["memory"] for name in part.methods for row in timed.get(name, {}).get("bf16", [])]
    fit = int(MEMORY * memory / max(peaks)) if peaks else 2
    return max(1, min(cores // CORES, fit, len(part.methods) * len(part.seeds)))


def step_times(timed: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """(method, stage) -> milliseconds per step, of the methods of the file that ``steps.py`` writes."""
    return {(row["method"], row["stage"]): row["ms"] for by in timed.values() for row in by.get("bf16", [])}
