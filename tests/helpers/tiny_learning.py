"""A small network on a handful of images, trained until it knows them: whether a method can learn at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mmbench.method import Batch, Context, Method
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.plugins.metrics import load_metrics
from mmbench.schedule import NetworkSize
from mmbench.task import Task, Translation
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, make_optimizers, train_step

CPU = Compute(torch.device("cpu"), "fp32")
SIZE = 16
NETWORK = NetworkSize(width=16, poolings=2, convs=(1, 1), blocks=2, kernel=3)


def build(name: str, task: Task, steps: int, **stage: Any) -> tuple[Method, Any]:
    """A method, and the first stage of its paper schedule with some values of its own."""
    card, resolved = catalog.find("methods", name), _resolved(name)
    torch.manual_seed(0)
    method = catalog.load(card, card["CLASS"])(Context(task, SIZE, NETWORK, resolved.settings))
    return method, dataclasses.replace(resolved.stages[0], steps=steps, **stage)


def second_stage(name: str, steps: int, **stage: Any) -> Any:
    """The second stage of a method's paper schedule, likewise."""
    return dataclasses.replace(_resolved(name).stages[1], steps=steps, **stage)


def _resolved(name: str) -> config.MethodConfig:
    return config.resolve(catalog.find("methods", name), config.profile("paper", "cross-modal"), "cross-modal", {})


def rooms(bench: Any) -> tuple[Task, dict[str, Tensor], Batch]:
    """A task, eight rooms with all modalities, and a batch that has the same rooms in every group."""
    task = bench.dataset.task
    room = bench.read([*bench.dataset.split().test, *bench.dataset.split().validation][:8])
    return task, room, {group.name: {name: room[name] for name in group.modalities} for group in task.groups}


def numbers_of(made: Mapping[str, Tensor], room: Mapping[str, Tensor], task: Task) -> dict[str, float]:
    """The metrics of translations into some modalities."""
    metrics, found = load_metrics(), dict[str, float]()
    for name, tensor in made.items():
        modality = task.modality(name)
        found |= metrics[name].numbers(metrics[name].update(tensor, room[name], modality), modality)
    return found


def miou(method: Method, room: Mapping[str, Tensor], source: str) -> float:
    """Of a translation to segmentation."""
    with torch.inference_mode():
        labels = method.translate({source: room[source]}, Translation((source,), "segmentation"))
    return numbers_of({"segmentation": labels}, room, method.task)["miou"]


def learn(method: Method, stage: Any, batches: Callable[[int], Batch]) -> list[dict[str, float]]:
    """Train; the losses of every step."""
    optimizers, log = make_optimizers(method, stage, CPU), []
    for step in range(stage.steps):
        torch.manual_seed(step)
        sums = LossSums({})
        own = [batches(step * stage.rounds + each) for each in range(stage.rounds)]
        train_step(method, stage, step, own, optimizers, CPU, sums)
        log.append(sums.means())
    method.eval()
    return log
