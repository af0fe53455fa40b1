"""SDIT: one network for all domains, with diverse results (Wang et al., ACM MM 2019; thesis, chapter 6).

The encoder reads the image and the target's label, a perceptron turns a random code z into the scales and shifts of the
generator's instance normalizations (CIN), an attention map says where they may change the features (6.3.3). One
discriminator judges, classifies the domain and tells z (6.3.1). Weights of 6.4: GAN 10, classification 1, code 10,
cycle 800; Adam 1e-4 with beta1 0.5.

What the sources leave open, and deviations:

- Eq. 6.1 prints the logarithmic loss; the authors' code trains a Wasserstein loss with gradient penalty, five steps of
  the discriminator each, and so does this (one step at laptop scale).
- The penalty's score of an image is the mean over its patches; the authors' code and ``stargan.py`` have their sum
  (``penalty_score``).
- Eq. 6.6 is minimized by generator and discriminator, as printed; in the authors' code by the generator alone, against
  a head that is never trained for it (``code_loss``). L1 norms are means over elements.
- Eq. 6.7 goes back with the same z, the authors' code with another one (``back_code``).
- With ``perceptron_label`` the perceptron reads the target's label beside z: chapter 7, "using target domain labels in
  the encoder and decoder". The equations have M(z).
- Scenes have no attention (6.5.4): the variant ``sdit-no-attention``, for artworks.
- It trains every pair of domains, unpaired; what M&MNets call unseen is seen here. With ``domains_per_step`` each step
  has the images of that many domains, drawn at random, so that its cost does not grow with N.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .networks.adain import AdaptiveBlocks, AffinePerceptron, code_of_sample
from .networks.labels import draw
from .networks.sdit import AttentiveGenerator, LabelledEncoder, ThreefoldDiscriminator
from .networks.stargan import gradient_penalty
from .networks.widths import part_widths

NAME = "sdit"
TITLE = "SDIT"
CLASS = "SDIT"
ACCESS = "unpaired"
GROUP = "baselines"
KINDS = ("cross-domain",)
SUITES = ("scalability", "sdit-ablation")
BUDGET = "full"
CITATION = "Wang, Gonzalez-Garcia, van de Weijer, Herranz, ACM MM 2019; Wang: PhD thesis, chapter 6"


@dataclass(frozen=True)
class Step:
    """One step's images of several domains in one batch.

    Attributes:
        real, fake: images in [-1, 1] and their translations.
        source, target: domains' numbers ``(B,)``.
        z: codes ``(B, code)``.
        back_z: codes of the way back.
    """

    real: Tensor
    fake: Tensor
    source: Tensor
    target: Tensor
    z: Tensor
    back_z: Tensor


class SDIT(Method):
    """One encoder, perceptron, generator and discriminator for all domains."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        settings, blocks = context.settings, context.network.blocks
        self.names = [domain.name for domain in self.task.modalities]
        width, critic_width = part_widths(context, "generator", "discriminator")
        self.encoder = LabelledEncoder(len(self.names), width, blocks)
        self.generator = AttentiveGenerator(
            width, blocks, settings["cin_blocks"], attention=settings["attention"], cin=settings["cin"]
        )
        inputs = settings["code"] + (len(self.names) if settings["perceptron_label"] else 0)
        self.perceptron: AffinePerceptron | None = None
        if isinstance(self.generator.adaptive, AdaptiveBlocks):
            self.perceptron = AffinePerceptron(inputs, self.generator.adaptive)
        self.discriminator = ThreefoldDiscriminator(len(self.names), context.size, critic_width, settings["code"])

    def networks(self) -> dict[str, nn.Module]:
        """encoder/shared, perceptron/shared where there is CIN, decoder/shared, discriminator/shared."""
        return {
            "encoder/shared": self.encoder,
            **({"perceptron/shared": self.perceptron} if self.perceptron else {}),
            "decoder/shared": self.generator,
            "discriminator/shared": self.discriminator,
        }

    def forward(self, batch: Batch, stage: Stage) -> Step:
        """The drawn domains' images to another one of them."""
        real, source, target = draw(batch, self.names, self.context.settings["domains_per_step"])
        settings = self.context.settings
        z = torch.randn(len(real), settings["code"], device=real.device)
        fake = self._generate(real, target, z)
        return Step(real, fake, source, target, z, torch.randn_like(z) if settings["back_code"] == "new" else z)

    def loss(self, player: str, batch: Batch, made: Step, stage: Stage) -> Losses:
        """Both: ``gan``, ``classify``, ``latent`` (but see ``code_loss``); one: ``penalty``; the other: ``cycle``."""
        if player == "discriminator":
            real_scores, logits, _ = self.discriminator(made.real)
            fake_scores, _, code = self.discriminator(made.fake.detach())
            losses = {
                "gan": fake_scores.float().mean() - real_scores.float().mean(),
                "penalty": gradient_penalty(self._score, made.real, made.fake),
                "classify": F.cross_entropy(logits.float(), made.source),
            }
            both = self.context.settings["code_loss"] == "both"
            return {**losses, "latent": (code.float() - made.z).abs().mean()} if both else losses
        back = self._generate(made.fake, made.source, made.back_z)
        scores, logits, code = self.discriminator(made.fake)
        return {
            "gan": -scores.float().mean(),
            "classify": F.cross_entropy(logits.float(), made.target),
            "latent": (code.float() - made.z).abs().mean(),
            "cycle": (back - made.real).abs().mean(),
        }

    def _score(self, images: Tensor) -> Tensor:
        """One per image, the mean or sum over its patches."""
        scores: Tensor = self.discriminator(images)[0]
        return scores.mean((1, 2, 3)) if self.context.settings["penalty_score"] == "mean" else scores.sum((1, 2, 3))

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The output's label and one code z, a function of ``sample``, for the whole batch."""
        (image,) = inputs.values()
        label = torch.full((len(image),), self.names.index(translation.output), device=image.device)
        return self._generate(image, label, code_of_sample(sample, self.context.settings["code"], image))

    def translations(self) -> tuple[Translation, ...]:
        """Every pair: those that M&MNets do not see and those that they see."""
        return (*self.task.unseen, *self.task.seen)

    def _generate(self, image: Tensor, label: Tensor, z: Tensor) -> Tensor:
        if self.context.settings["perceptron_label"]:
            z = torch.cat([z, F.one_hot(label, len(self.names)).to(z.dtype)], dim=1)
        affines = self.perceptron(z) if self.perceptron else None
        made: Tensor = self.generator(self.encoder(image, label), affines)
        return made
