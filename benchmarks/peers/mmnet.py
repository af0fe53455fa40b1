"""M&MNets against themselves: our own networks and losses in a plain loop."""

from __future__ import annotations

import torch
from mmbench.methods.mmnet import MMNet as OurMMNet
from torch import nn

from mmbench.method import Batch, Context, Stage
from mmbench.training.device import Compute
from mmbench.training.loop import set_modes

from .loop import Objectives, Peer


class MMNet(Peer):
    """The eager form: what the stage freezes is frozen, no fused optimizer, no chosen memory format."""

    def __init__(self, context: Context, stage: Stage) -> None:
        super().__init__(context, stage)
        self.method = OurMMNet(context)
        parts = self.method.encoders, self.method.decoders
        self.generators, self.discriminators = nn.ModuleList(parts), self.method.discriminators

    def start(self, compute: Compute, layout: torch.memory_format) -> None:
        """As every peer, with the stage's frozen parts."""
        super().start(compute, layout)
        set_modes(self.method, self.stage)

    def step(self, batch: Batch) -> Objectives:
        """All players of the stage."""
        objectives: Objectives = {}
        made, objectives = None, {}
        with self.compute.autocast():
            made = self.method(batch, self.stage)
        for player in (name for name, times in self.stage.players.items() if times):
            with self.compute.autocast():
                losses = self.method.loss(player, batch, made, self.stage)
                weighted = [self.stage.weights.get(name, 1.0) * value for name, value in losses.items()]
            objectives[player] = self.update(player, torch.stack(weighted).sum())
        return objectives
