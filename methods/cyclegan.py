"""CycleGAN: D <-> S (and N <-> S) from unpaired images, without RGB.

Zhu, Park, Isola, Efros: Unpaired image-to-image translation using cycle-consistent adversarial networks, ICCV 2017; the
row "CycleGAN" of thesis tables 4.4-4.8 ("only leverages depth and semantic segmentation, ignoring the available RGB
data"). Recipe: two generators and two 70 x 70 PatchGANs per pair, least-squares adversarial loss with the
discriminator's halved, cycle consistency with weight 10, a history of 50 generated images, Adam 2e-4 with beta1 0.5,
constant for half of the steps and then linearly to 0. The papers' row has skip connections (SC) and cross-entropy on
segmentation: that U-Net form is ``cyclegan``; ``cyclegan-residual`` has the generator of the CycleGAN paper.

Deviations, each with its reason:

- The cycle's L1 is the modality's own loss where the image is segmentation (cross-entropy, as in the tables) or depth
  or NIR (Berhu, as for every other method).
- Real segmentations are one-hot, a generator's are soft: a discriminator would tell them apart by that alone, and a
  generator could hide the input in the soft values for the way back. So what a generator makes is made hard before
  anything looks at it, the discriminator and the second generator of the cycle alike, with the soft-max's gradient.
  Holes of real images (void, invalid depth) are copied into generated ones (``networks/presentation.py``).
- No identity loss: the two sides have different channels.
- Instance normalization in the U-Net too, as in the CycleGAN paper, and no dropout.
- At laptop scale the U-Nets up-sample by resizing in place of transposed convolutions, against checkerboards, their
  discriminators learn at a quarter of the rate, and the cycle weighs 1 instead of 10 (``cyclegan.toml``): nobody's
  paper, but what gave better translations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .gan_losses import reconstruction_loss
from .losses import lsgan_discriminator, lsgan_generator
from .networks.image_pool import ImagePool
from .networks.patchgan import PatchGAN, patch_layers
from .networks.presentation import as_tensor, present, with_holes_of
from .networks.resnet import ResnetGenerator
from .networks.unet import UNet
from .networks.widths import part_widths

NAME = "cyclegan"
TITLE = "CycleGAN"
CLASS = "CycleGAN"
ACCESS = "unpaired"
GROUP = "baselines"
KINDS = ("cross-modal", "cross-channel")
BUDGET = "full"
COST = 1.0
CITATION = "Zhu et al., ICCV 2017; Wang: PhD thesis, section 4.6.2"


@dataclass(frozen=True)
class Cycle:
    """One direction's step: the image made of real ones of ``source``, and the way back.

    Attributes:
        source, target: modalities.
        fake: what was made of ``source``, as others are shown it, with the holes of real images of ``target``.
        back: raw output of the second generator, which should equal the ``source`` images.
    """

    source: str
    target: str
    fake: Tensor
    back: Tensor


class CycleGAN(Method):
    """Two generators and two discriminators for every pair of modalities that an unseen translation joins.

    ``discriminator/depth>segmentation`` sees the real segmentations and those that ``generator/depth>segmentation``
    makes.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        unordered = dict.fromkeys(tuple(sorted((t.inputs[0], t.output))) for t in self.task.unseen)
        self.directions = [(a, b) for pair in unordered for a, b in (pair, pair[::-1])]
        self.generators, self.discriminators, self.pools = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        size, settings = context.size, context.settings
        width, critic_width = part_widths(context, "generator", "discriminator")
        for source, target in self.directions:
            inputs, outputs = self.task.modality(source).channels, self.task.modality(target).channels
            name = _key(source, target)
            if settings["generator"] == "unet":
                self.generators[name] = UNet(
                    inputs, outputs, size, width, norm="instance", dropout=0.0, upsampling=settings["upsampling"]
                )  # fmt: skip
            else:
                self.generators[name] = ResnetGenerator(
                    inputs, outputs, size, width, blocks=settings["blocks"], upsampling=settings["upsampling"]
                )  # fmt: skip
            self.discriminators[name] = PatchGAN(outputs, critic_width, layers=patch_layers(size), norm="instance")
            self.pools[name] = ImagePool((outputs, size, size))

    def forward(self, batch: Batch, stage: Stage) -> list[Cycle]:
        """Each direction there and back."""
        made = []
        for source, target in self.directions:
            here, there = self.task.modality(source), self.task.modality(target)
            raw = self.generators[_key(source, target)](here.to_network(batch[source][source]))
            image = present(there, raw)
            back = self.generators[_key(target, source)](image)
            made.append(Cycle(source, target, with_holes_of(there, image, batch[target][target]), back))
        return made

    def loss(self, player: str, batch: Batch, made: list[Cycle], stage: Stage) -> Losses:
        """Generator: ``gan`` and ``cycle``; discriminator: ``gan`` on real images and on the history of made ones."""
        losses: Losses = {}
        for one in made:
            name = _key(one.source, one.target)
            critic, pool = self.discriminators[name], cast(ImagePool, self.pools[name])
            if player == "discriminator":
                real = critic(self.task.modality(one.target).to_network(batch[one.target][one.target]))
                value = 0.5 * lsgan_discriminator(real, critic(pool.query(one.fake.detach())))
            else:
                value = lsgan_generator(critic(one.fake))
                source = self.task.modality(one.source)
                cycle = reconstruction_loss(source, one.back, batch[one.source][one.source])
                losses["cycle"] = losses.get("cycle", 0.0) + cycle
            losses["gan"] = losses.get("gan", 0.0) + value
        return losses

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The one generator from the input to the output."""
        ((source, image),) = inputs.items()
        raw = self.generators[_key(source, translation.output)](self.task.modality(source).to_network(image))
        return as_tensor(self.task.modality(translation.output), raw)


def _key(source: str, target: str) -> str:
    return f"{source}>{target}"
