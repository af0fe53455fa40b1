"""What a translation costs: floating-point operations and latency of one image."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from mmbench.evaluation.aligned import predict
from mmbench.method import Method
from mmbench.task import Task
from mmbench.training.cache import Cache
from mmbench.training.device import Compute

WARM_UP, REPEATS = 2, 9


def translation_cost(
    method: Method, task: Task, cache: Cache, ids: Sequence[str], compute: Compute
) -> dict[str, float]:
    """Cost of the first row that a method fills, for one image; nothing of a judge, which fills none.

    Returns:
        ``flops``: of convolutions and matrix products as torch counts them (a multiplication and an addition are 2);
        ``latency_ms``: the median of 9 runs after 2, from arrays in memory to the translated tensor, in the cell's
        process with its threads and precision.
    """
    method.eval()
    if not method.translations():
        return {}
    translation = method.translations()[0]
    rows = _first_with(cache, ids, translation.inputs)

    def translate() -> None:
        predict(method, task, translation, cache, rows, compute)
        if compute.device.type == "cuda":
            torch.cuda.synchronize(compute.device)

    with FlopCounterMode(display=False) as counter:
        translate()
    seconds = []
    for _ in range(WARM_UP + REPEATS):
        started = time.perf_counter()
        translate()
        seconds.append(time.perf_counter() - started)
    return {"flops": float(counter.get_total_flops()), "latency_ms": 1000 * float(np.median(seconds[WARM_UP:]))}


def _first_with(cache: Cache, ids: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """The row of the first sample that holds those modalities."""
    rows = cache.index(ids)
    return rows[cache.holding(rows, names)][:1]
