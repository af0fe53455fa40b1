"""The upper bound: each unseen translation trained with the true pairs that the zero-pair setting withholds.

The last rows of tables 4.4-4.8: one separate encoder-decoder pair per direction. ``oracle-multimodal`` trains the
multi-modal directions: one encoder per input, latents averaged with the task's weights, side information from the
task's index source, as M&MNets combine them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .losses import lsgan_discriminator, lsgan_generator, translation_loss
from .networks.builder import Builder
from .networks.code import Code

NAME = "oracle"
TITLE = "Oracle"
CLASS = "Oracle"
ACCESS = "true-pairs"
GROUP = "oracle"
KINDS = ("cross-modal", "cross-channel")
BUDGET = "full"
COST = 1.0
CITATION = "Wang: PhD thesis, section 4.6.2 and tables 4.4-4.8"


class Oracle(Method):
    """One translator per direction, nothing shared between directions."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        parts = Builder(context)
        self.rows = self.task.multi_modal if context.settings["multi_modal"] else self.task.unseen
        self.encoders, self.decoders, self.discriminators = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for row in self.rows:
            output = self.task.modality(row.output)
            for name in row.inputs:
                self.encoders[f"{name}@{_key(row)}"] = parts.encoder(self.task.modality(name))
            self.decoders[_key(row)] = parts.decoder(output)
            if output.is_colour and context.settings["adversarial"]:
                self.discriminators[_key(row)] = parts.discriminator(output)
        self.pretrained = parts.pretrained

    def forward(self, batch: Batch, stage: Stage) -> list[Tensor]:
        """Raw output of every direction on the images of all groups."""
        images = {name: torch.cat([tensors[name] for tensors in batch.values()]) for name in _names(self.rows)}
        return [self._raw(row, images) for row in self.rows]

    def loss(self, player: str, batch: Batch, made: list[Tensor], stage: Stage) -> Losses:
        """One loss per output modality and ``gan``."""
        losses: Losses = {}
        for row, raw in zip(self.rows, made, strict=True):
            truth = torch.cat([tensors[row.output] for tensors in batch.values()])
            adversarial = _key(row) in self.discriminators and stage.players.get("discriminator")
            if player == "discriminator":
                if adversarial:
                    critic = self.discriminators[_key(row)]
                    losses["gan"] = losses.get("gan", 0.0) + lsgan_discriminator(critic(truth), critic(raw.detach()))
                continue
            value = translation_loss(self.task.modality(row.output), raw, truth, self.context.settings["reduction"])
            losses[row.output] = losses.get(row.output, 0.0) + value
            if adversarial:
                losses["gan"] = losses.get("gan", 0.0) + lsgan_generator(self.discriminators[_key(row)](raw))
        return losses

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """One of the directions it was trained for."""
        output = translation.output
        row = next(r for r in self.rows if set(r.inputs) == set(inputs) and r.output == output)
        return self.task.modality(output).from_network(self._raw(row, inputs))

    def translations(self) -> tuple[Translation, ...]:
        """The directions it was trained for."""
        return self.rows

    def _raw(self, row: Translation, images: Mapping[str, Tensor]) -> Tensor:
        codes = {
            name: self.encoders[f"{name}@{_key(row)}"](self.task.modality(name).to_network(images[name]))
            for name in row.inputs
        }
        shares = row.weights or (1.0 / len(codes),) * len(codes)
        latent = torch.stack([w * code.latent for w, code in zip(shares, codes.values(), strict=True)]).sum(0)
        raw: Tensor = self.decoders[_key(row)](Code(latent, codes[row.side_from or row.inputs[0]].side))
        return raw


def _key(row: Translation) -> str:
    return f"{'+'.join(row.inputs)}>{row.output}"


def _names(rows: tuple[Translation, ...]) -> list[str]:
    return sorted({name for row in rows for name in row.inputs})
