"""M&MNets over many unpaired domains: one encoder and one decoder per domain (thesis 4.3.3 and 4.3.4, figure 4.5).

Only translations from and to the anchor are trained. Any two other domains are joined at test time, so N domains need N
encoders and N decoders. CVPR 5.5: "mix and match networks based on multiple CycleGANs combined with autoencoders";
networks of tables A.7-A.9, with the pooling indices of the input's encoder. The variant ``mmnet-domains-adversarial``
follows A.3.2, "we only use adversarial loss to train our model".

What the papers leave open: weights and a history of 50 images as CycleGAN has them (Zhu et al. 2017), autoencoders
weighted like the cycle, L1 for both. With ``domains_per_step`` each step draws that many domains beside the anchor,
so that the cost of a step does not grow with N.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .losses import lsgan_discriminator, lsgan_generator
from .networks.builder import Builder, decode_jointly
from .networks.code import Code, split
from .networks.image_pool import ImagePool
from .networks.labels import some_others

NAME = "mmnet-domains"
TITLE = "M&MNets, domains"
CLASS = "MMNetDomains"
ACCESS = "unpaired"
GROUP = "zero-pair"
KINDS = ("cross-domain",)
BUDGET = "full"
SUITES = ("scalability",)
CITATION = "Wang et al., CVPR 2018, section 5.5; Wang: PhD thesis, section 4.3.4"


@dataclass(frozen=True)
class Step:
    """One step's images, all in [-1, 1].

    Attributes:
        fakes: domain -> everything its decoder made of other domains' images.
        cycles, autoencoded: pairs of what was made again and the real images.
    """

    fakes: dict[str, Tensor]
    cycles: list[tuple[Tensor, Tensor]]
    autoencoded: list[tuple[Tensor, Tensor]]


class MMNetDomains(Method):
    """Encoders, decoders and discriminators by domain."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        parts, domains = Builder(context), self.task.modalities
        self.encoders = nn.ModuleDict({d.name: parts.encoder(d) for d in domains})
        self.decoders = nn.ModuleDict({d.name: parts.decoder(d) for d in domains})
        self.discriminators = nn.ModuleDict({d.name: parts.discriminator(d) for d in domains})
        self.pools = nn.ModuleDict({d.name: ImagePool((d.channels, context.size, context.size)) for d in domains})

    def forward(self, batch: Batch, stage: Stage) -> Step:
        """The anchor to the others and back, the others to the anchor and back, and every domain to itself."""
        anchor, others = self.task.anchor, some_others(self.task, self.context.settings["domains_per_step"])
        real = {name: batch[name][name] for name in (anchor, *others)}
        codes: dict[str, Code] = {name: self.encoders[name](image) for name, image in real.items()}
        from_others, own = self._decode(anchor, [codes[name] for name in others], codes[anchor])
        autoencoded, to_others = [(own, real[anchor])], {}
        for name in others:
            (to_others[name],), own = self._decode(name, [codes[anchor]], codes[name])
            autoencoded.append((own, real[name]))
        cycles = []
        again = split(self.encoders[anchor](torch.cat(from_others)), [len(image) for image in from_others])
        for name, code in zip(others, again, strict=True):
            cycles.append((self._image(self.decoders[name](code)), real[name]))
        back = decode_jointly(self.decoders[anchor], [self.encoders[name](to_others[name]) for name in others])
        cycles += [(self._image(raw), real[anchor]) for raw in back]
        return Step({anchor: torch.cat(from_others), **to_others}, cycles, autoencoded)

    def loss(self, player: str, batch: Batch, made: Step, stage: Stage) -> Losses:
        """Generator: ``gan``, ``cycle``, ``autoencoder``; discriminator: ``gan``; sums over the domains."""
        terms = []
        for name, fakes in made.fakes.items():
            critic, pool = self.discriminators[name], cast(ImagePool, self.pools[name])
            if player == "discriminator":
                shown = pool.query(fakes.detach())
                terms.append(0.5 * lsgan_discriminator(critic(batch[name][name]), critic(shown)))
            else:
                terms.append(lsgan_generator(critic(fakes)))
        losses: Losses = {"gan": torch.stack(terms).sum()}
        if player == "generator":
            for key, pairs in (("cycle", made.cycles), ("autoencoder", made.autoencoded)):
                losses[key] = torch.stack([(mine - truth).abs().mean() for mine, truth in pairs]).sum()
        return losses

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The input's encoder joined to the output's decoder."""
        ((source, image),) = inputs.items()
        return self._image(self.decoders[translation.output](self.encoders[source](image)))

    def translations(self) -> tuple[Translation, ...]:
        """The unseen pairs and the seen ones."""
        return (*self.task.unseen, *self.task.seen)

    def _decode(self, name: str, given: list[Code], own: Code) -> tuple[list[Tensor], Tensor]:
        """Images that a decoder makes of others' codes and of its own domain's, in one pass."""
        *made, mine = (self._image(raw) for raw in decode_jointly(self.decoders[name], [*given, own]))
        return made, mine

    @staticmethod
    def _image(raw: Tensor) -> Tensor:
        return raw.float().tanh()
