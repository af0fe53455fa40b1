"""Batches of images in parts that a CPU's cache holds, and sums over each image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

PIXELS = 2**14  # of a part, on a CPU


def parts(images: Tensor) -> tuple[Tensor, ...]:
    """``(B, C, H, W)`` with B > 0 in parts of at most ``PIXELS`` pixels or one image; on a GPU all of it."""
    size = images.shape[-2] * images.shape[-1]
    many = max(1, PIXELS // max(size, 1)) if images.device.type == "cpu" else len(images)
    return images.split(many)


def image_sums(values: Tensor) -> Tensor:
    """``(B, ..., N)`` to ``(B, ...)``: sums over N, each image's with the same bits in every batch.

    Image by image: sums over a batch may be split differently, and so rounded differently, for other batch sizes.
    """
    import torch

    return torch.stack([image.sum(-1) for image in values])
