"""Methods as plug-ins that learn nothing, and do what a test says in each training step."""

from __future__ import annotations

from pathlib import Path

METHOD = '''
"""A method that ends in a way of its own."""
import json, os, sys, time
import torch
from mmbench.method import Method

NAME = "{name}"
TITLE = "Odd"
CLASS = "Odd"
ACCESS = "seen-groups"
GROUP = "baselines"
KINDS = ("cross-modal",)
{parent}

class Odd(Method):
    def __init__(self, context):
        super().__init__(context)
        self.layer = torch.nn.Linear(1, 1)

    def networks(self):
        return {{"encoder/x": self.layer}}

    def forward(self, batch, stage):
        {does}

    def loss(self, player, batch, made, stage):
        return {{"loss": self.layer.weight.sum()}}

    def translations(self):
        return self.task.unseen[:1]

    def translate(self, inputs, translation, *, sample=0):
        return torch.ones(len(inputs["depth"]), 16, 16).long()
'''


def plug(folder: Path, name: str, does: str, parent: str = "") -> None:
    """Write one; ``does`` is a statement of each training step, for which ``os``, ``sys`` and ``time`` are there."""
    (folder / "methods").mkdir(parents=True, exist_ok=True)
    line = f'PARENT = "{parent}"' if parent else ""
    (folder / "methods" / f"{name}.py").write_text(METHOD.format(name=name, does=does, parent=line))
