"""A history of generated images for discriminators (Shrivastava et al. 2017; Zhu et al. 2017, section 4: 50 images)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """The last generated images, as buffers, so that a resumed training goes on with the same history.

    Args:
        shape: of one image, ``(C, H, W)``.
        size: images kept.
    """

    images: Tensor
    filled: Tensor

    def __init__(self, shape: tuple[int, int, int], size: int = 50) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def query(self, fakes: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` to show instead of ``fakes``: each is new or, with probability 1/2, a kept one.

        The pool fills up first; from then on a new image takes the place of the one that is shown for it. In eval mode
        nothing is kept or exchanged. Randomness is torch's global generator's.
        """
        if not self.training:
            return fakes
        shown = fakes.detach().float().clone()
        count, filled = len(self.images), int(self.filled)
        places = torch.randint(count, (len(fakes),)).tolist()
        exchanged = (torch.rand(len(fakes)) < 0.5).tolist()
        for number, (place, exchange) in enumerate(zip(places, exchanged, strict=True)):
            if filled < count:
                self.images[filled] = shown[number]
                filled += 1
            elif exchange:
                kept = self.images[place].clone()
                self.images[place] = shown[number]
                shown[number] = kept
        self.filled.fill_(filled)
        return shown
