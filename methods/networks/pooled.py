"""What is pooled on the way through an encoder, level by level, and indices that tell nothing of the image."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from .code import Code
from .unpool import pool


def encode_levels(encoder: nn.Module, x: Tensor, levels: int) -> tuple[Code, tuple[Tensor, ...]]:
    """An encoder's code, and its features after the last poolings.

    Args:
        encoder: of the SegNet or the residual family: its ``levels`` are each followed by a pooling.
        x: ``(B, channels, H, W)``, network representation.
        levels: how many of the last poolings; more than there are means all, 0 none.

    Returns:
        The code, and features ``(B, C_i, H / 2**i, W / 2**i)`` after each of those poolings, the finest first.
    """
    features: list[Tensor] = []
    hooks = [
        level.register_forward_hook(lambda _module, _inputs, made: features.append(made))
        for level in cast(nn.ModuleList, encoder.levels)
    ]
    try:
        code = encoder(x)
    finally:
        for hook in hooks:
            hook.remove()
    return code, tuple(pool(made)[0] for made in features[max(0, len(features) - levels) :])


def top_left(indices: Tensor) -> Tensor:
    """Pooling indices ``(B, C, h, w)`` of one size and layout with others that all name the top-left of their window.

    The planes they count in are ``(2h, 2w)``, as wherever a network's images can be halved.
    """
    height, width = indices.shape[-2:]
    rows = torch.arange(height, device=indices.device).unsqueeze(1) * (4 * width)  # two rows of 2w pixels each
    columns = torch.arange(width, device=indices.device) * 2
    return torch.empty_like(indices).copy_(rows + columns)
