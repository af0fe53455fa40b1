"""What the opponent channels alone can tell: true R-G and G-B with the mean intensity of the training images.

No network. For (theta1, theta2) -> theta3 it is the image with exact colour differences and flat intensity: a reference
for the judge's accuracy between chance and the real images (eq. 4.14 solved for R, G, B).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mmbench.method import Batch, Context, Method, Stage
from mmbench.task import Translation

NAME = "flat-intensity"
TITLE = "Flat intensity, no learning"
CLASS = "FlatIntensity"
ACCESS = "seen-groups"
GROUP = "chance"
KINDS = ("cross-channel",)
COST = 0.1
CITATION = "reference without learning"
STAGES = [{"name": "count", "lr": 0.0, "players": {}, "steps": {"smoke": 3, "small": 80, "short": 160, "paper": 160}}]


class FlatIntensity(Method):
    """The mean of (R + G + B) / 3 over the training images, as a buffer."""

    intensity: Tensor

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.register_buffer("intensity", torch.zeros(2, dtype=torch.float64))  # sum, number of images

    def forward(self, batch: Batch, stage: Stage) -> None:
        """Add up the mean intensity, in [-1, 1], of the RGB images of the groups that hold them."""
        for tensors in batch.values():
            if "theta3" in tensors:
                per_image = tensors["theta3"].double().mean((1, 2, 3))
                self.intensity += torch.stack([per_image.sum(), torch.ones_like(per_image).sum()])

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """R = G + theta1 and B = G - theta2 with (R + G + B) / 3 the mean intensity; values in [-1, 1]."""
        # theta is a difference of values in [0, 1], images are in [-1, 1]: twice the difference.
        red_green, green_blue = 2 * inputs["theta1"], 2 * inputs["theta2"]
        mean = (self.intensity[0] / self.intensity[1].clamp(min=1)).float()
        green = mean + (green_blue - red_green) / 3
        return torch.cat([green + red_green, green, green - green_blue], 1).clamp(-1, 1)

    def translations(self) -> tuple[Translation, ...]:
        """The task's multi-modal translations."""
        return self.task.multi_modal
