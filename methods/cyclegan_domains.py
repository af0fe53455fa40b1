"""Pairwise CycleGANs over N unpaired domains: what M&MNets over domains are compared with (thesis 4.3.3, figure 4.3).

Zhu, Park, Isola, Efros: Unpaired image-to-image translation using cycle-consistent adversarial networks, ICCV 2017. Any
two domains {a, b} have a CycleGAN of their own, so N domains need N(N-1) generators and N(N-1) discriminators. **All**
pairs are trained, those among them that are unseen for M&MNets. The variant ``cyclegan-anchor`` trains the anchor's
pairs alone, 2(N-1) generators; the others are cascaded: the second generator reads the first one's decoded image.

Recipe: residual generators (c7s1-64, d128, d256, R256, u128, u64, c7s1-3; six blocks at 128 pixels, nine from 256 on),
70 x 70 PatchGANs, least-squares adversarial loss with the discriminator's halved, cycle consistency in L1 with weight
10, a history of 50 generated images per discriminator, Adam 2e-4 with beta1 0.5, constant for half of the steps and
then linearly to 0. As in most of that paper's experiments there is no identity loss.

Losses are sums over the pairs of a step, which are separate models. With ``pairs_per_step`` each step draws that many
pairs, so that the cost of a step does not grow with N; a pair then gets fewer of the steps the larger N is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .domain_pairs import every_translation, hops, trained_pairs
from .losses import by_name, lsgan_discriminator, lsgan_generator
from .networks.image_pool import ImagePool
from .networks.labels import some
from .networks.patchgan import PatchGAN, patch_layers
from .networks.resnet import ResnetGenerator
from .networks.widths import part_widths

NAME = "cyclegan-domains"
TITLE = "CycleGAN, domains, every pair trained"
CLASS = "CycleGANDomains"
ACCESS = "unpaired"
GROUP = "baselines"
KINDS = ("cross-domain",)
BUDGET = "full"
IN_ALL = False  # N(N-1) generators: for few domains
SUITES = ()
CITATION = "Zhu et al., ICCV 2017; Wang et al., CVPR 2018, section 5.5"


@dataclass(frozen=True)
class Cycle:
    """One direction's step, images in [-1, 1].

    Attributes:
        source, target: domains.
        fake: what was made of the real images of ``source``.
        back: what the other generator made of ``fake``; should equal those real images.
    """

    source: str
    target: str
    fake: Tensor
    back: Tensor


class CycleGANDomains(Method):
    """Two generators and two discriminators for every trained pair of domains.

    ``discriminator/a-b`` tells images of b from those that ``generator/a-b`` makes of images of a.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        settings, size = context.settings, context.size
        width, critic_width = part_widths(context, "generator", "discriminator")
        names = [domain.name for domain in self.task.modalities]
        self.pairs = trained_pairs(names, self.task.anchor, settings["pairs"])
        self.generators, self.discriminators, self.pools = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for source, target in (direction for pair in self.pairs for direction in (pair, pair[::-1])):
            inputs, outputs = (self.task.modality(name).channels for name in (source, target))
            name = _key(source, target)
            self.generators[name] = ResnetGenerator(inputs, outputs, size, width, blocks=settings["blocks"])
            self.discriminators[name] = PatchGAN(outputs, critic_width, layers=patch_layers(size), norm="instance")
            self.pools[name] = ImagePool((outputs, size, size))

    def forward(self, batch: Batch, stage: Stage) -> list[Cycle]:
        """Each drawn pair there and back, from both sides."""
        made, drawn = [], some(self.pairs, self.context.settings["pairs_per_step"])
        for source, target in (direction for pair in drawn for direction in (pair, pair[::-1])):
            fake = self._generate(source, target, batch[source][source])
            made.append(Cycle(source, target, fake, self._generate(target, source, fake)))
        return made

    def loss(self, player: str, batch: Batch, made: list[Cycle], stage: Stage) -> Losses:
        """Generator: ``gan`` and ``cycle``; discriminator: ``gan`` on real images and on the history of made ones."""
        terms: list[Losses] = []
        for one in made:
            name = _key(one.source, one.target)
            critic, pool = self.discriminators[name], cast(ImagePool, self.pools[name])
            if player == "discriminator":
                shown = pool.query(one.fake.detach())
                terms.append({"gan": 0.5 * lsgan_discriminator(critic(batch[one.target][one.target]), critic(shown))})
            else:
                cycle = (one.back - batch[one.source][one.source]).abs().mean()
                terms.append({"gan": lsgan_generator(critic(one.fake)), "cycle": cycle})
        return {name: values.sum() for name, values in by_name(terms).items()}

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The pair's own generator or, ``via`` a domain, two of them one after the other; see :func:`hops`."""
        ((source, image),) = inputs.items()
        for target in hops(self.task, translation, self._is_trained):
            source, image = target, self._generate(source, target, image)
        return image

    def translations(self) -> tuple[Translation, ...]:
        """Every pair: what has no generator of its own by the anchor."""
        return every_translation(self.task, self._is_trained)

    def _is_trained(self, source: str, target: str) -> bool:
        return _key(source, target) in self.generators

    def _generate(self, source: str, target: str, image: Tensor) -> Tensor:
        raw: Tensor = self.generators[_key(source, target)](image)
        return raw.float().tanh()


def _key(source: str, target: str) -> str:
    return f"{source}-{target}"
