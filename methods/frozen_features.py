"""Frozen features: an RGB encoder that stays, decoders trained on it, other encoders taught to make its features.

What a practitioner would try today with a pretrained backbone. With ``x`` the anchor's image, ``y`` a segmentation,
``z`` a depth map and two groups RS and RD: stage ``decode`` trains R -> S on RS and R -> D on RD through one RGB
encoder; stage ``match`` freezes all of that and teaches the depth encoder the RGB encoder's features of the same
scene, ``|f_R(x) - f_D(z)|_2`` (eq. 4.11), and the segmentation encoder likewise (eq. 4.10). D -> S is the depth encoder
and the decoder that never saw it.

The RGB encoder starts from VGG-16 where the profile has its size and the weights can be had; else it is trained with
the decoders in the first stage, which ``pretrained`` of the result says. There is no side information: pooling indices
and skips of an encoder that only matches the last features would be its own. Stages and rates are this benchmark's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .cascades import aligned_images, from_anchor
from .losses import Translated, latent_distance, translation_losses
from .networks.builder import Builder

NAME = "frozen-features"
TITLE = "Frozen features"
CLASS = "FrozenFeatures"
ACCESS = "seen-groups"
GROUP = "zero-pair"
KINDS = ("cross-modal",)
IN_ALL = False
SUITES = ("followups",)
BUDGET = "full"
COST = 0.6
CITATION = "this benchmark's own; feature matching as in Gupta, Hoffman, Malik: Cross modal distillation for supervision transfer, CVPR 2016"  # noqa: E501


@dataclass(frozen=True)
class Step:
    """What a step made: the anchor's translations, or features, the anchor's and those that are to be like them."""

    translated: list[Translated]
    features: list[tuple[Tensor, Tensor]]


class FrozenFeatures(Method):
    """An encoder per modality and a decoder per modality that an unseen translation ends in."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        parts = Builder(context)
        self.sources = sorted({t.inputs[0] for t in self.task.unseen})
        self.taught = sorted({t.output for t in self.task.unseen})
        self.encoders = nn.ModuleDict({
            name: parts.encoder(self.task.modality(name)) for name in (self.task.anchor, *self.sources)
        })  # fmt: skip
        self.decoders = nn.ModuleDict({name: parts.decoder(self.task.modality(name)) for name in self.taught})
        self.pretrained = parts.pretrained

    def forward(self, batch: Batch, stage: Stage) -> Step:
        """The anchor's translations or, with ``match`` in the stage, the features of every other modality."""
        anchor = self.task.anchor
        if stage.options["match"]:
            features = [
                (self.encode(anchor, tensors[anchor]), self.encode(source, tensors[source]))
                for tensors in batch.values()
                for source in self.sources
                if source in tensors
            ]
            return Step([], features)
        made = []
        for target in self.taught:
            images, truth = aligned_images(self.task, batch, anchor, target)
            raw = self.decoders[target](self.encoders[anchor](images))
            made.append(Translated(self.task.modality(target), raw, truth))
        return Step(made, [])

    def loss(self, player: str, batch: Batch, made: Step, stage: Stage) -> Losses:
        """One loss per output modality (eq. 4.4, 4.7), or ``match`` (eq. 4.10, 4.11)."""
        settings = self.context.settings
        losses = translation_losses(made.translated, settings["reduction"])
        for anchors, others in made.features:
            distance = latent_distance(anchors.detach(), others, settings["latent_reduction"])
            losses["match"] = losses.get("match", 0.0) + distance
        return losses

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The input's encoder and the output's decoder."""
        ((source, image),) = inputs.items()
        raw = self.decoders[translation.output](self.encoders[source](self.task.modality(source).to_network(image)))
        return self.task.modality(translation.output).from_network(raw)

    def translations(self) -> tuple[Translation, ...]:
        """The unseen translations, and the anchor's own, of which the decoders were trained."""
        return (*self.task.unseen, *from_anchor(self.task))

    def encode(self, modality: str, tensor: Tensor) -> Tensor:
        """The features, ``(B, C, h, w)``."""
        return self.encoders[modality](self.task.modality(modality).to_network(tensor)).latent
