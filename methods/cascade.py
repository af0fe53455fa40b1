"""Cascaded translators: D -> R and R -> S (S -> R and R -> D) trained separately, joined through decoded RGB images.

Thesis 4.3.1 and 4.6.2 ("M&M Nets D -> R -> S": M&MNets' architecture, explicitly decoded to RGB and encoded again).
Every translator has an encoder and a decoder of its own. Rows with trained and with re-estimated BN statistics: see
``cascades.py``. ``cascade-skip`` has skip connections.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .cascades import Cascades, aligned_images, seen_pairs
from .losses import Translated, lsgan_discriminator, lsgan_generator, translation_losses
from .networks.builder import Builder

NAME = "cascade"
TITLE = "Cascade"
CLASS = "Cascade"
ACCESS = "seen-groups"
GROUP = "baselines"
KINDS = ("cross-modal", "cross-channel")
BUDGET = "full"
COST = 0.9
CITATION = "Wang: PhD thesis, sections 4.3.1 and 4.6.2"


class Cascade(Method):
    """One encoder-decoder pair for every translation to or from the anchor that an unseen translation runs through."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        parts = Builder(context)
        self.pairs = seen_pairs(self.task)
        modalities = {name: [self.task.modality(end) for end in pair] for name, pair in self.pairs.items()}
        self.encoders = nn.ModuleDict({name: parts.encoder(source) for name, (source, _) in modalities.items()})
        self.decoders = nn.ModuleDict({name: parts.decoder(target) for name, (_, target) in modalities.items()})
        adversarial = context.settings["adversarial"]
        images = {name: target for name, (_, target) in modalities.items() if target.is_colour and adversarial}
        self.discriminators = nn.ModuleDict({name: parts.discriminator(m) for name, m in images.items()})
        self.pretrained = parts.pretrained
        self.banks = Cascades(self.task, self._from_anchor)

    def forward(self, batch: Batch, stage: Stage) -> list[Translated] | None:
        """Every translator on its own pairs; a stage without players re-estimates BN statistics."""
        if not stage.players:
            self.banks.observe(self, batch)
            return None
        made = []
        for name, (source, target) in self.pairs.items():
            images, truth = aligned_images(self.task, batch, source, target)
            raw = self.decoders[name](self.encoders[name](images))
            made.append(Translated(self.task.modality(target), raw, truth))
        return made

    def loss(self, player: str, batch: Batch, made: list[Translated], stage: Stage) -> Losses:
        """One loss per output modality (eq. 4.1, 4.2, 4.4, 4.7) and ``gan``."""
        adversarial = {name: one for name, one in zip(self.pairs, made, strict=True) if name in self.discriminators}
        if player == "discriminator":
            scores = [
                lsgan_discriminator(self.discriminators[name](one.truth), self.discriminators[name](one.raw.detach()))
                for name, one in adversarial.items()
            ]
            return {"gan": torch.stack(scores).sum()}
        losses = translation_losses(made, self.context.settings["reduction"])
        if stage.players.get("discriminator"):
            scores = [lsgan_generator(self.discriminators[name](one.raw)) for name, one in adversarial.items()]
            losses["gan"] = torch.stack(scores).sum()
        return losses

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """One seen translation or, ``via`` the anchor, two of them."""
        if translation.via is not None:
            return self.banks.translate(self, inputs, translation)
        ((source, image),) = inputs.items()
        name = f"{source}>{translation.output}"
        raw = self.decoders[name](self.encoders[name](self.task.modality(source).to_network(image)))
        return self.task.modality(translation.output).from_network(raw)

    def translations(self) -> tuple[Translation, ...]:
        """Each unseen translation through the anchor, with and without re-estimated BN statistics."""
        return self.banks.rows()

    def _from_anchor(self, output: str) -> list[nn.Module]:
        name = f"{self.task.anchor}>{output}"
        return [self.encoders[name], self.decoders[name]]
