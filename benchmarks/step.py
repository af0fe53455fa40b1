"""One training step of each method and stage: ``python -m benchmarks.step [--profile laptop] [--methods mmnet]``.

It is the harness's own step on noise images of the right shape, so that no data set is needed and nothing is loaded. On
a CPU it has one thread, as cells have, and what counts is CPU time. Speed stands beside what the device could do: the
share of the rate of a large matrix product in the same precision, measured in turn with the steps. FLOPs are torch's
count of convolutions and matrix products in the forward and backward passes of one step; norms, pooling and the
optimizer count as time, not as work.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from tabulate import tabulate

from mmbench.errors import UserError
from mmbench.method import Batch, Context, Method, Stage
from mmbench.planning import config
from mmbench.planning.selection import choose_methods
from mmbench.plugins import catalog
from mmbench.task import LABEL, Access, Task
from mmbench.training import device
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, make_optimizers, train_step
from mmbench.training.noise import noise_batch

from .timing import Work, flops, in_turn, product

WARM_UP = 3  # steps: memory is allocated and kernels are chosen in the first ones
HEADERS = ("method", "stage", "ms/step", "images/s", "peak MiB", "GFLOP/step", "% of matmul", "matmul GFLOP/s")


@dataclass(frozen=True)
class StageCost:
    """What one stage of one method costs.

    Attributes:
        method, stage: names.
        ms: milliseconds per step, the median.
        images: per second; every modality of every view counts, so pairs are two images.
        memory: peak in MiB; of the GPU's memory where there is one, else of the whole process.
        gflop: 10^9 floating point operations per step.
        share: percent of the matrix product's rate.
        product: 10^9 floating point operations per second of the matrix product, measured in turn with the steps.
    """

    method: str
    stage: str
    ms: float
    images: float
    memory: float
    gflop: float
    share: float
    product: float


@dataclass(frozen=True)
class Ready:
    """A method with random weights, the stages of its schedule, and a batch of noise for it."""

    method: Method
    stages: tuple[Stage, ...]
    batch: Batch


def measure(
    name: str, profile_name: str, dataset: str, compute: Compute, steps: int, *, side: int = 0
) -> list[StageCost]:
    """Time every stage of a method with random weights.

    Args:
        side: of the matrices of the product, see :func:`benchmarks.timing.product`.

    Raises:
        UserError: an unknown name, or a data set whose task is only known once its files are read.
    """
    ready = prepare(name, profile_name, dataset, compute)
    return [_row(name, ready, stage, compute, steps, side) for stage in ready.stages]


def prepare(
    name: str,
    profile_name: str,
    dataset: str,
    compute: Compute,
    changes: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Ready:
    """Build a method as a cell does, but for its data.

    Args:
        changes: of the profile, by dotted keys such as ``network.width``.
        overrides: of the method, as ``--set`` has them.

    Raises:
        UserError: as :func:`measure`.
    """
    data, card = catalog.find("datasets", dataset), catalog.find("methods", name)
    profile = config.profile(profile_name, data["KIND"], changes)
    adapter = catalog.load(data, data["CLASS"])
    if not data.get("NEEDS_ROOT", True):
        adapter = adapter(None, profile.data, config.data_settings(data, {}))
    task: Task | None = getattr(adapter, "task", None)
    if task is None:
        raise UserError(f"data set {dataset!r} has no task without its files; time another one")
    resolved = config.resolve(card, profile, data["KIND"], overrides or {})
    context = Context(task, profile.size, profile.network, resolved.settings, len(adapter.labels))
    torch.manual_seed(0)
    method: Method = catalog.load(card, card["CLASS"])(context)
    method.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batch = noise_batch(task, Access(card["ACCESS"]), profile.batch, profile.size, context.labels, compute.device)
    return Ready(method, tuple(resolved.stages), batch)


def training(ready: Ready, stage: Stage, compute: Compute) -> Work:
    """The harness's step of one stage, to be called again and again."""
    optimizers, sums = make_optimizers(ready.method, stage, compute), LossSums({})
    numbers, batches = itertools.count(), [ready.batch] * stage.rounds
    return lambda: train_step(ready.method, stage, next(numbers), batches, optimizers, compute, sums)


def _row(name: str, ready: Ready, stage: Stage, compute: Compute, steps: int, side: int) -> StageCost:
    step = training(ready, stage, compute)
    _forget_peak(compute)
    for _ in range(WARM_UP):
        step()
    memory = device.peak_memory(compute) / 2**20
    multiply, operations = product(compute, side)
    taken = in_turn({"step": step, "product": multiply}, steps, compute)
    seconds, rate = median(taken["step"]), operations / median(taken["product"])
    work = flops(step)
    images = sum(len(tensor) for tensors in ready.batch.values() for key, tensor in tensors.items() if key != LABEL)
    share = 100 * work / seconds / rate
    return StageCost(name, stage.name, 1000 * seconds, images / seconds, memory, work / 1e9, share, rate / 1e9)


def _forget_peak(compute: Compute) -> None:
    """Start a new peak of memory. Where the system cannot, a CPU's row shows the highest peak so far."""
    if compute.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(compute.device)
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one row per method and stage."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--methods", default="mmnet", help="names, comma-separated, or all")
    parser.add_argument("--dataset", default="synthetic", help="its task; its files are not read")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--steps", type=int, default=20, help="timed steps of each stage")
    options = parser.parse_args(arguments)
    try:
        compute = device.choose(options.device)
        cards, notes = choose_methods(options.methods.split(","), catalog.find("datasets", options.dataset)["KIND"])
        if compute.device.type == "cpu":
            device.use_threads(1)
        rows = [
            row
            for card in cards
            for row in measure(card.name, options.profile, options.dataset, compute, options.steps)
        ]
    except UserError as error:
        parser.exit(2, f"{error}\n")
    about = device.describe(compute)
    clock = "wall time" if about["gpu"] else "CPU time"
    print(f"{about['gpu'] or about['cpu']}, threads: {about['threads']}, {compute.precision}, {clock}")
    formats = ("", "", ".1f", ".0f", ".0f", ".2f", ".1f", ".1f")
    print(tabulate([astuple(row) for row in rows], HEADERS, floatfmt=formats))
    for note in notes:
        print(note)


if __name__ == "__main__":
    main()
