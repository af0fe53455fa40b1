"""How work is timed: in turn with what it is compared to, so that other load on the machine falls on both alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch.utils.flop_counter import FlopCounterMode

from mmbench.training.device import Compute

Name = TypeVar("Name")
Work = Callable[[], object]

GPU_CALLS = 5  # calls per turn: a wait after each would count the launches that otherwise hide behind earlier kernels


def seconds(compute: Compute) -> float:
    """A clock: CPU time of the whole process on a CPU; on a GPU wall time, after all that was asked of it is done.

    CPU time leaves out what other processes take. With one thread it is what a step takes on a machine of its own, but
    for caches and memory that are shared.
    """
    if compute.device.type == "cuda":
        torch.cuda.synchronize(compute.device)
        return time.perf_counter()
    return time.process_time()


def in_turn(works: Mapping[Name, Work], turns: int, compute: Compute) -> dict[Name, list[float]]:
    """Let each of some works have its turn, over and over.

    Args:
        works: called without arguments.
        turns: calls of each; on a GPU rounded up to whole groups of calls.

    Returns:
        Seconds per call, one number per turn; numbers at the same place were measured next to each other.
    """
    calls = GPU_CALLS if compute.device.type == "cuda" else 1
    taken: dict[Name, list[float]] = {name: [] for name in works}
    for _ in range(-(-turns // calls)):
        for name, work in works.items():
            started = seconds(compute)
            for _ in range(calls):
                work()
            taken[name].append((seconds(compute) - started) / calls)
    return taken


def product(compute: Compute, side: int = 0) -> tuple[Work, float]:
    """A product of two square matrices in the precision of ``compute``, and its floating point operations.

    Args:
        side: of the matrices; 0 takes one that fills the device.
    """
    side = side or (8192 if compute.device.type == "cuda" else 1024)
    kind = torch.bfloat16 if compute.precision == "bf16" else torch.float32
    matrix = torch.randn(side, side, device=compute.device).to(kind)
    torch.mm(matrix, matrix)
    return lambda: torch.mm(matrix, matrix), 2.0 * side**3


def flops(work: Work) -> float:
    """Floating point operations of the convolutions and matrix products in one call, backward passes included."""
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _WholeStep()  # type: ignore[assignment]
    with counter:
        work()
    return float(counter.get_total_flops())


class _WholeStep:
    """Stands in for the counter's tracker of modules, whose hooks fail in a gradient penalty's ``autograd.grad``."""

    parents = frozenset({"Global"})

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
