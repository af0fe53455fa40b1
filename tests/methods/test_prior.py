"""Chance levels by hand: per pixel, and over all pixels where one was never seen."""

from __future__ import annotations

import pytest
import torch
from mmbench.methods.prior import Prior

from mmbench.method import Context
from mmbench.modality import Depth, Rgb, Segmentation
from mmbench.schedule import NetworkSize, Stage
from mmbench.task import Group, Task, Translation

PALETTE = ((0, 0, 0), (255, 0, 0), (0, 255, 0))
MODALITIES = (Rgb("rgb"), Depth("depth"), Segmentation("segmentation", ("wall", "floor"), PALETTE))
GROUPS = (Group(("rgb", "depth")), Group(("rgb", "segmentation")))


@pytest.fixture
def method() -> Prior:
    """Two images of 2 x 2 pixels: the last pixel has no depth and no label in either."""
    task = Task("rooms", "cross-modal", MODALITIES, "rgb", GROUPS, (Translation(("depth",), "segmentation"),))
    made = Prior(Context(task, 2, NetworkSize(), {"per_pixel": True}))
    depth = torch.tensor([[1.0, 2.0, 2.0, 0.0], [1.0, 2.0, 2.0, 0.0]]).reshape(2, 1, 2, 2)
    labels = torch.tensor([[1, 2, 2, 0], [1, 2, 2, 0]]).reshape(2, 2, 2)
    made({"view": {"depth": depth, "segmentation": labels}}, Stage("count", 0, 1, 0.0))
    return made


def test_a_pixel_that_was_never_seen_is_guessed_as_all_are(method: Prior) -> None:
    inputs = {"rgb": torch.zeros(1, 3, 2, 2)}
    depth = method.translate(inputs, Translation(("rgb",), "depth"))
    assert depth.flatten().tolist() == pytest.approx([1.025, 2.025, 2.025, 2.025])
    assert method.translate(inputs, Translation(("rgb",), "segmentation")).flatten().tolist() == [1, 2, 2, 2]
