"""The code between an encoder and a decoder: the latent, and the side information that goes beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor

SideInformation = Literal["none", "skip", "pooling-indices"]
"""What an encoder hands a decoder beside the latent (thesis 4.4.4)."""


class Code(NamedTuple):
    """What an encoder makes of a batch of images.

    Attributes:
        latent: ``(B, C, h, w)``, the representation that all encoders and decoders share.
        side: one tensor per level, first (finest) level first: int64 pooling indices ``(B, C_i, H_i / 2, W_i / 2)`` as
            ``F.max_pool2d`` gives them, skip features ``(B, C_i, H_i, W_i)``, or empty.
    """

    latent: Tensor
    side: tuple[Tensor, ...] = ()


Part = TypeVar("Part", Tensor, Code)


def join(codes: Sequence[Code]) -> Code:
    """Concatenate codes along the batch.

    Raises:
        ValueError: the codes hold side information of different numbers of levels.
    """
    levels = zip(*(code.side for code in codes), strict=True)
    return Code(torch.cat([code.latent for code in codes]), tuple(torch.cat(level) for level in levels))


def split(value: Part, sizes: Sequence[int]) -> list[Part]:
    """Undo a concatenation along the batch: parts of ``sizes`` images each, which must sum to the batch.

    Raises:
        RuntimeError: the sizes do not sum to the batch.
    """
    if isinstance(value, Tensor):
        return list(value.split(list(sizes)))
    latents = value.latent.split(list(sizes))
    levels = [level.split(list(sizes)) for level in value.side]
    return [Code(latent, tuple(level[i] for level in levels)) for i, latent in enumerate(latents)]
