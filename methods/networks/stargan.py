"""StarGAN's networks for modalities: one generator and one discriminator, first and last layers apart per modality.

Choi et al., CVPR 2018, appendix 7.2, adapted as in thesis 4.6.2: "both versions share the layers of the network for all
modalities except for the first layer of the encoder and the last layer of the decoder". StarGAN concatenates the
target's label to the input image; here the images of different modalities have different channels, so it is
concatenated behind the first layer. As in StarGAN the trunk has one convolution per level, residual blocks between the
encoder and the decoder, and instance normalization; it goes down by pooling and up by unpooling with the indices, which
tables 4.4-4.8 name for both rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmbench.method import Losses, NetworkSize
from mmbench.modality import Modality

from .layout import InstanceNorm, in_layout_of
from .residual import ResidualBlock, initialise
from .unpool import check_divisible, level_widths, pool, unpool

MOST_LAYERS = 6  # of the discriminator: 128 x 128 images to 2 x 2
SLOPE = 0.01
KERNEL = 3  # of the residual blocks


class SharedGenerator(nn.Module):
    """Images of any modality to raw, linear outputs of any other, through one trunk.

    Args:
        modalities: all of the task's, in a fixed order: their positions are the labels.
        size: width, poolings and residual blocks (64 and 6 in StarGAN).
        norm: whether instance normalization follows the trunk's convolutions.
    """

    def __init__(self, modalities: Sequence[Modality], size: NetworkSize, *, norm: bool = True) -> None:
        super().__init__()
        self.names = [modality.name for modality in modalities]
        widths = level_widths(size)
        self.stems = nn.ModuleDict({m.name: _layer(m.channels, widths[0], norm) for m in modalities})
        self.heads = nn.ModuleDict({m.name: nn.Conv2d(widths[0], m.channels, 3, padding=1) for m in modalities})
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (into, out) in enumerate(pairwise([widths[0] + len(modalities), *widths])):
            # Instance normalization would subtract what a label, constant over the image, adds.
            self.down.append(_layer(into, out, norm and level > 0))
        blocks = (ResidualBlock(widths[-1], KERNEL, "instance" if norm else "none") for _ in range(size.blocks))
        self.middle = nn.Sequential(*blocks)
        for level in reversed(range(size.poolings)):
            self.up.append(_layer(widths[level], widths[max(level - 1, 0)], norm))
        initialise(self)

    def forward(self, images: Sequence[tuple[str, str, Tensor]]) -> list[Tensor]:
        """Translate batches of images in one pass.

        Args:
            images: (source, target, ``(B, channels, H, W)``) with H and W multiples of ``2**poolings``.

        Returns:
            Raw outputs ``(B, channels of the target, H, W)`` in the same order.
        """
        check_divisible(images[0][2], len(self.down))
        labelled = []
        for source, target, image in images:
            features = self.stems[source](image)
            labelled.append(torch.cat([features, self._label(target, features)], 1))
        x = torch.cat(labelled)
        indices = []
        for level in self.down:
            x, index = pool(level(x))
            indices.append(index)
        x = self.middle(x)
        for level in self.up:
            x = level(unpool(x, indices.pop(), (2 * x.shape[-2], 2 * x.shape[-1])))
        parts = x.split([len(image) for _, _, image in images])
        return [self.heads[target](part) for (_, target, _), part in zip(images, parts, strict=True)]

    def _label(self, target: str, like: Tensor) -> Tensor:
        # Channels of another memory format would have the features copied into it and back.
        label = in_layout_of(like, like.new_zeros(len(like), len(self.names), *like.shape[-2:]))
        label[:, self.names.index(target)] = 1.0
        return label


class SharedDiscriminator(nn.Module):
    """Strided 4 x 4 convolutions, a score per patch and a classification of the modality (StarGAN, table 5).

    torch's own initial weights, as in the authors' code: without norms, N(0, 0.02) lets all that passes a narrow layer
    vanish.

    Args:
        modalities: as for the generator.
        size: image height and width in pixels.
        width: channels of the first layer (64 in the paper), doubled per layer.
    """

    def __init__(self, modalities: Sequence[Modality], size: int, width: int = 64) -> None:
        super().__init__()
        self.names = [modality.name for modality in modalities]
        layers = discriminator_layers(size)
        widths = [width * 2**level for level in range(layers)]
        self.stems = nn.ModuleDict({m.name: nn.Conv2d(m.channels, width, 4, stride=2, padding=1) for m in modalities})
        trunk: list[nn.Module] = [nn.LeakyReLU(SLOPE)]
        for into, out in pairwise(widths):
            trunk += [nn.Conv2d(into, out, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
        self.trunk = nn.Sequential(*trunk)
        self.score = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.classify = nn.Conv2d(widths[-1], len(modalities), size // 2**layers, bias=False)

    def forward(self, images: Sequence[tuple[str, Tensor]]) -> list[tuple[Tensor, Tensor]]:
        """Look at batches of images in one pass.

        Args:
            images: (modality, ``(B, channels, H, W)``).

        Returns:
            Scores ``(B, 1, h, w)`` and logits of the modality ``(B, modalities)`` of each batch, in the same order.
        """
        x = self.trunk(torch.cat([self.stems[modality](image) for modality, image in images]))
        lengths = [len(image) for _, image in images]
        scores, logits = self.score(x).split(lengths), self.classify(x).flatten(1).split(lengths)
        return list(zip(scores, logits, strict=True))


def discriminator_layers(size: int) -> int:
    """Strided convolutions for images of ``size`` pixels: as many as leave 2 x 2, at most 6; 6 at 128, 4 at 48."""
    layers = 0
    while layers < MOST_LAYERS and size % 2 == 0 and size // 2 >= 2:
        size, layers = size // 2, layers + 1
    return max(layers, 1)


def adversarial_generator(critic: SharedDiscriminator, fakes: Sequence[tuple[str, Tensor]]) -> list[Losses]:
    """Of each (modality, fake images) ``gan``, the WGAN loss ``-mean(D(fake))``, and ``classify``.

    The latter is the cross-entropy of classifying them as their modality.
    """
    return [
        {"gan": -scores.float().mean(), "classify": _classification(critic, modality, logits)}
        for (modality, _), (scores, logits) in zip(fakes, critic(fakes), strict=True)
    ]


def adversarial_critic(critic: SharedDiscriminator, shown: Sequence[tuple[str, Tensor, Tensor]]) -> list[Losses]:
    """Of each (modality, real images, fake ones) ``gan``, ``penalty`` and ``classify``.

    They are the WGAN loss ``mean(D(fake)) - mean(D(real))``, the gradient penalty, and the classification of the real
    images.
    """
    names = [name for name, _, _ in shown]
    judged = critic([*((name, real) for name, real, _ in shown), *((name, fake) for name, _, fake in shown)])

    def scores(images: Sequence[Tensor]) -> Tensor:
        return torch.cat([score for score, _ in critic(list(zip(names, images, strict=True)))])

    penalties = gradient_penalties(scores, [(real, fake) for _, real, fake in shown])
    return [
        {
            "gan": fake_scores.float().mean() - real_scores.float().mean(),
            "penalty": penalty,
            "classify": _classification(critic, name, logits),
        }
        for name, (real_scores, logits), (fake_scores, _), penalty in zip(
            names, judged[: len(names)], judged[len(names) :], penalties, strict=True
        )
    ]


def gradient_penalty(score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """:func:`gradient_penalties` of one pair."""
    return gradient_penalties(lambda images: score(images[0]), [(real, fake)])[0]


def gradient_penalties(scores: Callable[[Sequence[Tensor]], Tensor], pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """``mean((|grad D(x)| - 1)^2)`` at random points x between real and fake images (Gulrajani et al. 2017).

    In fp32 also under autocast, because it is differentiated twice. The norm is over each whole image; D(x) is the sum
    of its patches' scores, as in the StarGAN authors' code, though the adversarial losses are means over patches.

    Args:
        scores: of all batches of x, in one tensor.
        pairs: real and fake images ``(B, channels, H, W)``, of one size each.

    Returns:
        One number for each pair.
    """
    with torch.autocast(pairs[0][0].device.type, enabled=False):
        between = []
        for real, fake in pairs:
            share = torch.rand(len(real), 1, 1, 1, device=real.device)
            between.append((share * real.float() + (1 - share) * fake.detach().float()).requires_grad_())
        gradients = torch.autograd.grad(scores(between).sum(), between, create_graph=True)
        return torch.stack([(one.flatten(1).norm(dim=1) - 1).square().mean() for one in gradients])


def _classification(critic: SharedDiscriminator, modality: str, logits: Tensor) -> Tensor:
    label = torch.full((len(logits),), critic.names.index(modality), device=logits.device)
    return F.cross_entropy(logits.float(), label)


def _layer(into: int, out: int, norm: bool) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(into, out, 3, padding=1)]
    return nn.Sequential(*layers, *([InstanceNorm(out)] if norm else []), nn.ReLU(inplace=True))
