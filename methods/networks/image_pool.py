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
        self._known: int | None = None  # what ``filled`` holds: reading it back waits for a GPU
        self.register_load_state_dict_post_hook(_forget)

    @torch.no_grad()
    def query(self, fakes: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` to show instead of ``fakes``: each is new or, with probability 1/2, a kept one.

        The pool fills up first; from then on a new image takes the place of the one that is shown for it. In eval mode
        nothing is kept or exchanged. Randomness is torch's global generator's.
        """
        if not self.training:
            return fakes
        new = fakes.detach().float()
        shown = new.clone()
        count, before = len(self.images), int(self.filled) if self._known is None else self._known
        filled = before
        places = torch.randint(count, (len(fakes),)).tolist()
        exchanged = (torch.rand(len(fakes)) < 0.5).tolist()
        for number, (place, exchange) in enumerate(zip(places, exchanged, strict=True)):
            if filled < count:
                self.images[filled] = new[number]
                filled += 1
            elif exchange:
                shown[number] = self.images[place]
                self.images[place] = new[number]
        if filled != before:
            self.filled.fill_(filled)
        self._known = filled
        return shown


def _forget(pool: ImagePool, _: object) -> None:
    """Have the count read back after a checkpoint was loaded."""
    pool._known = None
