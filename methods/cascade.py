"""Cascaded translators: D -> R and R -> S (S -> R and R -> D) trained separately, joined through decoded RGB images.

Thesis 4.3.1 and 4.6.2 ("M&M Nets D -> R -> S": M&MNets' architecture, explicitly decoded to RGB and encoded again).
Every translator has an encoder and a decoder of its own. The intermediate image is generated, so the second
translator's BN statistics, taken from real images, do not fit it: the row ``re-estimated`` takes them from the first
translator's output over training images, the row ``trained`` leaves them. ``cascade-skip`` has skip connections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .losses import lsgan_discriminator, lsgan_generator, translation_loss
from .networks.bn import StatisticsBank
from .networks.builder import Builder, evaluating

NAME = "cascade"
TITLE = "Cascade"
CLASS = "Cascade"
ACCESS = "seen-groups"
GROUP = "baselines"
KINDS = ("cross-modal", "cross-channel")
BUDGET = "full"
COST = 0.9
CITATION = "Wang: PhD thesis, sections 4.3.1 and 4.6.2"


@dataclass(frozen=True)
class Made:
    """One step's translations: target modality, raw output, truth."""

    outputs: list[tuple[str, Tensor, Tensor]]


class Cascade(Method):
    """One encoder-decoder pair for every translation to or from the anchor that an unseen translation runs through."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        parts, anchor = Builder(context), self.task.anchor
        needed = [pair for t in self.task.unseen for pair in ((t.inputs[0], anchor), (anchor, t.output))]
        self.pairs = list(dict.fromkeys(needed))
        self.encoders = nn.ModuleDict({_key(*p): parts.encoder(self.task.modality(p[0])) for p in self.pairs})
        self.decoders = nn.ModuleDict({_key(*p): parts.decoder(self.task.modality(p[1])) for p in self.pairs})
        made_images = [p for p in self.pairs if self.task.modality(p[1]).is_colour and context.settings["adversarial"]]
        self.discriminators = nn.ModuleDict(
            {_key(*p): parts.discriminator(self.task.modality(p[1])) for p in made_images}
        )
        self.pretrained = parts.pretrained
        self.banks = nn.ModuleDict({f"{t.inputs[0]}>{t.output}": self._bank(t.output) for t in self.task.unseen})

    def networks(self) -> dict[str, nn.Module]:
        """encoder/depth>rgb, decoder/depth>rgb, ..."""
        groups = {"encoder": self.encoders, "decoder": self.decoders, "discriminator": self.discriminators}
        return {f"{role}/{name}": module for role, group in groups.items() for name, module in group.items()}

    def forward(self, batch: Batch, stage: Stage) -> Made | None:
        """Every translator on its own pairs; a stage without players re-estimates BN statistics."""
        if not stage.players:
            self._reestimate(batch)
            return None
        outputs = []
        for source, target in self.pairs:
            views = [tensors for tensors in batch.values() if source in tensors and target in tensors]
            images = self.task.modality(source).to_network(torch.cat([tensors[source] for tensors in views]))
            raw = self.decoders[_key(source, target)](self.encoders[_key(source, target)](images))
            outputs.append((target, raw, torch.cat([tensors[target] for tensors in views])))
        return Made(outputs)

    def loss(self, player: str, batch: Batch, made: Made, stage: Stage) -> Losses:
        """One loss per output modality (eq. 4.1, 4.2, 4.4, 4.7) and ``gan``."""
        adversarial = {
            name: output for pair, output in zip(self.pairs, made.outputs, strict=True)
            if (name := _key(*pair)) in self.discriminators
        }  # fmt: skip
        if player == "discriminator":
            scores = [
                lsgan_discriminator(self.discriminators[name](real), self.discriminators[name](raw.detach()))
                for name, (_, raw, real) in adversarial.items()
            ]
            return {"gan": torch.stack(scores).sum()}
        losses: Losses = {}
        for target, raw, truth in made.outputs:
            value = translation_loss(self.task.modality(target), raw, truth, self.context.settings["reduction"])
            losses[target] = losses.get(target, 0.0) + value
        if stage.players.get("discriminator"):
            scores = [lsgan_generator(self.discriminators[name](raw)) for name, (_, raw, _) in adversarial.items()]
            losses["gan"] = torch.stack(scores).sum()
        return losses

    def translate(
        self,
        inputs: Mapping[str, Tensor],
        output: str,
        *,
        via: str | None = None,
        weights: tuple[float, ...] | None = None,
        side_from: str | None = None,
        bn: str = "trained",
        sample: int = 0,
    ) -> Tensor:
        """One seen translation or, ``via`` the anchor, two of them."""
        ((source, image),) = inputs.items()
        if via is not None:
            middle = self.translate(inputs, via)
            if bn == "trained":
                return self.translate({via: middle}, output)
            with self.banks[f"{source}>{output}"].applied():
                return self.translate({via: middle}, output)
        key = _key(source, output)
        raw = self.decoders[key](self.encoders[key](self.task.modality(source).to_network(image)))
        return self.task.modality(output).from_network(raw)

    def translations(self) -> tuple[Translation, ...]:
        """Each unseen translation through the anchor, with and without re-estimated BN statistics."""
        has_bn = any(isinstance(module, nn.BatchNorm2d) for module in self.modules())
        treatments = ("trained", "re-estimated") if has_bn else ("trained",)
        anchor = self.task.anchor
        return tuple(Translation(t.inputs, t.output, anchor, bn=bn) for bn in treatments for t in self.task.unseen)

    def _bank(self, output: str) -> StatisticsBank:
        key = _key(self.task.anchor, output)
        return StatisticsBank([self.encoders[key], self.decoders[key]])

    def _reestimate(self, batch: Batch) -> None:
        for translation in self.task.unseen:
            source = translation.inputs[0]
            for tensors in batch.values():
                if source in tensors:
                    with evaluating(self):
                        middle = self.translate({source: tensors[source]}, self.task.anchor)
                        with self.banks[f"{source}>{translation.output}"].observing():
                            self.translate({self.task.anchor: middle}, translation.output)


def _key(source: str, target: str) -> str:
    return f"{source}>{target}"
