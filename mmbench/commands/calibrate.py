"""Time a few training steps on this machine: ``python -m mmbench.commands.calibrate``, a program that ``run`` starts.

Reads questions as JSON lines on standard input and writes what it found as JSON lines on standard output: first the
devices and the seconds that its start took, then one line per question that it has time for. It imports what a cell
imports, so that it starts as a cell does.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmbench.dataset import Dataset
from mmbench.evaluation.evaluate import evaluate as _imported_as_by_cells  # noqa: F401
from mmbench.method import Batch, Context, Method
from mmbench.planning import config
from mmbench.planning.order import Order
from mmbench.planning.plan import open_dataset
from mmbench.plugins import catalog
from mmbench.schedule import Stage
from mmbench.store.machine import Speed
from mmbench.store.prepared import all_ids
from mmbench.task import Access
from mmbench.training import device
from mmbench.training.build import build_method
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, make_optimizers, train_step
from mmbench.training.noise import noise, noise_batch
from mmbench.training.shard import workers_for
from mmbench.typed import as_dict

BUDGET = 12.0  # seconds after which no further method is begun
PER_STAGE = 2.0  # seconds after which a step is not repeated, if two were made
REPEATS = 3  # steps of a stage that are timed, after one that is not
SAMPLES = 8  # prepared to time one
LARGEST = {"cpu": 4e7, "cuda": 2e9}  # images x pixels x width^2 of a step that is timed at its own size


@dataclass(frozen=True)
class Scale:
    """The size at which a step is timed, and what its time is multiplied by."""

    batch: int
    size: int
    factor: float


def scale_of(profile: config.Profile, kind: str) -> Scale:
    """A profile's own size where a step of it is short on this kind of device, else a smaller one.

    The network keeps its width and depth.
    """
    batch, size, width = profile.batch, profile.size, profile.network.width
    smallest = 2 * 2**profile.network.poolings
    while batch * size**2 * width**2 > LARGEST[kind] and size % 2 == 0 and size // 2 >= smallest:
        size //= 2
    while batch * size**2 * width**2 > LARGEST[kind] and batch > 2:
        batch -= 1
    return Scale(batch, size, profile.batch * profile.size**2 / (batch * size**2))


def speed_of(order: Order, profile: config.Profile, dataset: Dataset, compute: Compute) -> Speed:
    """How fast a cell's method trains and translates images of noise."""
    card = catalog.find("methods", order.method)
    settings = config.resolve(card, profile, catalog.find("datasets", order.dataset)["KIND"], order.overrides)
    scale = scale_of(profile, compute.device.type)
    # Weights that would have to be fetched make no step slower.
    context = Context(dataset.task, scale.size, profile.network, settings.settings, len(dataset.labels), False)
    method = build_method(card, context, 0)
    method.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    access = Access(card["ACCESS"])
    batches = [
        noise_batch(dataset.task, access, images, scale.size, context.labels, compute.device)
        for images in ([scale.batch] if scale.factor == 1 else [scale.batch, 2 * scale.batch])
    ]
    stages = {}
    for stage in settings.stages:
        optimizers = make_optimizers(method, stage, compute)
        times = [_step_seconds(method, stage, batch, optimizers, compute) for batch in batches]
        stages[stage.name] = 1000 * at_full_size(times, scale.factor)
    translations = method.translations()
    per_image = _translation(method, dataset, scale, compute) if translations else 0.0
    return Speed(stages, per_image * scale.factor, len(translations), sum(p.numel() for p in method.parameters()))


def at_full_size(times: Sequence[float], factor: float) -> float:
    """Seconds of a step ``factor`` times as large as the first of two that were timed, the second twice as large.

    What does not grow with images and pixels, such as the optimizer, is counted once. At least a quarter of the first
    is taken to grow: the difference of two short times may be anything.
    """
    if len(times) == 1:
        return times[0]
    return times[0] + max(times[1] - times[0], times[0] / 4) * (factor - 1)


def _step_seconds(
    method: Method, stage: Stage, batch: Batch, optimizers: dict[str, torch.optim.Optimizer], compute: Compute
) -> float:
    """The median of a few steps after one."""
    times: list[float] = []
    sums = LossSums({})
    for step in range(1 + REPEATS):
        started = _now(compute)
        train_step(method, stage, step, [batch] * stage.rounds, optimizers, compute, sums)
        times.append(_now(compute) - started)
        if len(times) > 1 and sum(times) > PER_STAGE:
            break
    return statistics.median(times[1:])


def _translation(method: Method, dataset: Dataset, scale: Scale, compute: Compute) -> float:
    """Milliseconds that one image takes through the method's first translation."""
    translation = method.eval().translations()[0]
    rng = np.random.default_rng(0)
    inputs = {}
    for name in translation.inputs:
        modality = dataset.task.modality(name)
        inputs[name] = modality.to_tensor(noise(modality, scale.batch, scale.size, rng)).to(compute.device)
    with torch.no_grad(), compute.autocast():
        method.translate(inputs, translation)
        started = _now(compute)
        method.translate(inputs, translation)
        return 1000 * (_now(compute) - started) / scale.batch


def sample_seconds(dataset: Dataset, size: int) -> float:
    """Seconds to prepare a sample."""
    ids = all_ids(dataset)[:SAMPLES]
    list(dataset.load(ids[:1], size))
    clock = time.process_time if dataset.root is None else time.perf_counter  # what waits for a disk takes no CPU
    started = clock()
    list(dataset.load(ids, size))
    return (clock() - started) / len(ids) / workers_for(dataset)


def answer(question: dict[str, Any], datasets: dict[str, Dataset]) -> dict[str, Any]:
    """What is found of one question: ``key`` and ``order``, and with ``samples`` a key of the data set's.

    Samples are asked for where they are not prepared.
    """
    order = Order.from_json(question["order"])
    kind = catalog.find("datasets", order.dataset)["KIND"]
    profile = config.profile(order.profile, kind, config.profile_overrides(order.overrides))
    if (where := f"{order.dataset} {order.data_root} {profile.data}") not in datasets:
        root = Path(order.data_root) if order.data_root else None
        datasets[where] = open_dataset(order.dataset, profile.data, root, order.overrides)
    dataset = datasets[where]
    compute = device.choose(order.device, order.precision)
    if order.threads:
        device.use_threads(order.threads)
    found: dict[str, Any] = {"key": question["key"]}
    if question.get("samples"):
        found |= {"samples": question["samples"], "sample_seconds": sample_seconds(dataset, profile.size)}
    return found | {"speed": as_dict(speed_of(order, profile, dataset, compute))}


def _now(compute: Compute) -> float:
    """Seconds, after all that was asked of the device is done.

    A cell with one thread takes as long as its CPU time, whatever else the machine is busy with at the moment.
    """
    if compute.device.type == "cuda":
        torch.cuda.synchronize(compute.device)
    alone = compute.device.type == "cpu" and torch.get_num_threads() == 1
    return time.process_time() if alone else time.perf_counter()


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def main() -> int:
    """Answer the questions on standard input for as long as the budget goes."""
    start = time.process_time()
    _say({"devices": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())], "start_seconds": start})
    ends, datasets = time.perf_counter() + BUDGET, dict[str, Dataset]()
    for line in sys.stdin:
        if time.perf_counter() > ends:
            break
        question = json.loads(line)
        try:
            _say(answer(question, datasets))
        except Exception as error:  # a method that fails says so as a cell, with a traceback
            _say({"key": question["key"], "problem": f"{type(error).__name__}: {error}".splitlines()[0]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
