"""StarGAN's networks over RGB domains (Choi et al., CVPR 2018, appendix 7.2, tables 4 and 5).

The label of the target is one plane per domain, concatenated to the input image. The paper writes a generator of three
convolutions down, six residual blocks and three up, and a discriminator of strided convolutions with two heads.

A plane is constant, and instance normalization subtracts what a constant adds. In the paper the label survives because
zero padding makes the planes' response differ at the border; on small images networks were found to lose it, so the
first convolution, which alone sees the label, is followed by none here. Learned scale and shift and torch's own initial
weights as in the authors' code; N(0, 0.02) lets a narrow discriminator without norms vanish.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .labels import planes
from .layout import InstanceNorm
from .stargan import SLOPE, discriminator_layers

HALVINGS = 2


class LabelGenerator(nn.Module):
    """Images ``(B, 3, H, W)`` and labels ``(B,)`` to images ``(B, 3, H, W)`` in [-1, 1]; H and W multiples of 4.

    Args:
        domains: number of labels.
        width: channels of the first layer (64 in the paper).
        blocks: residual blocks (6 in the paper).
    """

    def __init__(self, domains: int, width: int = 64, blocks: int = 6) -> None:
        super().__init__()
        self.domains = domains
        widths = [width * 2**level for level in range(HALVINGS + 1)]
        layers: list[nn.Module] = [nn.Conv2d(3 + domains, width, 7, padding=3), nn.ReLU()]
        for into, out in pairwise(widths):
            layers += _layer(nn.Conv2d(into, out, 4, stride=2, padding=1, bias=False), out)
        layers += [_Block(widths[-1]) for _ in range(blocks)]
        for into, out in pairwise(widths[::-1]):
            layers += _layer(nn.ConvTranspose2d(into, out, 4, stride=2, padding=1, bias=False), out)
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 3, 7, padding=3, bias=False))

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        """Images as those of the domains that the labels number."""
        raw: Tensor = self.layers(torch.cat([image, planes(label, self.domains, image)], 1))
        return raw.float().tanh()


class DomainDiscriminator(nn.Module):
    """Images to a score per patch ``(B, 1, h, w)`` and logits of the domain ``(B, domains)``.

    Args:
        domains: number of labels.
        size: image height and width in pixels; 128 has the paper's six layers, which leave 2 x 2.
        width: channels of the first layer (64 in the paper), doubled per layer.
    """

    def __init__(self, domains: int, size: int, width: int = 64) -> None:
        super().__init__()
        self.trunk, channels, side = strided_trunk(size, width)
        self.score = nn.Conv2d(channels, 1, 3, padding=1, bias=False)
        self.classify = nn.Conv2d(channels, domains, side, bias=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and logits."""
        features = self.trunk(image)
        return self.score(features), self.classify(features).flatten(1)


def strided_trunk(size: int, width: int) -> tuple[nn.Sequential, int, int]:
    """A discriminator's 4 x 4 convolutions with stride 2, and the channels and pixels of what they leave of an image.

    Args:
        size: image height and width in pixels; six convolutions at 128 and more.
        width: channels of the first layer, doubled per layer.
    """
    layers = discriminator_layers(size)
    channels = [3, *(width * 2**level for level in range(layers))]
    trunk: list[nn.Module] = []
    for into, out in pairwise(channels):
        trunk += [nn.Conv2d(into, out, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*trunk), channels[-1], size // 2**layers


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.layers = nn.Sequential(*_layer(first, width), *_layer(second, width)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _layer(convolution: nn.Module, channels: int) -> list[nn.Module]:
    return [convolution, InstanceNorm(channels, affine=True), nn.ReLU()]
