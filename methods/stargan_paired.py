"""StarGAN (paired): the shared generator of StarGAN, trained on the seen pairs, without cycle consistency.

Choi et al.: StarGAN, CVPR 2018; the row "StarGAN(paired)" of thesis tables 4.4-4.7: "for this version, we removed the
cycle consistency (which is not required for paired modalities)" (4.6.2). Every seen direction is trained with its
modality's own loss beside StarGAN's adversarial and classification losses. Depth to segmentation is never trained: the
shared trunk, the depth's first and the segmentation's last layer are joined at test time. Everything else, with the
deviations, as in ``stargan_unpaired.py``; at laptop scale one discriminator step per generator step, where the paper
has five, and a narrower discriminator too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .gan_losses import reconstruction_loss
from .losses import by_name
from .networks.presentation import as_tensor, present, with_holes_of
from .networks.stargan import SharedDiscriminator, SharedGenerator, adversarial_critic, adversarial_generator
from .networks.widths import part_widths

NAME = "stargan-paired"
TITLE = "StarGAN (paired)"
CLASS = "StarGANPaired"
ACCESS = "seen-groups"
GROUP = "baselines"
KINDS = ("cross-modal",)
BUDGET = "full"
COST = 1.15
CITATION = "Choi et al., CVPR 2018; Wang: PhD thesis, section 4.6.2"


@dataclass(frozen=True)
class Translated:
    """One seen direction's step: target modality, raw output, truth."""

    target: str
    raw: Tensor
    truth: Tensor


class StarGANPaired(Method):
    """A generator and a discriminator that all modalities share."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        modalities, settings = self.task.modalities, context.settings
        width, critic_width = part_widths(context, "generator", "discriminator")
        size = replace(context.network, width=width)
        self.generator = SharedGenerator(modalities, size, norm=settings["norm"] == "instance")
        self.discriminator = SharedDiscriminator(modalities, context.size, critic_width)

    def forward(self, batch: Batch, stage: Stage) -> list[Translated]:
        """The anchor to every other modality of each group, and back."""
        anchor, jobs, truths = self.task.anchor, [], []
        for tensors in batch.values():
            for other in tensors:
                for source, target in ((anchor, other), (other, anchor)) if other != anchor else ():
                    jobs.append((source, target, self.task.modality(source).to_network(tensors[source])))
                    truths.append(tensors[target])
        raws = self.generator(jobs)
        return [Translated(target, raw, truth) for (_, target, _), raw, truth in zip(jobs, raws, truths, strict=True)]

    def loss(self, player: str, batch: Batch, made: list[Translated], stage: Stage) -> Losses:
        """Generator: a loss per output modality, ``gan``, ``classify``; discriminator: ``gan``, ``penalty``, too."""
        modalities = [self.task.modality(one.target) for one in made]
        fakes = [with_holes_of(m, present(m, one.raw), one.truth) for m, one in zip(modalities, made, strict=True)]
        if player == "discriminator":
            reals = [m.to_network(one.truth) for m, one in zip(modalities, made, strict=True)]
            shown = [(m.name, real, fake.detach()) for m, real, fake in zip(modalities, reals, fakes, strict=True)]
            terms = adversarial_critic(self.discriminator, shown)
        else:
            terms = adversarial_generator(
                self.discriminator, [(m.name, fake) for m, fake in zip(modalities, fakes, strict=True)]
            )
            for modality, one, adversarial in zip(modalities, made, terms, strict=True):
                adversarial[modality.name] = reconstruction_loss(modality, one.raw, one.truth)
        return {name: values.mean() for name, values in by_name(terms).items()}

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """One pass of the generator with the output's label."""
        ((source, image),) = inputs.items()
        (raw,) = self.generator([(source, translation.output, self.task.modality(source).to_network(image))])
        return as_tensor(self.task.modality(translation.output), raw)

    def translations(self) -> tuple[Translation, ...]:
        """The unseen translations and, for comparison, the seen ones."""
        return (*self.task.unseen, *self.task.seen)
