"""MUNIT over many domains: contents that all share, a style per domain (Huang, Liu, Belongie, Kautz, ECCV 2018).

An image is a content, a map of features, and a style, a short code that in its domain is distributed as N(0, 1). A
translation decodes the content with a drawn style of the target. Losses of section 3.2 in equations 1 to 5: images
within a domain 10, contents and styles of translated images 1, least-squares GAN 1; Adam 1e-4 with beta1 0.5.

The paper has two domains, and tables 6.3 and 6.4 train a model for every pair. Here each domain has one content
encoder, style encoder, decoder and discriminator; they are trained between the anchor and each other domain, and joined
freely at test time: content encoder of one, decoder of the other. So the networks grow linearly in N, unlike the
thesis' "Num E/G".

Deviations: no perceptual loss (the paper has it above 512 pixels); the learning rate is not halved every 100,000 steps;
residual blocks pad with zeros. ``domains_per_step`` as for M&MNets: each step draws that many beside the anchor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .losses import lsgan_discriminator, lsgan_generator
from .networks.adain import code_of_sample
from .networks.labels import some_others
from .networks.style import ContentEncoder, StyleDecoder, StyleEncoder, patch_discriminators
from .networks.widths import part_widths

NAME = "munit"
TITLE = "MUNIT"
CLASS = "MUNIT"
ACCESS = "unpaired"
GROUP = "baselines"
KINDS = ("cross-domain",)
BUDGET = "full"
CITATION = "Huang, Liu, Belongie, Kautz, ECCV 2018"

Pairs = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Step:
    """One step: what each domain's decoder made, and pairs of what should be the same.

    Attributes:
        fakes: domain -> translations into it, in [-1, 1].
        images: images decoded from their own content and style, and the images.
        contents: of translations, and of what was translated.
        styles: of translations, and those drawn for them.
    """

    fakes: dict[str, Tensor]
    images: Pairs
    contents: Pairs
    styles: Pairs


class MUNIT(Method):
    """Content encoders, style encoders, decoders and discriminators by domain."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        settings, blocks, size = context.settings, context.settings["blocks"], context.size
        names, length = [domain.name for domain in self.task.modalities], settings["style"]
        width, critic_width = part_widths(context, "generator", "discriminator")
        self.contents = nn.ModuleDict({name: ContentEncoder(width, blocks) for name in names})
        self.styles = nn.ModuleDict({name: StyleEncoder(width, length) for name in names})
        self.decoders = nn.ModuleDict({name: StyleDecoder(width, blocks, length) for name in names})
        self.discriminators = nn.ModuleDict(
            {name: patch_discriminators(critic_width, size, settings["scales"]) for name in names}
        )

    def networks(self) -> dict[str, nn.Module]:
        """``encoder/*`` (of contents), ``style/*``, ``decoder/*``, ``discriminator/*``."""
        return {role.replace("content/", "encoder/"): network for role, network in super().networks().items()}

    def forward(self, batch: Batch, stage: Stage) -> Step:
        """The anchor to the drawn others, those to the anchor, and every domain to itself."""
        anchor, others = self.task.anchor, some_others(self.task, self.context.settings["domains_per_step"])
        real = {name: batch[name][name] for name in (anchor, *others)}
        content = {name: self.contents[name](image) for name, image in real.items()}
        # What each domain's decoder is to make: of whose contents.
        sources = {anchor: others, **{name: [anchor] for name in others}}
        fakes: dict[str, Tensor] = {}
        images: Pairs = []
        contents: Pairs = []
        styles: Pairs = []
        for name, given in sources.items():
            foreign = torch.cat([content[source] for source in given])
            drawn = torch.randn(len(foreign), self.context.settings["style"], device=foreign.device)
            own = self.styles[name](real[name])
            together = self.decoders[name](torch.cat([content[name], foreign]), torch.cat([own, drawn.to(own.dtype)]))
            again, fakes[name] = together.split([len(real[name]), len(foreign)])
            images.append((again, real[name]))
            contents.append((self.contents[name](fakes[name]), foreign))
            styles.append((self.styles[name](fakes[name]), drawn))
        return Step(fakes, images, contents, styles)

    def loss(self, player: str, batch: Batch, made: Step, stage: Stage) -> Losses:
        """Generator: ``gan``, ``image``, ``content``, ``style``; discriminator: ``gan``; sums over the domains."""
        terms = []
        for name, fakes in made.fakes.items():
            critic = self.discriminators[name]
            if player == "discriminator":
                scored = zip(critic(batch[name][name]), critic(fakes.detach()), strict=True)
                terms += [lsgan_discriminator(real, fake) for real, fake in scored]
            else:
                terms += [lsgan_generator(scores) for scores in critic(fakes)]
        losses: Losses = {"gan": torch.stack(terms).sum()}
        if player == "generator":
            for key, pairs in (("image", made.images), ("content", made.contents), ("style", made.styles)):
                losses[key] = torch.stack([(a.float() - b.float()).abs().mean() for a, b in pairs]).sum()
        return losses

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The input's content and one style, a function of ``sample``, for the whole batch."""
        ((source, image),) = inputs.items()
        style = code_of_sample(sample, self.context.settings["style"], image)
        made: Tensor = self.decoders[translation.output](self.contents[source](image), style)
        return made

    def translations(self) -> tuple[Translation, ...]:
        """The unseen pairs and the seen ones."""
        return (*self.task.unseen, *self.task.seen)
