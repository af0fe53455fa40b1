"""UNIT's networks: two encoders and two generators whose layers next to the latent are the same, and discriminators.

Liu, Breuel, Kautz, NIPS 2017, sections 3 and 4: "encoders consisted of 3 convolutional layers as the front-end and 4
basic residual blocks as the back-end; the generators consisted of 4 basic residual blocks as the front-end and 3
transposed convolutional layers as the back-end; the discriminators consisted of stacks of convolutional layers;
LeakyReLU for nonlinearity". The last residual block of the encoders is shared, and so is the first of the generators;
figure 2b has up to four of them, and discriminators of several depths.
What the text leaves open: 7 x 7 kernels at the image, 3 x 3 elsewhere, instance normalization in the residual blocks
only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from .layout import InstanceNorm
from .residual import initialise_he
from .upsampling import Upsampling, doubling

SLOPE = 0.01
SMALLEST = 4  # pixels of the latent
SMALLEST_IMAGE = 2 * SMALLEST  # pixels that a discriminator's layer can still halve
MOST_LAYERS = 5  # of a discriminator, before its scores: "discriminators of 5 layers"


def halvings(size: int) -> int:
    """How often an encoder halves images of ``size`` pixels: twice, or once where that leaves fewer than 4."""
    return 2 if size // 4 >= SMALLEST else 1


class LeakyBlock(nn.Module):
    """Residual block: convolution, norm, LeakyReLU, convolution, norm, plus its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), InstanceNorm(width), nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 3, padding=1), InstanceNorm(width),
        )  # fmt: skip
        initialise_he(self)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` in and out."""
        return x + self.layers(x)


class Encoder(nn.Module):
    """Images ``(B, channels, size, size)`` to the mean of the latent's Gaussian, whose variance is 1.

    Args:
        channels: of the modality.
        size: of the images; the latent is ``(B, 4 * width, size / 4, size / 4)``, or half-size at 2 * width channels.
        width: channels of the first layer.
        shared: the last residual blocks, which the other encoder has too.
        blocks: residual blocks, ``shared`` among them.
    """

    def __init__(self, channels: int, size: int, width: int, shared: Sequence[nn.Module], blocks: int = 4) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 7, padding=3), nn.LeakyReLU(SLOPE)]
        widths = [width * 2**level for level in range(3)]
        strides = [2] * halvings(size) + [1] * (2 - halvings(size))
        for (into, out), stride in zip(pairwise(widths), strides, strict=True):
            layers += [nn.Conv2d(into, out, 3, stride=stride, padding=1), nn.LeakyReLU(SLOPE)]
        initialise_he(front := nn.Sequential(*layers))
        self.layers = nn.Sequential(front, *(LeakyBlock(widths[-1]) for _ in range(blocks - len(shared))), *shared)

    def forward(self, x: Tensor) -> Tensor:
        """Images to means."""
        mean: Tensor = self.layers(x)
        return mean


class Generator(nn.Module):
    """Latents to raw, linear images: the mirror of :class:`Encoder`; ``shared`` are its first residual blocks.

    ``upsampling`` says what doubles the size: a transposed convolution (the paper's), or resizing and a convolution.
    """

    def __init__(
        self,
        channels: int,
        size: int,
        width: int,
        shared: Sequence[nn.Module],
        blocks: int = 4,
        upsampling: Upsampling = "transposed",
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in reversed(range(3))]
        layers: list[nn.Module] = []
        strides = [1] * (2 - halvings(size)) + [2] * halvings(size)
        for (into, out), stride in zip(pairwise(widths), strides, strict=True):
            layers += (
                doubling(into, out, 3, upsampling) if stride > 1 else [nn.ConvTranspose2d(into, out, 3, padding=1)]
            )
            layers.append(nn.LeakyReLU(SLOPE))
        back = nn.Sequential(*layers, nn.ConvTranspose2d(width, channels, 1))
        self.layers = nn.Sequential(*shared, *(LeakyBlock(widths[0]) for _ in range(blocks - len(shared))), back)

    def forward(self, z: Tensor) -> Tensor:
        """Latents to raw images."""
        raw: Tensor = self.layers(z)
        return raw


class StridedDiscriminator(nn.Module):
    """Strided 3 x 3 convolutions, ``most`` or as many as fit, and a score per patch.

    ``(B, channels, H, W)`` to ``(B, 1, h, w)``.
    """

    def __init__(self, channels: int, size: int, width: int = 64, most: int = MOST_LAYERS) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        into, out = channels, width
        for _ in range(most):
            if size < SMALLEST_IMAGE:
                break
            layers += [nn.Conv2d(into, out, 3, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
            into, out, size = out, 2 * out, size // 2
        self.layers = nn.Sequential(*layers, nn.Conv2d(into, 1, 1))
        initialise_he(self)

    def forward(self, x: Tensor) -> Tensor:
        """Images to scores."""
        scores: Tensor = self.layers(x)
        return scores


def kl(mean: Tensor) -> Tensor:
    """KL divergence of N(mean, 1) from N(0, 1), averaged over the latent's elements: ``mean^2 / 2``."""
    return 0.5 * mean.float().square().mean()


def sampled(mean: Tensor) -> Tensor:
    """A latent drawn from N(mean, 1)."""
    return mean + torch.randn_like(mean)
