"""Plain pseudo-labels: translators of the anchor label the other group's images, and students learn from those labels.

What a practitioner would try first, with nothing joined and nothing aligned. With ``x`` the anchor's image, ``y`` a
segmentation, ``z`` a depth map and two groups RS and RD: stage ``teach`` trains R -> S on RS and R -> D on RD (eq. 4.7
and 4.4); stage ``learn`` freezes both and trains D -> S on (z, R -> S(x)) of RD and S -> D on (y, R -> D(x)) of RS.
Every translator has an encoder and a decoder of its own, M&MNets' networks and losses. Compared with ``mmnet-pp`` (eq.
4.12, 4.13) there are no shared networks, no autoencoders and no latent consistency.

The schedule is this benchmark's own: half of the steps for teachers, half for students. ``pseudo-label-confident``
keeps the pixels whose class the teacher gives a probability of at least 0.9, a threshold fixed before any result.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .cascades import aligned_images, from_anchor
from .losses import Translated, translation_losses
from .networks.builder import Builder, evaluating

NAME = "pseudo-label"
TITLE = "Pseudo-labels"
CLASS = "PseudoLabel"
ACCESS = "seen-groups"
GROUP = "zero-pair"
KINDS = ("cross-modal",)
IN_ALL = False
SUITES = ("followups",)
BUDGET = "full"
COST = 0.6
CITATION = "Lee: Pseudo-Label, ICML 2013 workshop; as a zero-pair translator this benchmark's own"


class PseudoLabel(Method):
    """A teacher from the anchor to every modality that an unseen translation ends in, a student per unseen pair."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.confidence = float(context.settings["confidence"])
        if not 0.0 <= self.confidence <= 1.0:
            raise UserError(f"confidence = {self.confidence:g}: expected a probability from 0 (keep all) to 1")
        parts = Builder(context)
        self.students = [(t.inputs[0], t.output) for t in self.task.unseen]
        self.taught = sorted({output for _, output in self.students})
        anchor = self.task.modality(self.task.anchor)
        self.teacher_encoders = nn.ModuleDict({name: parts.encoder(anchor) for name in self.taught})
        self.teacher_decoders = nn.ModuleDict({name: parts.decoder(self.task.modality(name)) for name in self.taught})
        self.pretrained = parts.pretrained
        ends = {_key(*pair): [self.task.modality(name) for name in pair] for pair in self.students}
        self.encoders = nn.ModuleDict({key: parts.encoder(source) for key, (source, _) in ends.items()})
        self.decoders = nn.ModuleDict({key: parts.decoder(target) for key, (_, target) in ends.items()})

    def forward(self, batch: Batch, stage: Stage) -> list[Translated]:
        """Teachers on the seen pairs or, with ``learn`` in the stage, students on what the teachers say."""
        if stage.options["learn"]:
            return [self._learnt(batch, source, target) for source, target in self.students]
        made = []
        for target in self.taught:
            images, truth = aligned_images(self.task, batch, self.task.anchor, target)
            raw = self._raw(self.task.anchor, target, images)
            made.append(Translated(self.task.modality(target), raw, truth))
        return made

    def loss(self, player: str, batch: Batch, made: list[Translated], stage: Stage) -> Losses:
        """One loss per output modality (eq. 4.4, 4.7), of pseudo-labels as of true ones."""
        return translation_losses(made, self.context.settings["reduction"])

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """A student's translation, or a teacher's where the input is the anchor."""
        ((source, image),) = inputs.items()
        target = self.task.modality(translation.output)
        return target.from_network(self._raw(source, target.name, self.task.modality(source).to_network(image)))

    def translations(self) -> tuple[Translation, ...]:
        """The unseen translations, and the teachers' own, which say how good the labels are."""
        return (*self.task.unseen, *from_anchor(self.task))

    def _learnt(self, batch: Batch, source: str, target: str) -> Translated:
        """A student on the images of all groups that hold its source: they are aligned with the anchor's."""
        images, anchors = aligned_images(self.task, batch, source, self.task.anchor)
        with evaluating(self):
            label = self._label(target, self.task.modality(self.task.anchor).to_network(anchors))
        return Translated(self.task.modality(target), self._raw(source, target, images), label)

    def _label(self, name: str, anchors: Tensor) -> Tensor:
        """What the teacher says; of classes, those below the confidence become void."""
        modality = self.task.modality(name)
        raw = self._raw(self.task.anchor, name, anchors)
        label = modality.from_network(raw)
        if modality.legend and self.confidence:
            sure = raw.float().softmax(1)[:, 1:].amax(1) >= self.confidence
            label = torch.where(sure, label, 0)
        return label

    def _raw(self, source: str, target: str, images: Tensor) -> Tensor:
        if source == self.task.anchor:
            raw: Tensor = self.teacher_decoders[target](self.teacher_encoders[target](images))
        else:
            raw = self.decoders[_key(source, target)](self.encoders[_key(source, target)](images))
        return raw


def _key(source: str, target: str) -> str:
    return f"{source}>{target}"
