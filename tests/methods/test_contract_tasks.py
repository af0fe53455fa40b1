"""The contract of a method on tasks of other shapes than the embedded set's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from contract import CARDS, CPU, CROSS_CHANNEL, METHODS, SCALES, check_losses, check_translation, translate
from torch import Tensor

from mmbench.method import Context, Method
from mmbench.modality import Rgb, Scalar
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.schedule import DataLimits
from mmbench.task import Access, Group, Split, Task, Translation, views
from mmbench.training.loop import set_modes

THETAS = Task(
    name="thetas",
    kind="cross-channel",
    modalities=(Scalar("theta1"), Scalar("theta2"), Rgb("theta3")),
    anchor="theta1",
    groups=(Group(("theta1", "theta2")), Group(("theta1", "theta3"))),
    unseen=(Translation(("theta2",), "theta3"),),
    seen=(Translation(("theta1",), "theta3"),),
    multi_modal=(Translation(("theta1", "theta2"), "theta3", weights=(0.5, 0.5), side_from="theta1"),),
    judged="theta3",
)


def check_task(name: str, task: Task, chosen: config.Profile, images: dict[str, Tensor]) -> None:
    """Losses and gradients of every stage, and every row, on a task of another shape than the bench's."""
    resolved = config.resolve(CARDS[name], chosen, task.kind, {})
    torch.manual_seed(0)
    context = Context(task, chosen.size, chosen.network, resolved.settings)
    method: Method = catalog.load(CARDS[name], CARDS[name]["CLASS"])(context)
    ids = {group.name: (f"{group.name}-1", f"{group.name}-2") for group in task.groups}
    allowed = views(task, Split(ids, (), ("test",)), Access(CARDS[name]["ACCESS"]))
    batch = {view.name: {modality: images[modality] for modality in view.modalities} for view in allowed}
    check_losses(method, resolved.stages, batch, CPU)
    for stage in resolved.stages:
        if not stage.players:
            set_modes(method, stage)
            with torch.no_grad():
                method(batch, stage)
    method.eval()
    for row in method.translations():
        check_translation(task.modality(row.output), translate(method, row, images), 2, chosen.size)


@pytest.mark.parametrize("profile", ["smoke", "paper"])
@pytest.mark.parametrize("name", CROSS_CHANNEL)
def test_cross_channel_tasks_train_and_translate(name: str, profile: str) -> None:
    chosen = dataclasses.replace(config.profile("smoke", "cross-channel"), name=profile, scale=SCALES[profile])
    images = {m.name: torch.rand(2, m.channels, chosen.size, chosen.size) * 2 - 1 for m in THETAS.modalities}
    check_task(name, THETAS, chosen, images)


@pytest.mark.parametrize("profile", ["smoke", "paper"])
@pytest.mark.parametrize("name", METHODS)
def test_tasks_of_four_modalities_train_and_translate(name: str, profile: str) -> None:
    """As table 4.8: RGB with segmentation, RGB with depth and NIR; depth and NIR are translated to segmentation."""
    card = catalog.find("datasets", "synthetic-nir")
    chosen = dataclasses.replace(config.profile("smoke", "cross-modal"), name=profile, scale=SCALES[profile])
    dataset = catalog.load(card, card["CLASS"])(None, DataLimits(2, 2, 2), card["SETTINGS"])
    samples = list(dataset.load(dataset.split().test, chosen.size))
    images = {m.name: m.to_tensor(np.stack([s[m.name] for s in samples])) for m in dataset.task.modalities}
    check_task(name, dataset.task, chosen, images)
