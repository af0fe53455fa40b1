"""StarGAN (unpaired): one generator for all modalities, trained on unpaired images with cycle reconstruction.

Choi et al.: StarGAN, CVPR 2018; the row "StarGAN(unpaired)" of thesis tables 4.4-4.8 and section 4.6.2. Recipe: WGAN-GP
with gradient penalty 10, a classification head on the discriminator with weight 1, reconstruction with weight 10, Adam
1e-4 with beta1 0.5, constant for half of the steps and then linearly to 0.

Deviations, each with its reason:

- First and last layers are a modality's own (thesis 4.6.2). The discriminator's first layers then know the modality
  already, so its classification head has an easy task; the loss is kept because the recipe has it.
- In every step each modality is translated to one other, drawn so that every modality is a target once.
- Reconstruction is the modality's own loss (cross-entropy, Berhu) where StarGAN has L1 on RGB.
- The generator is narrower than the paper's at laptop scale (``stargan_unpaired.toml``).
- What is generated is made hard and given real images' holes before it is looked at (``networks/presentation.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .gan_losses import reconstruction_loss
from .losses import by_name
from .networks.presentation import as_tensor, present, with_holes_of
from .networks.stargan import SharedDiscriminator, SharedGenerator, adversarial_critic, adversarial_generator
from .networks.widths import part_widths

NAME = "stargan-unpaired"
TITLE = "StarGAN (unpaired)"
CLASS = "StarGANUnpaired"
ACCESS = "unpaired"
GROUP = "baselines"
KINDS = ("cross-modal",)
BUDGET = "full"
COST = 4.5
CITATION = "Choi et al., CVPR 2018; Wang: PhD thesis, section 4.6.2"


@dataclass(frozen=True)
class Translated:
    """One direction's translated image, and what the discriminator is shown of it: with the holes of real images."""

    source: str
    target: str
    image: Tensor
    fake: Tensor


class StarGANUnpaired(Method):
    """A generator and a discriminator that all modalities share."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        modalities, settings = self.task.modalities, context.settings
        width, critic_width = part_widths(context, "generator", "discriminator")
        size = replace(context.network, width=width)
        self.generator = SharedGenerator(modalities, size, norm=settings["norm"] == "instance")
        self.discriminator = SharedDiscriminator(modalities, context.size, critic_width)

    def forward(self, batch: Batch, stage: Stage) -> list[Translated]:
        """Every modality to another one."""
        modalities = self.task.modalities
        shift = int(torch.randint(1, len(modalities), ()))
        pairs = [(m, modalities[(i + shift) % len(modalities)]) for i, m in enumerate(modalities)]
        there = self.generator([(a.name, b.name, a.to_network(batch[a.name][a.name])) for a, b in pairs])
        images = [present(b, raw) for (_, b), raw in zip(pairs, there, strict=True)]
        return [
            Translated(a.name, b.name, image, with_holes_of(b, image, batch[b.name][b.name]))
            for (a, b), image in zip(pairs, images, strict=True)
        ]

    def loss(self, player: str, batch: Batch, made: list[Translated], stage: Stage) -> Losses:
        """Generator: ``gan``, ``classify``, ``cycle``; discriminator: ``gan``, ``penalty``, ``classify``."""
        if player == "discriminator":
            reals = [self.task.modality(one.target).to_network(batch[one.target][one.target]) for one in made]
            shown = [(one.target, real, one.fake.detach()) for one, real in zip(made, reals, strict=True)]
            terms = adversarial_critic(self.discriminator, shown)
        else:
            backs = self.generator([(one.target, one.source, one.image) for one in made])
            terms = adversarial_generator(self.discriminator, [(one.target, one.fake) for one in made])
            for one, back, adversarial in zip(made, backs, terms, strict=True):
                source = self.task.modality(one.source)
                adversarial["cycle"] = reconstruction_loss(source, back, batch[one.source][one.source])
        return {name: values.mean() for name, values in by_name(terms).items()}

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """One pass of the generator with the output's label."""
        ((source, image),) = inputs.items()
        (raw,) = self.generator([(source, translation.output, self.task.modality(source).to_network(image))])
        return as_tensor(self.task.modality(translation.output), raw)

    def translations(self) -> tuple[Translation, ...]:
        """The unseen translations and, for comparison, the seen ones."""
        return (*self.task.unseen, *self.task.seen)
