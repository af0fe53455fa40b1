"""A small network on a handful of images, trained until it knows them: whether a method can learn at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from mmbench.method import Batch, Context, Method
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.schedule import NetworkSize
from mmbench.task import Task
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, make_optimizers, train_step

CPU = Compute(torch.device("cpu"), "fp32")
SIZE = 16
NETWORK = NetworkSize(width=16, poolings=2, convs=(1, 1), blocks=2, kernel=3)


def build(name: str, task: Task, steps: int, **stage: Any) -> tuple[Method, Any]:
    card = catalog.find("methods", name)
    resolved = config.resolve(card, config.profile("paper", "cross-modal"), "cross-modal", {})
    torch.manual_seed(0)
    method = catalog.load(card, card["CLASS"])(Context(task, SIZE, NETWORK, resolved.settings))
    return method, dataclasses.replace(resolved.stages[0], steps=steps, **stage)


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
