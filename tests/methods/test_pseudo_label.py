"""Pseudo-labels: what becomes a label, what is trained when, and that students learn what teachers know."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_learning import build, learn, miou, rooms, second_stage
from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.method import Context
from mmbench.modality import Depth, Rgb, Segmentation
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.schedule import NetworkSize
from mmbench.task import Group, Task, Translation

TINY = NetworkSize(width=4, poolings=1, convs=(1,))
ROOMS = Task(
    name="rooms",
    kind="cross-modal",
    modalities=(
        Rgb("rgb"),
        Depth("depth"),
        Segmentation("labels", classes=("a", "b"), palette=((0, 0, 0), (255, 0, 0), (0, 255, 0))),
    ),
    anchor="rgb",
    groups=(Group(("rgb", "labels")), Group(("rgb", "depth"))),
    unseen=(Translation(("depth",), "labels"), Translation(("labels",), "depth")),
    seen=(Translation(("rgb",), "labels"), Translation(("depth",), "rgb")),
)


def made(confidence: float) -> Any:
    card = catalog.find("methods", "pseudo-label")
    settings = config.resolve(card, config.profile("smoke", "cross-modal"), "cross-modal", {}).settings
    return catalog.load(card, card["CLASS"])(Context(ROOMS, 8, TINY, {**settings, "confidence": confidence}))


class Says(nn.Module):
    """A decoder that answers the same logits whatever it is given: void, a, b for each pixel."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, code: Any) -> Tensor:
        return self.logits


@pytest.mark.parametrize(("confidence", "expected"), [(0.0, [1, 2, 2]), (0.7, [1, 0, 2]), (0.9, [0, 0, 2])])
def test_pixels_below_the_confidence_are_no_label(confidence: float, expected: list[int]) -> None:
    """Probabilities of (void, a, b): (0.1, 0.8, 0.1), (0.1, 0.4, 0.5) and (0.01, 0.04, 0.95)."""
    method = made(confidence)
    chances = torch.tensor([[0.1, 0.8, 0.1], [0.1, 0.4, 0.5], [0.01, 0.04, 0.95]])
    method.teacher_decoders["labels"] = Says(chances.log().T.reshape(1, 3, 1, 3))
    label = method._label("labels", torch.zeros(1, 3, 8, 8))
    assert label.tolist() == [[expected]]


@pytest.mark.parametrize("confidence", [-0.1, 1.5])
def test_a_confidence_is_a_probability(confidence: float) -> None:
    with pytest.raises(UserError, match=f"confidence = {confidence:g}: expected a probability from 0"):
        made(confidence)


def test_rows_are_the_unseen_ones_and_the_teachers_own() -> None:
    assert [row.name for row in made(0.0).translations()] == [
        "depth -> labels", "labels -> depth", "rgb -> labels",
    ]  # fmt: skip


def test_students_learn_what_teachers_know_and_teachers_stay(bench: Any) -> None:
    """Eight rooms in both groups: teachers know their labels, so students can learn them without having seen one."""
    task, room, batch = rooms(bench)
    method, teach = build("pseudo-label", task, 200, lr=3e-3, beta1=0.9)
    learn(method, teach, lambda step: batch)
    before = {name: value.clone() for name, value in method.state_dict().items() if name.startswith("teacher")}
    learn(method, second_stage("pseudo-label", 250, lr=3e-3, beta1=0.9), lambda step: batch)
    assert before and all(torch.equal(method.state_dict()[name], value) for name, value in before.items())
    assert miou(method, room, "depth") >= 80
