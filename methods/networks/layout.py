"""Memory formats: CPUs and GPUs convolve channels-last images faster, and a tensor in the other format spreads it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def in_layout_of(like: Tensor, x: Tensor) -> Tensor:
    """``x`` ``(B, ., H, W)`` in the memory format of ``like``, copied only where it has another."""
    channels_last = like.is_contiguous(memory_format=torch.channels_last)
    return x.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


class InstanceNorm(nn.InstanceNorm2d):
    """``nn.InstanceNorm2d`` in the memory format of its input: torch returns NCHW, and what follows would be slower."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalize each channel of each image."""
        return in_layout_of(x, super().forward(x))
