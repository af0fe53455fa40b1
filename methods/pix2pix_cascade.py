"""2 x pix2pix: conditional GANs D -> R and R -> S (S -> R and R -> D), joined through decoded RGB images.

Isola, Zhu, Zhou, Efros: Image-to-image translation with conditional adversarial networks, CVPR 2017; the row
"2 x pix2pix" of thesis tables 4.4-4.8. Recipe: U-Net with skip connections, 70 x 70 PatchGAN that sees the input beside
the output, cross-entropy adversarial loss with the discriminator's halved, 100 x L1, N(0, 0.02) initialisation, Adam
2e-4 with beta1 0.5, constant for half of the steps and then linearly to 0. Where the output is segmentation, depth or
NIR the modality's own loss takes the place of L1 (thesis 4.6.2). At test time RGB is decoded to an image and encoded
again.

Deviations, each with its reason:

- Dropout, the paper's noise, is on in training and off in translation: the paper reports "only minor stochasticity",
  and a prediction has to be a function of its input.
- Batch normalization keeps running statistics, because batches are larger than 1 and a prediction must not depend on
  its batch. The second network reads generated images: rows with trained and with re-estimated statistics, see
  ``cascades.py``.
- Generated segmentations are shown to the discriminator as hard one-hot images (``networks/presentation.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .cascades import Cascades, aligned_images, seen_pairs
from .gan_losses import bce_discriminator, bce_generator, reconstruction_loss
from .networks.patchgan import PatchGAN, patch_layers
from .networks.presentation import as_tensor, present, with_holes_of
from .networks.unet import UNet
from .networks.widths import part_widths

NAME = "pix2pix-cascade"
TITLE = "2 x pix2pix"
CLASS = "Pix2PixCascade"
ACCESS = "seen-groups"
GROUP = "baselines"
KINDS = ("cross-modal", "cross-channel")
BUDGET = "full"
COST = 1.15
CITATION = "Isola et al., CVPR 2017; Wang: PhD thesis, section 4.6.2"


@dataclass(frozen=True)
class Translated:
    """One translator's step: target modality, the input as its networks see it, raw output, truth."""

    target: str
    condition: Tensor
    raw: Tensor
    truth: Tensor


class Pix2PixCascade(Method):
    """A generator and a discriminator for every translation to or from the anchor that an unseen one runs through."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        norm, layers = context.settings["norm"], patch_layers(context.size)
        width, (critic_width,) = context.network.width, part_widths(context, "discriminator")
        self.pairs = seen_pairs(self.task)
        self.generators, self.discriminators = nn.ModuleDict(), nn.ModuleDict()
        for name, (source, target) in self.pairs.items():
            channels = self.task.modality(source).channels, self.task.modality(target).channels
            self.generators[name] = UNet(*channels, context.size, width, norm=norm)
            self.discriminators[name] = PatchGAN(sum(channels), critic_width, layers=layers, norm=norm)
        self.banks = Cascades(self.task, lambda output: [self.generators[f"{self.task.anchor}>{output}"]])

    def forward(self, batch: Batch, stage: Stage) -> list[Translated] | None:
        """Every translator on its own pairs; a stage without players re-estimates BN statistics."""
        if not stage.players:
            self.banks.observe(self, batch)
            return None
        made = []
        for name, (source, target) in self.pairs.items():
            images, truth = aligned_images(self.task, batch, source, target)
            made.append(Translated(target, images, self.generators[name](images), truth))
        return made

    def loss(self, player: str, batch: Batch, made: list[Translated], stage: Stage) -> Losses:
        """Generator: one loss per output modality and ``gan``; discriminator: ``gan``."""
        losses: Losses = {}
        for name, one in zip(self.pairs, made, strict=True):
            modality, critic = self.task.modality(one.target), self.discriminators[name]
            fake = with_holes_of(modality, present(modality, one.raw), one.truth)
            if player == "discriminator":
                real = critic(torch.cat([one.condition, modality.to_network(one.truth)], 1))
                value = bce_discriminator(real, critic(torch.cat([one.condition, fake.detach()], 1)))
            else:
                value = bce_generator(critic(torch.cat([one.condition, fake], 1)))
                reconstruction = reconstruction_loss(modality, one.raw, one.truth)
                losses[one.target] = losses.get(one.target, 0.0) + reconstruction
            losses["gan"] = losses.get("gan", 0.0) + value
        return losses

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """One seen translation or, ``via`` the anchor, two of them."""
        if translation.via is not None:
            return self.banks.translate(self, inputs, translation)
        ((source, image),) = inputs.items()
        raw = self.generators[f"{source}>{translation.output}"](self.task.modality(source).to_network(image))
        return as_tensor(self.task.modality(translation.output), raw)

    def translations(self) -> tuple[Translation, ...]:
        """Each unseen translation through the anchor, with and without re-estimated BN statistics."""
        return self.banks.rows()
