"""The U-Net generator of pix2pix (Isola et al., CVPR 2017, appendix 6.1.1).

Encoder C64-C128-C256-C512-C512-C512-C512-C512, decoder CD512-CD512-CD512-C512-C256-C128-C64 and an output layer, all
4 x 4 with stride 2; the decoder's layers read the encoder's features of their level beside the layer before. LeakyReLU
0.2 in the encoder, ReLU in the decoder; no normalization in the first layer and, as the authors' erratum says, none in
the innermost. Smaller images are halved as often as they can be.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from .layout import InstanceNorm
from .residual import initialise
from .upsampling import Upsampling, doubling

ImageNorm = Literal["batch", "instance", "none"]

MOST_LEVELS = 8
DROPOUT_LEVELS = 3  # decoder layers with dropout, innermost first


def unet_levels(size: int) -> int:
    """How often images of ``size`` pixels are halved: 8 times at 256 (to 1 x 1), 4 times at 48 (to 3 x 3).

    Raises:
        ValueError: the size is odd.
    """
    levels = 0
    while size % 2 == 0 and levels < MOST_LEVELS:
        size, levels = size // 2, levels + 1
    if not levels:
        raise ValueError(f"a U-Net needs an even image size, got {size}")
    return levels


def normalization(norm: ImageNorm, channels: int) -> list[nn.Module]:
    """The layer of that name, or nothing. Instance normalization without learned scale, as in residual.py."""
    made: dict[str, list[nn.Module]] = {"none": []}
    if norm == "batch":
        made["batch"] = [nn.BatchNorm2d(channels)]
    if norm == "instance":
        made["instance"] = [InstanceNorm(channels)]
    return made[norm]


class UNet(nn.Module):
    """Images ``(B, inputs, size, size)`` to raw, linear outputs ``(B, outputs, size, size)``.

    Args:
        inputs, outputs: channels.
        size: image height and width in pixels; decides the number of levels.
        width: channels of the first level (64 in the paper), doubled per level up to 8 x width.
        norm: batch, or instance (the paper's batch size 1 with batch normalization).
        dropout: share dropped in the decoder's first layers, in training mode only.
        upsampling: of the decoder; ``resize`` is not the paper's.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        width: int = 64,
        *,
        norm: ImageNorm = "batch",
        dropout: float = 0.5,
        upsampling: Upsampling = "transposed",
    ) -> None:
        super().__init__()
        levels = unet_levels(size)
        widths = [width * min(2**level, 8) for level in range(levels)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, channels in enumerate(widths):
            plain = norm == "none" or level in (0, levels - 1)
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if level else []
            into = widths[level - 1] if level else inputs
            layers.append(nn.Conv2d(into, channels, 4, stride=2, padding=1, bias=plain))
            self.down.append(nn.Sequential(*layers, *([] if plain else normalization(norm, channels))))
        for level in reversed(range(levels)):
            into = widths[level] * (1 if level == levels - 1 else 2)
            out = widths[level - 1] if level else outputs
            plain = norm == "none" or level == 0
            layers = [nn.ReLU(), *doubling(into, out, 4, upsampling, bias=plain)]
            layers += [] if plain else normalization(norm, out)
            if dropout and level and level >= levels - DROPOUT_LEVELS:
                layers.append(nn.Dropout(dropout))
            self.up.append(nn.Sequential(*layers))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Images to raw outputs."""
        features = []
        for level in self.down:
            x = level(x)
            features.append(x)
        x = self.up[0](features.pop())
        for level in list(self.up)[1:]:
            x = level(torch.cat([x, features.pop()], dim=1))
        return x
