"""Discriminators at several scales (MUNIT, and the later code of UNIT's authors)."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn


class ScaledDiscriminators(nn.Module):
    """The same discriminator, with weights of its own, at each of several scales; each halves the one before.

    Args:
        make: a discriminator for images of so many pixels.
        size: of the images.
        scales: 3 in the authors' code; 1 is the discriminator alone.
        smallest: pixels that a discriminator needs; scales with fewer are left out.
    """

    def __init__(self, make: Callable[[int], nn.Module], size: int, scales: int, smallest: int) -> None:
        super().__init__()
        sizes = [size // 2**scale for scale in range(scales)]
        self.scales = nn.ModuleList(make(each) for each in sizes if each == size or each >= smallest)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images to scores ``(B, 1, h, w)`` per scale, the finest first."""
        scores = []
        for level, critic in enumerate(self.scales):
            if level:
                x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
            scores.append(critic(x))
        return scores
