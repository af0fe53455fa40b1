"""Instance normalization whose scale and shift are predicted: AdaIN of MUNIT, CIN of SDIT (thesis eq. 6.10).

Huang and Belongie, ICCV 2017: ``scale * (x - mean(x)) / std(x) + shift`` per channel of each image. A perceptron
predicts scale and shift of all layers from a code.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .layout import InstanceNorm
from .residual import initialise


class AdaptiveNorm(nn.Module):
    """Instance normalization with a scale and a shift that are handed in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = InstanceNorm(width)

    def forward(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """``(B, C, h, w)`` to the same, with mean ``shift`` and standard deviation ``|scale|``, both ``(B, C)``."""
        return scale[..., None, None] * self.norm(x) + shift[..., None, None]


class AdaptiveBlock(nn.Module):
    """Residual block: convolution, AdaIN, ReLU, convolution, AdaIN, plus its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.norm = AdaptiveNorm(width)
        initialise(self)

    def forward(self, x: Tensor, affine: Tensor) -> Tensor:
        """``(B, C, h, w)`` and ``(B, 4, C)``: scale and shift behind the first convolution, then of the second."""
        inner = self.norm(self.first(x), affine[:, 0], affine[:, 1]).relu()
        return x + self.norm(self.second(inner), affine[:, 2], affine[:, 3])


class AdaptiveBlocks(nn.Module):
    """Residual blocks in a row whose normalizations are predicted.

    Attributes:
        affines: numbers that they take per image, ``4 * width`` for each block.
    """

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(AdaptiveBlock(width) for _ in range(count))
        self.affines = 4 * width * count

    def forward(self, x: Tensor, affines: Tensor) -> Tensor:
        """``(B, C, h, w)`` and ``(B, affines)``."""
        parts = affines.view(len(x), len(self.blocks), 4, -1).unbind(1)
        for block, affine in zip(self.blocks, parts, strict=True):
            x = block(x, affine)
        return x


class AffinePerceptron(nn.Module):
    """Codes ``(B, inputs)`` to scales and shifts ``(B, affines)`` of :class:`AdaptiveBlocks`.

    The scales start around 1 and the shifts around 0, so that at first the blocks are those of instance normalization
    and differ a little from code to code.

    Args:
        inputs: length of a code.
        blocks: whose normalizations are predicted.
        hidden: units of each hidden layer.
        layers: hidden layers.
    """

    def __init__(self, inputs: int, blocks: AdaptiveBlocks, hidden: int = 256, layers: int = 1) -> None:
        super().__init__()
        made: list[nn.Module] = []
        for into, out in pairwise([inputs, *[hidden] * layers]):
            layer = nn.Linear(into, out)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
            made += [layer, nn.ReLU(inplace=True)]
        last = nn.Linear(hidden, blocks.affines)
        nn.init.normal_(last.weight, std=0.02)
        with torch.no_grad():
            last.bias.view(len(blocks.blocks), 2, 2, -1).copy_(torch.tensor([1.0, 0.0]).view(1, 1, 2, 1))
        self.layers = nn.Sequential(*made, last)

    def forward(self, code: Tensor) -> Tensor:
        """Codes to scales and shifts."""
        affines: Tensor = self.layers(code)
        return affines


def layer_norm(width: int) -> nn.Module:
    """Normalization of each image over all its channels, with a learned scale and shift per channel (MUNIT).

    Unlike instance normalization it keeps the channels' means apart, which is what AdaIN has set.
    """
    return nn.GroupNorm(1, width)


def code_of_sample(sample: int, length: int, like: Tensor) -> Tensor:
    """A code from N(0, 1), the same for every image of a batch ``like``: ``(B, length)``.

    A function of ``sample``, drawn on the CPU so that it is the same on every device.
    """
    draw = torch.Generator(device="cpu").manual_seed(sample)
    code = torch.randn(1, length, generator=draw, device="cpu")
    return code.to(like.device).expand(len(like), -1)
