"""CycleGAN (Zhu et al., ICCV 2017): two generators, two discriminators, a history of 50 generated images each."""

from __future__ import annotations

import random

import torch
from mmbench.methods.networks.widths import part_widths
from torch import Tensor, nn

from mmbench.method import Batch, Context, Stage

from .loop import PLAYERS, Objectives, Peer, reconstruction, shown, with_holes
from .networks import UNet, patch_gan


class CycleGAN(Peer):
    """Both directions of every unseen pair; the generators are updated first."""

    generators: nn.ModuleList
    discriminators: nn.ModuleList

    def __init__(self, context: Context, stage: Stage) -> None:
        super().__init__(context, stage)
        size, (own, critic_width) = context.size, part_widths(context, *PLAYERS)
        pairs = dict.fromkeys(tuple(sorted((t.inputs[0], t.output))) for t in self.task.unseen)
        self.directions = [(a, b) for one, other in pairs for a, b in ((one, other), (other, one))]
        channels = [[self.task.modality(name).channels for name in pair] for pair in self.directions]
        self.generators = nn.ModuleList(UNet(a, b, size, own, "instance", 0.0) for a, b in channels)
        self.discriminators = nn.ModuleList(patch_gan(b, size, critic_width, "instance") for _, b in channels)
        self.histories = [History() for _ in self.directions]

    def step(self, batch: Batch) -> Objectives:
        """There and back in both directions, then the discriminators on the histories."""
        real = {name: self.real(name, view[name]) for name, view in batch.items() if name in self.used}
        back = {direction: self.directions.index(direction[::-1]) for direction in self.directions}
        fakes = []
        with self.compute.autocast():
            total = torch.zeros((), device=self.compute.device)
            for number, (a, b) in enumerate(self.directions):
                image = shown(real[b].modality, self.generators[number](real[a].seen))
                raw = self.generators[back[a, b]](image)
                cycle = reconstruction(raw, shown(real[a].modality, raw), real[a])
                fakes.append(with_holes(image, real[b]))
                adversarial = squared(self.discriminators[number](fakes[-1]), 1.0)
                total = total + adversarial + self.stage.weights["cycle"] * cycle
        generators = self.update("generator", total)

        with self.compute.autocast():
            total = torch.zeros((), device=self.compute.device)
            for critic, history, fake, (_, b) in zip(
                self.discriminators, self.histories, fakes, self.directions, strict=True
            ):
                generated = squared(critic(history.exchange(fake.detach())), 0.0)
                total = total + 0.5 * (squared(critic(real[b].seen), 1.0) + generated)
        return {"generator": generators, "discriminator": self.update("discriminator", total)}

    @property
    def used(self) -> set[str]:
        """Modalities that some direction starts from."""
        return {source for source, _ in self.directions}


class History:
    """The last 50 generated images; half of what is shown to a discriminator comes from it."""

    def __init__(self) -> None:
        self.images: list[Tensor] = []

    def exchange(self, images: Tensor) -> Tensor:
        """``(B, C, H, W)``: each image itself or, with probability 1/2 once it is full, an earlier one."""
        chosen = []
        for image in images:
            if len(self.images) < 50:
                self.images.append(image)
            elif random.random() < 0.5:
                place = random.randrange(len(self.images))
                self.images[place], image = image, self.images[place]
            chosen.append(image)
        return torch.stack(chosen)


def squared(scores: Tensor, label: float) -> Tensor:
    """Least-squares adversarial loss."""
    return (scores.float() - label).square().mean()
