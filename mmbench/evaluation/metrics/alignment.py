"""Alignment of latent spaces (thesis eq. 4.16), with the spread that tells alignment from collapse."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def alignment_factor(a: Tensor, b: Tensor) -> Tensor:
    """Cosine between the latents of two encoders for each aligned sample; eq. 4.16 is its mean over the samples.

    Args:
        a, b: ``(B, ...)`` latents of the same images in two modalities.

    Returns:
        float64 ``(B,)`` in [-1, 1]; 0 where a latent is all zero.

    Raises:
        ValueError: the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"latents {tuple(a.shape)} and {tuple(b.shape)} differ in shape")
    return F.cosine_similarity(a.flatten(1).double(), b.flatten(1).double(), dim=1)


def latent_std(a: Tensor) -> Tensor:
    """Standard deviation (ddof 0) over the elements of a sample's latent ``(B, ...)``, mean over samples, float64.

    Logged beside :func:`alignment_factor`: latents that shrink towards one value align perfectly and carry nothing.
    """
    return a.flatten(1).double().std(dim=1, correction=0).mean()
