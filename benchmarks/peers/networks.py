"""The networks of the plain loops, of torch's own layers: U-Net, PatchGAN, and what UNIT has.

In-place activations wherever the reference code has them. Parameters come in the order of ours, so that a test can hand
both the same weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

NORMS = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}


class UNet(nn.Module):
    """pix2pix's generator (Isola et al. 2017, appendix 6.1.1): images to raw outputs of the same size."""

    def __init__(self, inputs: int, outputs: int, size: int, width: int, norm: str, dropout: float) -> None:
        super().__init__()
        levels = min(8, (size & -size).bit_length() - 1)
        widths = [width * min(2**level, 8) for level in range(levels)]
        self.down = nn.ModuleList([nn.Conv2d(inputs, widths[0], 4, 2, 1)])
        for level in range(1, levels):
            innermost = level == levels - 1
            convolution = nn.Conv2d(widths[level - 1], widths[level], 4, 2, 1, bias=innermost)
            after = [] if innermost else [NORMS[norm](widths[level])]
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2, inplace=True), convolution, *after))
        self.up = nn.ModuleList()
        for level in range(levels - 1, 0, -1):
            into = widths[level] * (1 if level == levels - 1 else 2)
            layers = [nn.ReLU(inplace=True), nn.ConvTranspose2d(into, widths[level - 1], 4, 2, 1, bias=False)]
            layers.append(NORMS[norm](widths[level - 1]))
            if dropout and level >= levels - 3:
                layers.append(nn.Dropout(dropout))
            self.up.append(nn.Sequential(*layers))
        last = nn.ConvTranspose2d(widths[0] * (2 if levels > 1 else 1), outputs, 4, 2, 1)
        self.up.append(nn.Sequential(nn.ReLU(inplace=True), last))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, H, W)``."""
        features = []
        for layer in self.down:
            x = layer(x)
            features.append(x)
        x = self.up[0](features.pop())
        for layer in list(self.up)[1:]:
            x = layer(torch.cat([x, features.pop()], 1))
        return x


def patch_gan(channels: int, size: int, width: int, norm: str) -> nn.Sequential:
    """The 70 x 70 PatchGAN (Isola et al. 2017, appendix 6.1.2); fewer strided layers for images below 32 pixels."""
    strided = min(3, (size // 4).bit_length() - 1)
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
    into = width
    for level in range(1, strided + 1):
        out = width * min(2**level, 8)
        layers += [nn.Conv2d(into, out, 4, 2 if level < strided else 1, 1, bias=False), NORMS[norm](out)]
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        into = out
    return nn.Sequential(*layers, nn.Conv2d(into, 1, 4, 1, 1))


class Residual(nn.Module):
    """``x`` plus two 3 x 3 convolutions of it, each with instance normalization, ``activation`` between them."""

    def __init__(self, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1), nn.InstanceNorm2d(width), activation,
            nn.Conv2d(width, width, 3, 1, 1), nn.InstanceNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` in and out."""
        return x + self.layers(x)


def leaky() -> nn.Module:
    """UNIT's activation."""
    return nn.LeakyReLU(0.01, inplace=True)


def unit_encoder(channels: int, size: int, width: int, blocks: int, shared: nn.Module) -> nn.Sequential:
    """UNIT's encoder (Liu et al. 2017, section 4): three convolutions and residual blocks, the last one ``shared``."""
    first = nn.Sequential(nn.Conv2d(channels, width, 7, 1, 3), leaky())
    second = nn.Sequential(nn.Conv2d(width, 2 * width, 3, 2, 1), leaky())
    third = nn.Sequential(nn.Conv2d(2 * width, 4 * width, 3, 2 if size >= 16 else 1, 1), leaky())
    own = (Residual(4 * width, leaky()) for _ in range(blocks - 1))
    return nn.Sequential(first, second, third, *own, shared)


def unit_generator(channels: int, size: int, width: int, blocks: int, shared: nn.Module) -> nn.Sequential:
    """Its mirror: residual blocks, the first one ``shared``, and three transposed convolutions."""
    twice = size >= 16
    first = nn.ConvTranspose2d(4 * width, 2 * width, 3, 2 if twice else 1, 1, output_padding=1 if twice else 0)
    second = nn.ConvTranspose2d(2 * width, width, 3, 2, 1, output_padding=1)
    own = (Residual(4 * width, leaky()) for _ in range(blocks - 1))
    return nn.Sequential(shared, *own, first, leaky(), second, leaky(), nn.ConvTranspose2d(width, channels, 1))


def unit_discriminator(channels: int, size: int, width: int) -> nn.Sequential:
    """Strided convolutions without norm down to fewer than 8 pixels, at most five, and a score per patch."""
    layers: list[nn.Module] = []
    into, out = channels, width
    while size >= 8 and len(layers) < 10:
        layers += [nn.Conv2d(into, out, 3, 2, 1), leaky()]
        into, out, size = out, 2 * out, size // 2
    return nn.Sequential(*layers, nn.Conv2d(into, 1, 1))
