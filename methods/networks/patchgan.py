"""The 70 x 70 PatchGAN of pix2pix and CycleGAN (Isola et al. 2017, appendix 6.1.2; Zhu et al. 2017, appendix 7.2)."""

from __future__ import annotations

from torch import Tensor, nn

from .residual import initialise
from .unet import ImageNorm, normalization

MOST_LAYERS = 3  # strided convolutions; 3 give a receptive field of 70 x 70 pixels
SMALLEST = 4  # pixels that the last strided convolution must leave: the two that follow take one each


def patch_layers(size: int) -> int:
    """Strided convolutions for images of ``size`` pixels: 3 from 32 pixels on, fewer below.

    Raises:
        ValueError: the images are smaller than 8 pixels.
    """
    fitting = [layers for layers in range(1, MOST_LAYERS + 1) if size // 2**layers >= SMALLEST]
    if not fitting:
        raise ValueError(f"a PatchGAN needs images of at least {2 * SMALLEST} pixels, got {size}")
    return fitting[-1]


class PatchGAN(nn.Module):
    """C64-C128-C256-C512 and a score per patch: ``(B, channels, H, W)`` to linear ``(B, 1, h, w)``.

    4 x 4 convolutions, the first ``layers`` with stride 2; LeakyReLU 0.2; no normalization in the first layer.
    """

    def __init__(self, channels: int, width: int = 64, *, layers: int = MOST_LAYERS, norm: ImageNorm = "batch") -> None:
        super().__init__()
        made: list[nn.Module] = []
        for level in range(layers + 1):
            into, out = (width * min(2 ** (level - 1), 8) if level else channels), width * min(2**level, 8)
            plain = level == 0 or norm == "none"
            made.append(nn.Conv2d(into, out, 4, stride=2 if level < layers else 1, padding=1, bias=plain))
            made += [*([] if plain else normalization(norm, out)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*made, nn.Conv2d(width * min(2**layers, 8), 1, 4, padding=1))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Images to scores, one per patch."""
        scores: Tensor = self.layers(x)
        return scores
