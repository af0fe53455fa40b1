"""One training step of each method and stage: ``python -m benchmarks.step [--profile laptop] [--methods mmnet]``.

It is the harness's own step on noise images of the right shape, so that no data set is needed and nothing is loaded.
Speed stands beside what the device could do: the share of the rate of a large matrix product in the same precision with
the same number of threads, measured on the spot. FLOPs are torch's count of convolutions and matrix products in the
forward and backward passes of one step; norms, pooling and the optimizer count as time, not as work.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate
from torch.utils.flop_counter import FlopCounterMode

from mmbench.errors import UserError
from mmbench.method import Batch, Context, Method, Stage
from mmbench.modality import Modality
from mmbench.planning import config
from mmbench.planning.selection import choose_methods
from mmbench.plugins import catalog
from mmbench.task import LABEL, Access, Split, Task, views
from mmbench.training import device
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, make_optimizers, train_step

WARM_UP = 3  # steps: memory is allocated and kernels are chosen in the first ones
HEADERS = ("method", "stage", "ms/step", "images/s", "peak MiB", "GFLOP/step", "% of matmul")


@dataclass(frozen=True)
class StageCost:
    """What one stage of one method costs.

    Attributes:
        method, stage: names.
        ms: milliseconds per step.
        images: per second; every modality of every view counts, so pairs are two images.
        memory: peak in MiB; of the GPU's memory where there is one, else of the whole process.
        gflop: 10^9 floating point operations per step.
        share: percent of the matrix product's rate.
    """

    method: str
    stage: str
    ms: float
    images: float
    memory: float
    gflop: float
    share: float


def measure(name: str, profile_name: str, dataset: str, compute: Compute, steps: int, rate: float) -> list[StageCost]:
    """Time every stage of a method with random weights.

    Args:
        rate: floating point operations per second, see :func:`matmul_rate`.

    Raises:
        UserError: an unknown name, or a data set whose task is only known once its files are read.
    """
    data, card = catalog.find("datasets", dataset), catalog.find("methods", name)
    profile = config.profile(profile_name, data["KIND"])
    adapter = catalog.load(data, data["CLASS"])
    if not data.get("NEEDS_ROOT", True):
        adapter = adapter(None, profile.data, config.data_settings(data, {}))
    task: Task | None = getattr(adapter, "task", None)
    if task is None:
        raise UserError(f"data set {dataset!r} has no task without its files; time another one")
    resolved = config.resolve(card, profile, data["KIND"], {})
    context = Context(task, profile.size, profile.network, resolved.settings, len(adapter.labels))
    torch.manual_seed(0)
    method: Method = catalog.load(card, card["CLASS"])(context)
    method.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batch = noise_batch(task, Access(card["ACCESS"]), profile.batch, profile.size, context.labels, compute.device)
    return [_row(name, method, stage, batch, compute, steps, rate) for stage in resolved.stages]


def noise_batch(task: Task, access: Access, batch: int, size: int, labels: int, where: torch.device) -> Batch:
    """A batch as the harness' loader makes it for a method with ``access``, of noise."""
    rng = np.random.default_rng(0)
    split = Split({group.name: (group.name,) for group in task.groups}, ("validation",), ("test",))
    made: Batch = {}
    for view in views(task, split, access):
        made[view.name] = {
            name: torch.from_numpy(rng.integers(0, labels, batch)).to(where)
            if name == LABEL
            else task.modality(name).to_tensor(noise(task.modality(name), batch, size, rng)).to(where)
            for name in view.modalities
        }
    return made


def noise(modality: Modality, batch: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Arrays as a data set gives them: real classes only, everything valid."""
    raw = rng.uniform(-1.0, 1.0, (batch, modality.channels, size, size)).astype(np.float32)
    return modality.to_array(modality.from_network(torch.from_numpy(raw)))


def matmul_rate(compute: Compute, side: int = 0, repeats: int = 5) -> float:
    """Floating point operations per second of a product of two square matrices, the best of some repeats.

    Args:
        side: of the matrices; 0 takes one that fills the device.
    """
    side = side or (8192 if compute.device.type == "cuda" else 2048)
    kind = torch.bfloat16 if compute.precision == "bf16" else torch.float32
    matrix = torch.randn(side, side, device=compute.device).to(kind)
    matrix @ matrix
    best = float("inf")
    for _ in range(repeats):
        started = _now(compute)
        matrix @ matrix
        best = min(best, _now(compute) - started)
    return 2.0 * side**3 / best


def _row(name: str, method: Method, stage: Stage, batch: Batch, compute: Compute, steps: int, rate: float) -> StageCost:
    optimizers, sums = make_optimizers(method, stage, compute), LossSums({})

    def step(number: int) -> None:
        train_step(method, stage, number, [batch] * stage.rounds, optimizers, compute, sums)

    _forget_peak(compute)
    for number in range(WARM_UP):
        step(number)
    started = _now(compute)
    for number in range(steps):
        step(WARM_UP + number)
    seconds = (_now(compute) - started) / steps
    memory = device.peak_memory(compute) / 2**20
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _WholeStep()  # type: ignore[assignment]
    with counter:
        step(WARM_UP + steps)
    flops = counter.get_total_flops()
    images = sum(len(tensor) for tensors in batch.values() for key, tensor in tensors.items() if key != LABEL)
    images *= stage.rounds
    share = 100 * flops / seconds / rate
    return StageCost(name, stage.name, 1000 * seconds, images / seconds, memory, flops / 1e9, share)


class _WholeStep:
    """Stands in for the counter's tracker of modules, whose hooks fail in a gradient penalty's ``autograd.grad``."""

    parents = frozenset({"Global"})

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def _now(compute: Compute) -> float:
    """Seconds, after all that was asked of the device is done."""
    if compute.device.type == "cuda":
        torch.cuda.synchronize(compute.device)
    return time.perf_counter()


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
        rate = matmul_rate(compute)
        rows = [
            row
            for card in cards
            for row in measure(card.name, options.profile, options.dataset, compute, options.steps, rate)
        ]
    except UserError as error:
        parser.exit(2, f"{error}\n")
    about = device.describe(compute)
    print(f"{about['gpu'] or about['cpu']}, {about['threads']} threads, {compute.precision}: ", end="")
    print(f"matrix product {rate / 1e12:.2f} TFLOP/s")
    formats = ("", "", ".1f", ".0f", ".0f", ".2f", ".1f")
    print(tabulate([astuple(row) for row in rows], HEADERS, floatfmt=formats))
    for note in notes:
        print(note)


if __name__ == "__main__":
    main()
