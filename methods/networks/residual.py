"""The residual family: networks of the objects, artworks and flowers experiments (thesis A.3.2-A.3.3, tables A.7-A.12).

The tables leave a few things open. The readings taken here:

- A ReLU follows every normalization but the last one of a residual block (the tables list no activation at all).
- A residual block is convolution, norm, ReLU, convolution, norm, plus its input.
- The decoder's output layer is linear: the tables name no tanh.
- Table A.7 (RGB) and table A.11 (theta1, theta2) differ in channels only, and so do A.8 and A.12.
- Instance normalization (IN) without learned scale and shift; LeakyReLU with slope 0.2.
- The stated initial standard deviation 0.5 explodes (7 x 7 kernels on 256 channels): 0.02, zero biases. Without norm
  layers no fixed number fits all sizes (outputs of 6e-4 at width 24 with 3 x 3 kernels, of 6 at the paper's size):
  He's initialisation there, residual branches starting at zero.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from mmbench.method import NetworkSize

from .code import Code, SideInformation
from .layout import InstanceNorm
from .unpool import check_divisible, level_widths, pool, side_of, upsample

Norm = Literal["instance", "none"]


def initialise(module: nn.Module, std: float = 0.02) -> None:
    """Draw the weights of all convolutions and linear layers from N(0, std); their biases become 0."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(layer.weight, std=std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def initialise_he(module: nn.Module) -> None:
    """Draw the weights of all convolutions from N(0, 2 / fan-in) (He et al. 2015); their biases become 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class ResidualEncoder(nn.Module):
    """Convolution and 2 x 2 max-pooling per level, then residual blocks (tables A.7, A.11).

    Images ``(B, channels, H, W)``, with H and W multiples of ``2**poolings``, become a :class:`Code` whose latent is
    ``(B, width of the last level, H / 2**poolings, W / 2**poolings)``.

    Args:
        channels: of the modality.
        size: width, poolings (levels), residual blocks and kernel.
        side: what the code carries beside the latent.
        norm: instance normalization as in the tables, or none (it takes away each image's mean colour).

    Raises:
        ValueError: in ``forward``, the images cannot be halved that often.
    """

    def __init__(self, channels: int, size: NetworkSize, *, side: SideInformation, norm: Norm = "instance") -> None:
        super().__init__()
        self.side = side
        widths = level_widths(size)
        self.levels = nn.ModuleList(
            nn.Sequential(*_layers(into, out, size.kernel, norm)) for into, out in pairwise([channels, *widths])
        )
        self.blocks = nn.Sequential(*(ResidualBlock(widths[-1], size.kernel, norm) for _ in range(size.blocks)))
        _initialise(self, norm)

    def forward(self, x: Tensor) -> Code:
        """``(B, channels, H, W)`` to the code."""
        check_divisible(x, len(self.levels))
        side: list[Tensor] = []
        for level in self.levels:
            features = level(x)
            x, indices = pool(features)
            if self.side != "none":
                side.append(features if self.side == "skip" else indices)
        return Code(self.blocks(x), tuple(side))


class ResidualDecoder(nn.Module):
    """Residual blocks, then unpooling and a narrowing convolution per level (tables A.8, A.12).

    A :class:`Code` becomes the raw, linear output ``(B, channels, H, W)``. Skip features widen each convolution.

    Raises:
        ValueError: in ``forward``, the code lacks the side information.
    """

    def __init__(self, channels: int, size: NetworkSize, *, side: SideInformation, norm: Norm = "instance") -> None:
        super().__init__()
        self.side = side
        widths = level_widths(size)
        self.blocks = nn.Sequential(*(ResidualBlock(widths[-1], size.kernel, norm) for _ in range(size.blocks)))
        self.levels = nn.ModuleList()
        for level in reversed(range(size.poolings)):
            into = widths[level] * (2 if side == "skip" else 1)
            layers = _layers(into, widths[level - 1] if level else channels, size.kernel, norm)
            self.levels.append(nn.Sequential(*layers) if level else layers[0])
        _initialise(self, norm)

    def forward(self, code: Code) -> Tensor:
        """The code to ``(B, channels, H, W)``."""
        x = self.blocks(code.latent)
        side = side_of(code, self.side, len(self.levels))
        for level, given in zip(self.levels, reversed(side), strict=True):
            x = level(upsample(x, self.side, given))
        return x


class ResidualBlock(nn.Module):
    """``x + norm(conv(relu(norm(conv(x)))))`` at one width, ``(B, width, h, w)`` in and out: RB(IN) of the tables."""

    def __init__(self, width: int, kernel: int, norm: Norm) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_layers(width, width, kernel, norm), *_layers(width, width, kernel, norm)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Add the layers' output to the input."""
        return x + self.layers(x)


class PatchDiscriminator(nn.Module):
    """Four strided convolutions and a score (table A.9): ``(B, channels, H, W)`` to ``(B, 1, H // 16, W // 16)``."""

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for into, out in pairwise([channels, width, 2 * width, 4 * width, 8 * width]):
            layers += [nn.Conv2d(into, out, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 1))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Images to scores, one per patch."""
        return self.layers(x)


def _layers(into: int, out: int, kernel: int, norm: Norm) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv2d(into, out, kernel, padding=kernel // 2)]
    if norm == "instance":
        layers.append(InstanceNorm(out))
    return [*layers, nn.ReLU(inplace=True)]


def _initialise(network: nn.Module, norm: Norm) -> None:
    if norm == "instance":
        initialise(network)
        return
    initialise_he(network)
    for block in network.modules():
        if isinstance(block, ResidualBlock):
            nn.init.zeros_(block.layers[-1].get_parameter("weight"))
