"""A method that sleeps for a known time where others train, and leaves a line for each time that it begins."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

NAME = "sleeper"
TITLE = "Sleeper"
CLASS = "Sleeper"
ACCESS = "seen-groups"
GROUP = "chance"
KINDS = ("cross-modal",)
SETTINGS = {"seconds": 1.0}
RANGES = {"seconds": [0.0, 36000.0]}
CITATION = "of benchmarks.sharing"

DIARY = "SLEEPER_DIARY"  # variable that names the file of lines


class Sleeper(Method):
    """``seconds`` of sleep, shared out over the steps; it learns nothing."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.layer = nn.Linear(1, 1)
        self.seconds = float(context.settings["seconds"])
        self.begun = False

    def forward(self, batch: Batch, stage: Stage) -> None:
        """Sleep for this step's share."""
        if not self.begun:
            self.begun = True
            with Path(os.environ[DIARY]).open("a") as file:
                file.write("begun\n")
        time.sleep(self.seconds / stage.steps)

    def loss(self, player: str, batch: Batch, made: None, stage: Stage) -> Losses:
        """A number with a gradient."""
        return {"loss": self.layer.weight.sum()}

    def translations(self) -> tuple[Translation, ...]:
        """One, to score it quickly."""
        return self.task.unseen[:1]

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The first class everywhere."""
        image = next(iter(inputs.values()))
        return torch.ones(len(image), *image.shape[-2:], dtype=torch.long)
