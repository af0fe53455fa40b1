"""Two pix2pix (Isola et al., CVPR 2017), joined through the anchor: every translator trained on its own pairs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmbench.methods.networks.widths import part_widths
from torch import Tensor, nn

from mmbench.method import Batch, Context, Stage

from .loop import Objectives, Peer, Real, reconstruction, shown, with_holes
from .networks import UNet, patch_gan


class Pix2Pix(Peer):
    """One generator and one conditional discriminator per direction; the discriminators are updated first."""

    generators: nn.ModuleList
    discriminators: nn.ModuleList

    def __init__(self, context: Context, stage: Stage) -> None:
        super().__init__(context, stage)
        settings, size, width = context.settings, context.size, context.network.width
        (critic_width,) = part_widths(context, "discriminator")
        anchor = self.task.anchor
        unseen = [(t.inputs[0], t.output) for t in self.task.unseen]
        self.directions = list(dict.fromkeys(d for a, b in unseen for d in ((a, anchor), (anchor, b))))
        channels = [[self.task.modality(name).channels for name in pair] for pair in self.directions]
        self.generators = nn.ModuleList(UNet(a, b, size, width, settings["norm"], 0.5) for a, b in channels)
        self.discriminators = nn.ModuleList(patch_gan(a + b, size, critic_width, settings["norm"]) for a, b in channels)

    def step(self, batch: Batch) -> Objectives:
        """Generate once, update the discriminators, then the generators."""
        views = [{name: self.real(name, truth) for name, truth in view.items()} for view in batch.values()]
        pairs = [next((v[a], v[b]) for v in views if a in v and b in v) for a, b in self.directions]
        with self.compute.autocast():
            raws = [network(a.seen) for network, (a, _) in zip(self.generators, pairs, strict=True)]
            images = [shown(b.modality, raw) for raw, (_, b) in zip(raws, pairs, strict=True)]
            fakes = [torch.cat([a.seen, with_holes(i, b)], 1) for i, (a, b) in zip(images, pairs, strict=True)]

        with self.compute.autocast():
            total = torch.zeros((), device=self.compute.device)
            for critic, fake, (a, b) in zip(self.discriminators, fakes, pairs, strict=True):
                real = adversarial(critic(torch.cat([a.seen, b.seen], 1)), 1.0)
                total = total + 0.5 * (real + adversarial(critic(fake.detach()), 0.0))
        critics = self.update("discriminator", total)

        with self.compute.autocast():
            total = torch.zeros((), device=self.compute.device)
            for critic, fake, raw, image, (_, b) in zip(self.discriminators, fakes, raws, images, pairs, strict=True):
                total = total + adversarial(critic(fake), 1.0) + self.weight_of(b) * reconstruction(raw, image, b)
        return {"discriminator": critics, "generator": self.update("generator", total)}

    def weight_of(self, real: Real) -> float:
        """Lambda of an output modality."""
        return self.stage.weights[real.modality.name]


def adversarial(scores: Tensor, label: float) -> Tensor:
    """Cross-entropy of patches' scores against "real" (1) or "generated" (0)."""
    scores = scores.float()
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, label))
