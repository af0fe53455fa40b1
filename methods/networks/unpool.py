"""Between two levels of a network: max-pooling with indices on the way down, side information on the way up.

``F.max_pool2d`` finds the indices. Its CUDA gradient and ``F.max_unpool2d`` are refused under
``torch.use_deterministic_algorithms`` because windows may overlap in general, and autocast runs ``F.max_unpool2d`` in
fp32. The 2 x 2 windows of these networks never overlap, so what is here is deterministic and keeps the dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmbench.method import NetworkSize

from .code import Code, SideInformation


def level_widths(size: NetworkSize) -> tuple[int, ...]:
    """Channels of each level, first to last: doubled per level up to 8 x width (VGG-16's 64, 128, 256, 512, 512).

    Raises:
        ValueError: there is no level at all.
    """
    if size.poolings < 1:
        raise ValueError(f"a network needs at least 1 pooling, got {size.poolings}")
    return tuple(size.width * min(2**level, 8) for level in range(size.poolings))


def check_divisible(x: Tensor, poolings: int) -> None:
    """Raise ValueError where images cannot be halved ``poolings`` times, and so could not come back at their size."""
    height, width = x.shape[-2:]
    if height % 2**poolings or width % 2**poolings:
        raise ValueError(
            f"images of {height} x {width} pixels do not fit {poolings} poolings: "
            f"both sides must be multiples of {2**poolings}"
        )


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """2 x 2 max-pooling: ``(B, C, H, W)`` to the maxima and their int64 indices, both ``(B, C, H // 2, W // 2)``.

    An index counts pixels of the plane row by row. Of equal values the first wins, so an all-zero window points to its
    top-left. An odd last row or column is dropped, as in VGG-16.
    """
    return _Pool.apply(x)


def unpool(x: Tensor, indices: Tensor, size: Sequence[int]) -> Tensor:
    """Put ``(B, C, h, w)`` at ``indices`` of a zero ``(B, C, *size)``, where ``size // 2 == (h, w)``."""
    return _Unpool.apply(x, indices, tuple(size))


def side_of(code: Code, side: SideInformation, levels: int) -> tuple[Tensor | None, ...]:
    """The side information of every level, first to last; None where the decoder uses none.

    Raises:
        ValueError: the code holds another number of levels than the decoder has.
    """
    if side == "none":
        return (None,) * levels
    if len(code.side) != levels:
        raise ValueError(f"the decoder needs {side} of {levels} levels, the code holds {len(code.side)}")
    return code.side


def upsample(x: Tensor, side: SideInformation, given: Tensor | None) -> Tensor:
    """Double height and width: ``(B, C, h, w)`` to ``(B, C, 2h, 2w)``, or ``(B, 2C, 2h, 2w)`` with skip features.

    ``pooling-indices`` unpools, ``none`` repeats every pixel (nearest), ``skip`` repeats and concatenates what the
    encoder saw before it pooled (U-Net).
    """
    if side == "pooling-indices" and given is not None:
        return unpool(x, given, (2 * x.shape[-2], 2 * x.shape[-1]))
    doubled = F.interpolate(x, scale_factor=2, mode="nearest")
    return doubled if given is None else torch.cat([doubled, given.to(doubled.dtype)], dim=1)


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        maxima, indices = F.max_pool2d(x, 2, return_indices=True)
        ctx.size = x.shape[-2:]
        ctx.save_for_backward(indices)
        ctx.mark_non_differentiable(indices)
        return maxima, indices

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> Tensor:
        return _place(gradient, ctx.saved_tensors[0], ctx.size)


class _Unpool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, indices: Tensor, size: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(indices)
        return _place(x, indices, size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _pick(gradient, ctx.saved_tensors[0]), None, None


def _place(x: Tensor, indices: Tensor, size: Sequence[int]) -> Tensor:
    if x.device.type != "cpu":
        return _place_by_masking(x, indices, size)
    # The gradient of max-pooling is unpooling, and on a CPU it is several times faster than masking.
    layout = torch.contiguous_format if indices.is_contiguous() else torch.channels_last
    plane = torch.empty(*x.shape[:2], *size, dtype=x.dtype, device=x.device, memory_format=layout)
    x = x.contiguous(memory_format=layout)
    return torch.ops.aten.max_pool2d_with_indices_backward(x, plane, [2, 2], [2, 2], [0, 0], [1, 1], False, indices)


def _place_by_masking(x: Tensor, indices: Tensor, size: Sequence[int]) -> Tensor:
    """Each pixel asks whether the index of its window names it: one comparison and one choice for the whole plane."""
    height, width = x.shape[-2:]
    down = torch.arange(2 * height, device=x.device).view(height, 2, 1, 1) * size[1]
    pixels = down + torch.arange(2 * width, device=x.device).view(width, 2)
    if indices.is_contiguous():
        here = indices[:, :, :, None, :, None] == pixels
        plane = torch.where(here, x[:, :, :, None, :, None], 0).flatten(4, 5).flatten(2, 3)
    else:
        x, indices = (tensor.permute(0, 2, 3, 1)[:, :, None, :, None] for tensor in (x, indices))
        plane = torch.where(indices == pixels.unsqueeze(-1), x, 0).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)
    return F.pad(plane, (0, size[1] - 2 * width, 0, size[0] - 2 * height))


def _pick(plane: Tensor, indices: Tensor) -> Tensor:
    if indices.is_contiguous():
        return plane.flatten(2).gather(2, indices.flatten(2)).view_as(indices)
    batch, channels, height, width = indices.shape
    # Gathered along the pixels of a channels-last layout, neither tensor needs to be copied.
    values = plane.permute(0, 2, 3, 1).flatten(1, 2).gather(1, indices.permute(0, 2, 3, 1).flatten(1, 2))
    return values.view(batch, height, width, channels).permute(0, 3, 1, 2)
