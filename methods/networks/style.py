"""MUNIT's networks: content and style encoders, a decoder with AdaIN, a discriminator at several scales.

Huang, Liu, Belongie, Kautz, ECCV 2018, appendix B: content encoder c7s1-64, d128, d256, four residual blocks; style
encoder c7s1-64, d128, d256, d256, d256, global average pooling, fc8; decoder four residual blocks with AdaIN, u128,
u64, c7s1-3; discriminator d64, d128, d256, d512 at three scales. d: 4 x 4 convolutions with stride 2; u: nearest
up-sampling and a 5 x 5 convolution. Instance normalization in the content encoder, none in the style encoder, which
would lose the style; layer normalization in the decoder's up-sampling; reflection padding; He's initialisation, the
discriminator's N(0, 0.02).
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from .adain import AdaptiveBlocks, AffinePerceptron, layer_norm
from .layout import InstanceNorm
from .residual import PatchDiscriminator, ResidualBlock, initialise_he
from .scales import ScaledDiscriminators

SMALLEST = 16  # pixels that a discriminator's four halvings need
STYLE_LEVELS = 4  # halvings of the style encoder


class ContentEncoder(nn.Module):
    """Images ``(B, 3, H, W)`` to contents ``(B, 4 * width, H / 4, W / 4)``."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(3, width, 7), InstanceNorm(width), nn.ReLU(inplace=True)]
        for into, out in pairwise([width, 2 * width, 4 * width]):
            layers += [_convolution(into, out, 4, stride=2), InstanceNorm(out), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, *(ResidualBlock(4 * width, 3, "instance") for _ in range(blocks)))
        initialise_he(self)

    def forward(self, x: Tensor) -> Tensor:
        """Images to contents."""
        content: Tensor = self.layers(x)
        return content


class StyleEncoder(nn.Module):
    """Images ``(B, 3, H, W)`` to styles ``(B, length)``."""

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(3, width, 7), nn.ReLU(inplace=True)]
        widths = [width * min(2**level, 4) for level in range(STYLE_LEVELS + 1)]
        for into, out in pairwise(widths):
            layers += [_convolution(into, out, 4, stride=2), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(widths[-1], length)
        initialise_he(self)

    def forward(self, x: Tensor) -> Tensor:
        """Images to styles."""
        style: Tensor = self.last(self.layers(x).mean((2, 3)))
        return style


class StyleDecoder(nn.Module):
    """Contents and styles to images ``(B, 3, H, W)`` in [-1, 1].

    Args:
        width: as the content encoder's.
        blocks: residual blocks with AdaIN.
        length: of a style.
    """

    def __init__(self, width: int, blocks: int, length: int) -> None:
        super().__init__()
        self.adaptive = AdaptiveBlocks(4 * width, blocks)
        layers: list[nn.Module] = []
        for into, out in pairwise([4 * width, 2 * width, width]):
            layers += [nn.Upsample(scale_factor=2), _convolution(into, out, 5), layer_norm(out), nn.ReLU(inplace=True)]
        self.up = nn.Sequential(*layers, _convolution(width, 3, 7))
        initialise_he(self)
        self.perceptron = AffinePerceptron(length, self.adaptive, layers=2)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """``(B, 4 * width, h, w)`` and ``(B, length)`` to ``(B, 3, 4 h, 4 w)``."""
        raw: Tensor = self.up(self.adaptive(content, self.perceptron(style)))
        return raw.float().tanh()


def patch_discriminators(width: int, size: int, scales: int) -> ScaledDiscriminators:
    """Discriminators of images of ``size`` pixels at several scales, 3 in the paper; ``width`` is 64 there."""
    return ScaledDiscriminators(lambda _: PatchDiscriminator(3, width), size, scales, SMALLEST)


def _convolution(into: int, out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    padding = (kernel - stride + 1) // 2
    return nn.Conv2d(into, out, kernel, stride=stride, padding=padding, padding_mode="reflect")
