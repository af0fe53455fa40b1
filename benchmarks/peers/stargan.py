"""StarGAN (Choi et al., CVPR 2018) between modalities: one generator, one discriminator, WGAN-GP."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from mmbench.methods.networks.widths import part_widths
from torch import Tensor, nn

from mmbench.method import Batch, Context, NetworkSize, Stage

from .loop import PLAYERS, Objectives, Peer, Real, reconstruction, shown, with_holes
from .networks import Residual


class Generator(nn.Module):
    """A first layer per modality, a trunk that is told the target by constant channels, a last layer per modality."""

    def __init__(self, channels: list[int], width: int, size: NetworkSize) -> None:
        super().__init__()
        widths = [width * min(2**level, 8) for level in range(size.poolings)]
        self.stems = nn.ModuleList(normalized(c, width) for c in channels)
        self.heads = nn.ModuleList(nn.Conv2d(width, c, 3, 1, 1) for c in channels)
        first = nn.Sequential(nn.Conv2d(width + len(channels), width, 3, 1, 1), nn.ReLU(inplace=True))
        self.down = nn.ModuleList([first, *(normalized(a, b) for a, b in pairwise(widths))])
        self.up = nn.ModuleList(normalized(a, b) for a, b in pairwise([*widths[::-1], width]))
        self.middle = nn.Sequential(*(Residual(widths[-1], nn.ReLU(inplace=True)) for _ in range(size.blocks)))
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, jobs: list[tuple[int, int, Tensor]]) -> list[Tensor]:
        """Jobs (source, target, images) to raw outputs, all in one pass of the trunk."""
        labelled = []
        for source, target, images in jobs:
            x = self.stems[source](images)
            label = x.new_zeros(len(x), len(self.stems), *x.shape[2:])
            label[:, target] = 1
            if x.is_contiguous(memory_format=torch.channels_last):
                label = label.contiguous(memory_format=torch.channels_last)
            labelled.append(torch.cat([x, label], 1))
        x, indices = torch.cat(labelled), []
        for layer in self.down:
            x, index = self.pool(layer(x))
            indices.append(index)
        x = self.middle(x)
        for layer in self.up:
            x = layer(self.unpool(x, indices.pop()))
        parts = x.split([len(images) for _, _, images in jobs])
        return [self.heads[target](part) for (_, target, _), part in zip(jobs, parts, strict=True)]


class Discriminator(nn.Module):
    """Strided 4 x 4 convolutions, a first one per modality; scores of patches and logits of the modality."""

    def __init__(self, channels: list[int], size: int, width: int) -> None:
        super().__init__()
        strided = min(6, (size & -size).bit_length() - 1, size.bit_length() - 2)
        widths = [width * 2**level for level in range(strided)]
        self.stems = nn.ModuleList(nn.Conv2d(c, width, 4, 2, 1) for c in channels)
        layers: list[nn.Module] = [nn.LeakyReLU(0.01, inplace=True)]
        for into, out in pairwise(widths):
            layers += [nn.Conv2d(into, out, 4, 2, 1), nn.LeakyReLU(0.01, inplace=True)]
        self.trunk = nn.Sequential(*layers)
        self.score = nn.Conv2d(widths[-1], 1, 3, 1, 1, bias=False)
        self.classify = nn.Conv2d(widths[-1], len(channels), size // 2**strided, bias=False)

    def forward(self, modality: int, images: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, channels, H, W)`` to ``(B, 1, h, w)`` and ``(B, modalities)``."""
        x = self.trunk(self.stems[modality](images))
        return self.score(x), self.classify(x).flatten(1)


class StarGAN(Peer):
    """Every modality to another one and back; the discriminator is updated first, as often as the stage says."""

    def __init__(self, context: Context, stage: Stage) -> None:
        super().__init__(context, stage)
        own, critic_width = part_widths(context, *PLAYERS)
        channels = [modality.channels for modality in self.task.modalities]
        self.generators = Generator(channels, own, context.network)
        self.discriminators = Discriminator(channels, context.size, critic_width)

    def step(self, batch: Batch) -> Objectives:
        """Rounds of the way there and the discriminator; in the last one the way back and the generator follow."""
        weights, rounds = self.stage.weights, self.stage.players["discriminator"]
        reals = [self.real(m.name, batch[m.name][m.name]) for m in self.task.modalities]
        critics = []
        for left in range(rounds, 0, -1):
            with torch.set_grad_enabled(left == 1), self.compute.autocast():
                ways, images, fakes = self.there(reals)
            total = torch.zeros((), device=self.compute.device)
            for (_, b), fake in zip(ways, fakes, strict=True):
                total = total + self.critic_loss(b, reals[b], fake.detach())
            critics.append(self.update("discriminator", total / len(reals)))

        with self.compute.autocast():
            backs = self.generators([(b, a, image) for (a, b), image in zip(ways, images, strict=True)])
            total = torch.zeros((), device=self.compute.device)
            for (a, b), fake, back in zip(ways, fakes, backs, strict=True):
                scores, logits = self.discriminators(b, fake)
                cycle = reconstruction(back, shown(reals[a].modality, back), reals[a])
                adversarial = weights["classify"] * named(logits, b) - weights["gan"] * scores.float().mean()
                total = total + adversarial + weights["cycle"] * cycle
        generator = self.update("generator", total / len(reals))
        return {"discriminator": torch.stack(critics).mean(), "generator": generator}

    def there(self, reals: list[Real]) -> tuple[list[tuple[int, int]], list[Tensor], list[Tensor]]:
        """Every modality to another one: the ways, the images, and these with the holes of real ones."""
        count = len(reals)
        shift = int(torch.randint(1, count, ()))
        ways = [(source, (source + shift) % count) for source in range(count)]
        raws = self.generators([(a, b, reals[a].seen) for a, b in ways])
        images = [shown(reals[b].modality, raw) for (_, b), raw in zip(ways, raws, strict=True)]
        return ways, images, [with_holes(image, reals[b]) for (_, b), image in zip(ways, images, strict=True)]

    def critic_loss(self, target: int, real: Real, fake: Tensor) -> Tensor:
        """Wasserstein distance, classification of real images, and the gradient penalty in float32."""
        weights, critic = self.stage.weights, self.discriminators
        with self.compute.autocast():
            scores, logits = critic(target, real.seen)
            distance = critic(target, fake)[0].float().mean() - scores.float().mean()
            adversarial = weights["gan"] * distance + weights["classify"] * named(logits, target)
        share = torch.rand(len(fake), 1, 1, 1, device=fake.device)
        between = (share * real.seen + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(critic(target, between)[0].sum(), between, create_graph=True)
        return adversarial + weights["penalty"] * (slope.flatten(1).norm(dim=1) - 1).square().mean()


def normalized(into: int, out: int) -> nn.Sequential:
    """A 3 x 3 convolution with instance normalization and ReLU."""
    return nn.Sequential(nn.Conv2d(into, out, 3, 1, 1), nn.InstanceNorm2d(out), nn.ReLU(inplace=True))


def named(logits: Tensor, modality: int) -> Tensor:
    """Cross-entropy of a classification against one modality."""
    return F.cross_entropy(logits.float(), torch.full((len(logits),), modality, device=logits.device))
