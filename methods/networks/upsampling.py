"""Layers that double an image's size: a transposed convolution, or nearest up-sampling and a convolution.

A transposed convolution with stride covers some output pixels by more of its kernel than others, which leaves
checkerboards; resized first, all are covered alike (Odena, Dumoulin, Olah: Deconvolution and checkerboard artifacts,
Distill 2016).
"""

from __future__ import annotations

from typing import Literal

from torch import nn

Upsampling = Literal["transposed", "resize"]


def doubling(into: int, out: int, kernel: int, how: Upsampling = "transposed", *, bias: bool = True) -> list[nn.Module]:
    """Layers from ``(B, into, H, W)`` to ``(B, out, 2 H, 2 W)``, with torch's own initial weights.

    Args:
        kernel: of the transposed convolution, 3 or 4; the convolution behind up-sampling is 3 x 3.
    """
    if how == "resize":
        return [nn.Upsample(scale_factor=2), nn.Conv2d(into, out, 3, padding=1, bias=bias)]
    return [nn.ConvTranspose2d(into, out, kernel, stride=2, padding=1, output_padding=4 - kernel, bias=bias)]
