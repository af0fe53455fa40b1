"""IcGAN: a conditional GAN, and encoders that invert it (Perarnau et al., NIPS workshop 2016).

Stage ``gan`` trains a generator of images from noise z and a domain's label y, stage ``encoder`` two encoders: of z on
generated images, of y on real ones, both by squared errors (the paper's independent encoders, its best). An image is
translated by encoding its z and generating with the target's y; nothing else of it is kept, so contours are as good as
z tells them. The encoder of y is what the paper swaps the label in: where a domain is one label it is not needed.

Deviations: images of ``domains_per_step`` domains per step in place of batches of 64; with ``mismatched`` a real image
with another's label counts as a fake too (Reed et al., ICML 2016), without which few steps leave the label unused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .gan_losses import bce_generator
from .networks.dcgan import ConditionalDiscriminator, ConditionalGenerator, VectorEncoder
from .networks.labels import draw

NAME = "icgan"
TITLE = "IcGAN"
CLASS = "IcGAN"
ACCESS = "unpaired"
GROUP = "baselines"
KINDS = ("cross-domain",)
BUDGET = "full"
CITATION = "Perarnau, van de Weijer, Raducanu, Alvarez, NIPS workshop on adversarial training 2016"


@dataclass(frozen=True)
class Step:
    """One step: real images, their one-hot labels and other ones, codes z, what was generated of z and the labels."""

    real: Tensor
    label: Tensor
    other: Tensor
    z: Tensor
    fake: Tensor


class Inverse(nn.Module):
    """The encoders of z and of y."""

    def __init__(self, code: int, labels: int, size: int, width: int) -> None:
        super().__init__()
        self.z = VectorEncoder(code, size, width)
        self.y = VectorEncoder(labels, size, width)


class IcGAN(Method):
    """One generator, discriminator and pair of encoders for all domains."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        settings, size = context.settings, context.size
        self.names, self.code = [domain.name for domain in self.task.modalities], settings["code"]
        labels, width = len(self.names), max(1, round(context.network.width * settings["width"]))
        self.generator = ConditionalGenerator(self.code, labels, size, width)
        self.discriminator = ConditionalDiscriminator(labels, size, width)
        self.inverse = Inverse(self.code, labels, size, max(1, width // 2))

    def networks(self) -> dict[str, nn.Module]:
        """encoder/shared (of z and of y), decoder/shared, discriminator/shared."""
        return {
            "encoder/shared": self.inverse,
            "decoder/shared": self.generator,
            "discriminator/shared": self.discriminator,
        }

    def forward(self, batch: Batch, stage: Stage) -> Step:
        """Real images of the drawn domains, and as many generated ones with the same labels."""
        real, *numbers = draw(batch, self.names, self.context.settings["domains_per_step"])
        label, other = (F.one_hot(number, len(self.names)).float() for number in numbers)
        z = torch.randn(len(real), self.code, device=real.device)
        return Step(real, label, other, z, self.generator(z, label))

    def loss(self, player: str, batch: Batch, made: Step, stage: Stage) -> Losses:
        """Of the GAN, both players: ``gan``; of the encoders: ``z``, ``y``."""
        if stage.options["invert"]:
            z, y = self.inverse.z(made.fake.detach()), self.inverse.y(made.real)
            return {"z": F.mse_loss(z.float(), made.z), "y": F.mse_loss(y.float(), made.label)}
        if player == "generator":
            return {"gan": bce_generator(self.discriminator(made.fake, made.label))}
        right = self.discriminator(made.real, made.label).float()
        wrong = [F.softplus(self.discriminator(made.fake.detach(), made.label).float()).mean()]
        if self.context.settings["mismatched"]:
            wrong.append(F.softplus(self.discriminator(made.real, made.other).float()).mean())
        return {"gan": F.softplus(-right).mean() + torch.stack(wrong).mean()}

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """Generated of the input's z and the output's label; there is nothing to draw."""
        (image,) = inputs.values()
        number = torch.full((len(image),), self.names.index(translation.output), device=image.device)
        z = self.inverse.z(image)
        made: Tensor = self.generator(z, F.one_hot(number, len(self.names)).to(z.dtype))
        return made

    def translations(self) -> tuple[Translation, ...]:
        """Every pair: those that M&MNets do not see and those that they see."""
        return (*self.task.unseen, *self.task.seen)
