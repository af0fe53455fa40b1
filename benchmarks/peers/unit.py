"""UNIT (Liu, Breuel, Kautz, NIPS 2017): two VAE-GANs that share the layers next to the latent."""

from __future__ import annotations

import torch
from mmbench.methods.networks.widths import part_widths
from torch import Tensor, nn

from mmbench.method import Batch, Context, Stage

from .loop import PLAYERS, Objectives, Peer, reconstruction, shown, with_holes
from .networks import Residual, leaky, unit_discriminator, unit_encoder, unit_generator
from .pix2pix import adversarial


class UNIT(Peer):
    """A model of one pair of modalities; its translations are made once for both players."""

    def __init__(self, context: Context, stage: Stage) -> None:
        super().__init__(context, stage)
        size, (own, critic_width) = context.size, part_widths(context, *PLAYERS)
        ((first, second),) = dict.fromkeys(tuple(sorted((t.inputs[0], t.output))) for t in self.task.unseen)
        self.names, blocks = (first, second), context.settings["blocks"]
        high, low = Residual(4 * own, leaky()), Residual(4 * own, leaky())
        channels = {name: self.task.modality(name).channels for name in self.names}
        encoders = nn.ModuleDict({n: unit_encoder(c, size, own, blocks, high) for n, c in channels.items()})
        decoders = nn.ModuleDict({n: unit_generator(c, size, own, blocks, low) for n, c in channels.items()})
        self.generators = nn.ModuleDict({"encoders": encoders, "decoders": decoders})
        self.discriminators = nn.ModuleDict({n: unit_discriminator(c, size, critic_width) for n, c in channels.items()})

    def step(self, batch: Batch) -> Objectives:
        """Within each modality, across, and back; then the discriminators."""
        weights, real = self.stage.weights, {name: self.real(name, batch[name][name]) for name in self.names}
        encoders, decoders = (self.generators.get_submodule(part) for part in ("encoders", "decoders"))
        fakes = {}
        with self.compute.autocast():
            total = torch.zeros((), device=self.compute.device)
            for a, b in (self.names, self.names[::-1]):
                mean = encoders.get_submodule(a)(real[a].seen)
                z = mean + torch.randn_like(mean)
                own = decoders.get_submodule(a)(z)
                image = shown(real[b].modality, decoders.get_submodule(b)(z))
                there = encoders.get_submodule(b)(image)
                back = decoders.get_submodule(a)(there + torch.randn_like(there))
                fakes[b] = with_holes(image, real[b])
                here = real[a].modality
                within, across = kl(mean), kl(there)
                total = (
                    total
                    + weights["likelihood"] * reconstruction(own, shown(here, own), real[a])
                    + weights["kl"] * within
                    + weights["gan"] * adversarial(self.discriminators.get_submodule(b)(fakes[b]), 1.0)
                    + weights["cycle"] * reconstruction(back, shown(here, back), real[a])
                    + weights["cycle_kl"] * (within + across)
                )
        generators = self.update("generator", total)

        with self.compute.autocast():
            total = torch.zeros((), device=self.compute.device)
            for name, fake in fakes.items():
                critic = self.discriminators.get_submodule(name)
                scores = critic(real[name].seen), critic(fake.detach())
                total = total + 0.5 * (adversarial(scores[0], 1.0) + adversarial(scores[1], 0.0))
        return {"generator": generators, "discriminator": self.update("discriminator", weights["gan"] * total)}


def kl(mean: Tensor) -> Tensor:
    """Divergence of N(mean, 1) from N(0, 1), averaged over elements."""
    return 0.5 * mean.float().square().mean()
