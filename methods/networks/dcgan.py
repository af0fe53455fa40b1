"""A conditional DCGAN and encoders that invert it (Perarnau et al. 2016, section 4; Radford et al. 2016).

Layers halve or double the size, 4 x 4 convolutions with stride 2 in generator and discriminator, 5 x 5 in the encoders;
widths double per level up to 8 x. The label enters the generator beside z and the discriminator behind its first layer,
where Perarnau et al. find it best. Batch normalization but in the generator's last and the discriminator's first layer;
ReLU in generator and encoders, LeakyReLU 0.2 in the discriminator.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .residual import initialise

SMALLEST = 4  # pixels of the generator's first map
HIDDEN = 512  # units of an encoder's layer before the last


def level_sizes(size: int, width: int) -> tuple[int, list[int]]:
    """Pixels of the smallest map, and the channels of each level, largest map first: 4 and 64, 128, 256, 512 at 64.

    Raises:
        ValueError: the images are odd or smaller than 8 pixels.
    """
    widths: list[int] = []
    while size % 2 == 0 and size // 2 >= SMALLEST:
        size //= 2
        widths.append(width * min(2 ** len(widths), 8))
    if not widths:
        raise ValueError(f"a DCGAN needs images of an even size from {2 * SMALLEST} pixels on, got {size}")
    return size, widths


class ConditionalGenerator(nn.Module):
    """z and labels to images in [-1, 1].

    Args:
        code: length of z.
        labels: number of domains.
        size: image height and width in pixels.
        width: channels of the largest map (64 in the paper).
    """

    def __init__(self, code: int, labels: int, size: int, width: int) -> None:
        super().__init__()
        base, widths = level_sizes(size, width)
        layers = [nn.ConvTranspose2d(code + labels, widths[-1], base), *_behind(widths[-1])]
        for into, out in pairwise(reversed(widths)):
            layers += [nn.ConvTranspose2d(into, out, 4, stride=2, padding=1), *_behind(out)]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(widths[0], 3, 4, stride=2, padding=1))
        initialise(self)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        """``(B, code)`` and one-hot ``(B, labels)`` to ``(B, 3, size, size)``."""
        raw: Tensor = self.layers(torch.cat([z, label], dim=1)[..., None, None])
        return raw.float().tanh()


class ConditionalDiscriminator(nn.Module):
    """Images and labels to a logit each; arguments as for the generator."""

    def __init__(self, labels: int, size: int, width: int) -> None:
        super().__init__()
        base, widths = level_sizes(size, width)
        self.first = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True))
        layers: list[nn.Module] = []
        for into, out in pairwise([widths[0] + labels, *widths[1:]]):
            layers += [nn.Conv2d(into, out, 4, stride=2, padding=1), nn.BatchNorm2d(out)]
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        into = widths[-1] if len(widths) > 1 else widths[0] + labels
        self.layers = nn.Sequential(*layers, nn.Conv2d(into, 1, base))
        initialise(self)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        """``(B, 3, size, size)`` and one-hot ``(B, labels)`` to ``(B,)``."""
        x = self.first(image)
        planes = label.to(x.dtype)[..., None, None].expand(-1, -1, *x.shape[-2:])
        scores: Tensor = self.layers(torch.cat([x, planes], dim=1))
        return scores.flatten()


class VectorEncoder(nn.Module):
    """Images ``(B, 3, size, size)`` to ``(B, outputs)``; ``width`` channels in the first layer (32 in the paper)."""

    def __init__(self, outputs: int, size: int, width: int) -> None:
        super().__init__()
        base, widths = level_sizes(size, width)
        layers: list[nn.Module] = []
        for into, out in pairwise([3, *widths]):
            layers += [nn.Conv2d(into, out, 5, stride=2, padding=2), *_behind(out)]
        layers += [nn.Flatten(), nn.Linear(widths[-1] * base**2, HIDDEN), nn.BatchNorm1d(HIDDEN)]
        self.layers = nn.Sequential(*layers, nn.ReLU(inplace=True), nn.Linear(HIDDEN, outputs))
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:
        """Images to vectors."""
        vectors: Tensor = self.layers(image)
        return vectors


def _behind(width: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
