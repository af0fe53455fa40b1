"""UNIT: two VAE-GANs with a shared latent space, trained on unpaired images of D and S (and N and S).

Liu, Breuel, Kautz: Unsupervised image-to-image translation networks, NIPS 2017. Recipe: encoders give the mean of a
Gaussian of variance 1; the last layers of the two encoders are shared and the first of the two generators; each pair is
trained by its likelihood and KL terms within a modality (lambda 100 and 0.1), adversarially across (lambda 10), and by
cycle consistency with a likelihood and a second KL term (100 and 0.1). Adam 1e-4 with beta1 0.5. Likelihoods: the
paper's Laplacian is L1; segmentation has cross-entropy, depth and NIR Berhu.

Deviations, each with its reason:

- Likelihood, KL and adversarial terms are means over elements, with the paper's weights.
- The KL of the first half of the cycle is the KL of the within-modality term, so it is counted once more by weight.
- Generated segmentations are made hard, and generated images get real ones' holes, before a discriminator or the second
  encoder sees them (``networks/presentation.py``).
- With four modalities each of D and N has a model of its own with S, as for CycleGAN.
- Translation uses the latent's mean.
- At laptop scale all weights but the adversarial one are a tenth of the paper's (``unit.toml``).

Settings beside the paper's: ``shared`` blocks and ``discriminator_layers`` are those of its figure 2b; ``upsampling``,
discriminators at several scales (the sum of their losses) and the least-squares loss are those of the authors' later
code (github.com/mingyuliutw/UNIT), which also has a weight decay of 1e-4 (``stage.train.weight_decay``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.task import Translation

from .gan_losses import bce_discriminator, bce_generator, reconstruction_loss
from .losses import by_name, lsgan_discriminator, lsgan_generator
from .networks.presentation import as_tensor, present, with_holes_of
from .networks.scales import ScaledDiscriminators
from .networks.shared_vae import SMALLEST_IMAGE, Encoder, Generator, LeakyBlock, StridedDiscriminator, kl, sampled
from .networks.widths import part_widths

NAME = "unit"
TITLE = "UNIT"
CLASS = "UNIT"
ACCESS = "unpaired"
GROUP = "baselines"
KINDS = ("cross-modal", "cross-channel")
BUDGET = "full"
COST = 1.1
CITATION = "Liu, Breuel, Kautz, NIPS 2017"

GAMES = {"log": (bce_discriminator, bce_generator), "least-squares": (lsgan_discriminator, lsgan_generator)}


@dataclass(frozen=True)
class Cycle:
    """One direction's step.

    Attributes:
        pair: names the model; source, target: modalities.
        mean: of the source images' latents.
        own: raw reconstruction of the source images.
        fake: translation as others are shown it.
        cycle_mean: of the translation's latents.
        back: raw output of the way back.
    """

    pair: str
    source: str
    target: str
    mean: Tensor
    own: Tensor
    fake: Tensor
    cycle_mean: Tensor
    back: Tensor


class UNIT(Method):
    """Two encoders, generators and discriminators for every pair of modalities that an unseen translation joins.

    ``encoder/depth+segmentation:depth`` is the one of depth in the pair's model; both encoders hold the shared layers.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.pairs = self.trained_pairs()
        self.encoders, self.generators, self.discriminators = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        size, settings = context.size, context.settings
        width, critic_width = part_widths(context, "generator", "discriminator")
        for pair in self.pairs:
            high, low = ([LeakyBlock(4 * width) for _ in range(settings["shared"])] for _ in range(2))
            for name in pair:
                channels, key = self.task.modality(name).channels, _key(pair, name)
                self.encoders[key] = Encoder(channels, size, width, high, settings["blocks"])
                self.generators[key] = Generator(
                    channels, size, width, low, settings["blocks"], settings["upsampling"]
                )  # fmt: skip
                critic = partial(
                    StridedDiscriminator, channels, width=critic_width, most=settings["discriminator_layers"]
                )
                self.discriminators[key] = ScaledDiscriminators(
                    critic, size, settings["discriminator_scales"], SMALLEST_IMAGE
                )  # fmt: skip

    def trained_pairs(self) -> list[tuple[str, ...]]:
        """Modalities by two, in alphabetical order, each of which has a model."""
        return list(dict.fromkeys(tuple(sorted((t.inputs[0], t.output))) for t in self.task.unseen))

    def pairs_of_step(self) -> list[tuple[str, ...]]:
        """Those that a step trains: all."""
        return self.pairs

    def forward(self, batch: Batch, stage: Stage) -> list[Cycle]:
        """Each direction: reconstruction within the modality, translation, and the way back."""
        made = []
        for pair in self.pairs_of_step():
            for source, target in (pair, pair[::-1]):
                here, there = self.task.modality(source), self.task.modality(target)
                mean = self.encoders[_key(pair, source)](here.to_network(batch[source][source]))
                z = sampled(mean)
                own = self.generators[_key(pair, source)](z)
                image = present(there, self.generators[_key(pair, target)](z))
                cycle_mean = self.encoders[_key(pair, target)](image)
                back = self.generators[_key(pair, source)](sampled(cycle_mean))
                fake = with_holes_of(there, image, batch[target][target])
                made.append(Cycle("+".join(pair), source, target, mean, own, fake, cycle_mean, back))
        return made

    def loss(self, player: str, batch: Batch, made: list[Cycle], stage: Stage) -> Losses:
        """Generator: ``likelihood``, ``kl``, ``gan``, ``cycle``, ``cycle_kl``; discriminator: ``gan``."""
        terms: list[Losses] = []
        discriminator, generator = GAMES[self.context.settings["gan_loss"]]
        for one in made:
            critic = self.discriminators[f"{one.pair}:{one.target}"]
            if player == "discriminator":
                real = self.task.modality(one.target).to_network(batch[one.target][one.target])
                scored = zip(critic(real), critic(one.fake.detach()), strict=True)
                terms.append({"gan": torch.stack([discriminator(true, fake) for true, fake in scored]).sum()})
            else:
                source, truth = self.task.modality(one.source), batch[one.source][one.source]
                terms.append(
                    {
                        "likelihood": reconstruction_loss(source, one.own, truth),
                        "kl": kl(one.mean),
                        "gan": torch.stack([generator(scores) for scores in critic(one.fake)]).sum(),
                        "cycle": reconstruction_loss(source, one.back, truth),
                        "cycle_kl": kl(one.mean) + kl(one.cycle_mean),
                    }
                )
        return {name: values.sum() for name, values in by_name(terms).items()}

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """One encoder and the other's generator, at the latent's mean."""
        ((source, image),) = inputs.items()
        output = translation.output
        pair = tuple(sorted((source, output)))
        mean = self.encoders[_key(pair, source)](self.task.modality(source).to_network(image))
        return as_tensor(self.task.modality(output), self.generators[_key(pair, output)](mean))


def _key(pair: tuple[str, ...], name: str) -> str:
    return f"{'+'.join(pair)}:{name}"
