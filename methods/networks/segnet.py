"""The SegNet family: networks of the RGB, depth, NIR and segmentation experiments (thesis A.3.1, tables A.3-A.6).

The tables leave a few things open or contradict themselves. The readings taken here:

- A.3, A.4: the text has batch normalization (BN) and a ReLU after every convolution. The two convolutions of the
  decoder's finest level, conv12 and conv13, have neither in the table. Here both are without BN, a ReLU stands between
  them (without it they would be one linear layer), and the output is linear.
- A.4 prints 512, 256 and 128 channels for BN and ReLU after conv6, conv9 and conv11, which give 256, 128 and 64: BN
  takes the convolution's width.
- A.4 gives NIR 5 output channels; NIR images have 1, as at the input in A.3.
- A.5 doubles the resolution in every convolution and names no operator: nearest up-sampling before each convolution.
- A.6 calls strided convolutions "deconv", ends at 512 channels and names no slope: a 1 x 1 convolution to one score
  follows, as in table A.9, and LeakyReLU has slope 0.2.
- Without pooling indices ("side information none") the decoder's unpooling becomes nearest up-sampling; skip
  connections concatenate what the encoder saw before pooling to it, as in U-Net.
- The "standard Gaussian" initialisation of 4.4.2 explodes within a few layers: He's initialisation and zero biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from mmbench.method import NetworkSize

from .code import Code, SideInformation
from .residual import initialise, initialise_he
from .unpool import check_divisible, level_widths, pool, side_of, upsample

VGG16_CONVS = (2, 2, 3, 3, 3)


class SegNetEncoder(nn.Module):
    """VGG-16's convolutions, each level followed by 2 x 2 max-pooling (table A.3).

    Images ``(B, channels, H, W)``, with H and W multiples of ``2**poolings``, become a :class:`Code` whose latent is
    ``(B, width of the last level, H / 2**poolings, W / 2**poolings)``.

    Args:
        channels: of the modality.
        size: width, poolings (levels) and convolutions per level.
        side: what the code carries beside the latent.
        norm: BN after every convolution; False is VGG-16 itself, for the pretrained RGB encoder.

    Attributes:
        mean, std: ``(1, channels, 1, 1)``, subtracted from and divided into the input; 0 and 1 unless the pretrained
            weights that were loaded ask for others.

    Raises:
        ValueError: the size is contradictory; in ``forward``, the images cannot be halved that often.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, size: NetworkSize, *, side: SideInformation, norm: bool = True) -> None:
        super().__init__()
        self.side = side
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))
        self.levels = nn.ModuleList()
        for width, convs in zip(level_widths(size), _convs(size), strict=True):
            self.levels.append(nn.Sequential(*_layers([channels, *[width] * convs], norm=norm)))
            channels = width
        initialise_he(self)

    def forward(self, x: Tensor) -> Code:
        """``(B, channels, H, W)`` to the code."""
        check_divisible(x, len(self.levels))
        x = (x - self.mean) / self.std
        side: list[Tensor] = []
        for level in self.levels:
            features = level(x)
            x, indices = pool(features)
            if self.side != "none":
                side.append(features if self.side == "skip" else indices)
        return Code(x, tuple(side))


class SegNetDecoder(nn.Module):
    """Mirror of the encoder (table A.4): each level up-samples, and its last convolution narrows to the next level.

    A :class:`Code` becomes the raw, linear output ``(B, channels, H, W)``. Skip features widen the first convolution of
    each level.

    Raises:
        ValueError: the size is contradictory; in ``forward``, the code lacks the side information.
    """

    def __init__(self, channels: int, size: NetworkSize, *, side: SideInformation) -> None:
        super().__init__()
        self.side = side
        self.levels = nn.ModuleList()
        widths, convs = level_widths(size), _convs(size)
        for level in reversed(range(size.poolings)):
            into = widths[level] * (2 if side == "skip" else 1)
            out = widths[level - 1] if level else channels
            layers = _layers([into, *[widths[level]] * (convs[level] - 1), out], norm=level > 0)
            self.levels.append(nn.Sequential(*(layers if level else layers[:-1])))
        initialise_he(self)

    def forward(self, code: Code) -> Tensor:
        """The code to ``(B, channels, H, W)``."""
        x = code.latent
        side = side_of(code, self.side, len(self.levels))
        for level, given in zip(self.levels, reversed(side), strict=True):
            x = level(upsample(x, self.side, given))
        return x


class SegNetImageDecoder(SegNetDecoder):
    """The light RGB decoder (table A.5): one convolution per level, by default without side information.

    Pooling indices gave grid-like artefacts in RGB (thesis, footnote 5 of chapter 4). They fit without any change, for
    the ablations: the input of each convolution is as wide as the encoder's level.
    """

    def __init__(self, channels: int, size: NetworkSize, *, side: SideInformation = "none") -> None:
        super().__init__(channels, replace(size, convs=(1,) * size.poolings), side=side)


class SegNetDiscriminator(nn.Module):
    """RGB discriminator (table A.6): ``(B, channels, H, W)`` to scores ``(B, 1, ceil(H / 16), ceil(W / 16))``."""

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for into, out in pairwise([channels, width, 2 * width, 4 * width, 8 * width]):
            layers += [
                nn.Conv2d(into, out, 5, stride=2, padding=2),
                nn.BatchNorm2d(out),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 1))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Images to scores, one per patch."""
        return self.layers(x)


def _convs(size: NetworkSize) -> tuple[int, ...]:
    convs = size.convs or VGG16_CONVS[: size.poolings]
    if len(convs) != size.poolings:
        raise ValueError(f"{size.poolings} poolings need as many numbers of convolutions, got {convs}")
    return convs


def _layers(widths: Sequence[int], norm: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for into, out in pairwise(widths):
        layers.append(nn.Conv2d(into, out, 3, padding=1))
        if norm:
            layers.append(nn.BatchNorm2d(out))
        layers.append(nn.ReLU(inplace=True))
    return layers
