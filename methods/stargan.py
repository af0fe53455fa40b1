"""StarGAN over N unpaired RGB domains: one generator and one discriminator for all of them.

Choi, Choi, Kim, Ha, Kim, Choo: StarGAN: Unified generative adversarial networks for multi-domain image-to-image
translation, CVPR 2018. **All** pairs are trained, those among them that are unseen for M&MNets. Recipe: the target's
label as planes beside the image, WGAN with gradient penalty 10, classification of the domain with weight 1,
reconstruction from the made image and the source's label in L1 with weight 10, five discriminator steps per generator
step, Adam 1e-4 with beta1 0.5 (and beta2 0.999), constant for half of the steps and then linearly to 0.

Deviations, each with its reason:

- No normalization behind the first convolution, which would take the label away (``networks/stargan_domains.py``).
- Each step has as many images of every domain it takes, where StarGAN draws images at random; the targets are their
  labels in random order, as in the authors' code, so that now and then an image is to stay in its own domain.
- With ``domains_per_step`` each step draws that many domains, so that its cost does not grow with N.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .networks.labels import some
from .networks.stargan import gradient_penalty
from .networks.stargan_domains import DomainDiscriminator, LabelGenerator
from .networks.widths import part_widths

NAME = "stargan"
TITLE = "StarGAN, domains, every pair trained"
CLASS = "StarGAN"
ACCESS = "unpaired"
GROUP = "baselines"
KINDS = ("cross-domain",)
BUDGET = "full"
SUITES = ("scalability",)
CITATION = "Choi et al., CVPR 2018"


@dataclass(frozen=True)
class Step:
    """One step's images ``(B, 3, H, W)`` in [-1, 1] and labels ``(B,)``.

    Attributes:
        real, source: images and their domains.
        fake, target: what was made of them, and of which domain it should be.
    """

    real: Tensor
    source: Tensor
    fake: Tensor
    target: Tensor


class StarGAN(Method):
    """A generator that is told the target, and a discriminator that tells the domain."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.names = [domain.name for domain in self.task.modalities]
        width, critic_width = part_widths(context, "generator", "discriminator")
        self.generator = LabelGenerator(len(self.names), width, context.network.blocks)
        self.discriminator = DomainDiscriminator(len(self.names), context.size, critic_width)

    def forward(self, batch: Batch, stage: Stage) -> Step:
        """Images of the drawn domains to domains of the same step."""
        drawn = some(range(len(self.names)), self.context.settings["domains_per_step"])
        images = [batch[self.names[number]][self.names[number]] for number in drawn]
        counts = torch.tensor([len(image) for image in images])
        real = torch.cat(images)
        labels = torch.tensor(drawn).repeat_interleave(counts)
        source = labels.to(real.device)
        target = labels[torch.randperm(len(labels))].to(real.device)
        fake = self.generator(real, target)
        return Step(real, source, fake, target)

    def loss(self, player: str, batch: Batch, made: Step, stage: Stage) -> Losses:
        """Generator: ``gan``, ``classify``, ``cycle``; discriminator: ``gan``, ``penalty``, ``classify``."""
        if player == "generator":
            back = self.generator(made.fake, made.source)
            scores, logits = self.discriminator(made.fake)
            return {
                "gan": -scores.float().mean(),
                "classify": F.cross_entropy(logits.float(), made.target),
                "cycle": (back - made.real).abs().mean(),
            }
        fake = made.fake.detach()
        scores, logits = self.discriminator(made.real)
        return {
            "gan": self.discriminator(fake)[0].float().mean() - scores.float().mean(),
            "penalty": gradient_penalty(lambda image: self.discriminator(image)[0], made.real, fake),
            "classify": F.cross_entropy(logits.float(), made.source),
        }

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """One pass with the output's label; the generator is not told where the input is from."""
        ((_, image),) = inputs.items()
        label = torch.full((len(image),), self.names.index(translation.output), device=image.device)
        made: Tensor = self.generator(image, label)
        return made

    def translations(self) -> tuple[Translation, ...]:
        """Every pair of domains, the task's unseen ones first."""
        return (*self.task.unseen, *self.task.seen)
