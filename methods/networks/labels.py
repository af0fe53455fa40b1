"""One batch of several domains' images with their labels, for networks that all domains share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmbench.method import Batch


class Labelled(NamedTuple):
    """Images ``(B, 3, H, W)``, the number of each one's domain ``(B,)``, and that of another domain ``(B,)``."""

    images: Tensor
    own: Tensor
    other: Tensor


def draw(batch: Batch, names: Sequence[str], count: int) -> Labelled:
    """The images of ``count`` domains drawn anew, at least two; 0 means all.

    The other domain is one of those drawn, each of them as often as the others. Randomness is torch's global
    generator's.
    """
    drawn = torch.randperm(len(names))[: max(count, 2) if count else len(names)]
    other = drawn.roll(int(torch.randint(1, len(drawn), ())))
    parts = [batch[names[number]][names[number]] for number in drawn.tolist()]
    counts, images = torch.tensor([len(part) for part in parts]), torch.cat(parts)
    own, other = (numbers.repeat_interleave(counts).to(images.device) for numbers in (drawn, other))
    return Labelled(images, own, other)
