"""Memory formats: CPUs and GPUs convolve channels-last images faster, and a tensor in the other format spreads it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def in_layout_of(like: Tensor, x: Tensor) -> Tensor:
    """``x`` ``(B, ., H, W)`` in the memory format of ``like``, copied only where it has another."""
    channels_last = like.is_contiguous(memory_format=torch.channels_last)
    return x.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


class InstanceNorm(nn.InstanceNorm2d):
    """``nn.InstanceNorm2d`` in the memory format of its input: torch returns NCHW, and what follows would be slower."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalize each channel of each image."""
        if len(x) != 1 and (x.device.type != "cpu" or x.is_contiguous()):
            return in_layout_of(x, super().forward(x))
        # As batches of one image each, since a CPU can normalize them channels-last in half the time or less. A single
        # image in any case: where its gradient is channels-last, that of torch's instance_norm is wrong on a CPU.
        images = [F.batch_norm(one, None, None, self.weight, self.bias, True, 0.0, self.eps) for one in x.split(1)]
        return torch.cat(images) if len(images) > 1 else images[0]
