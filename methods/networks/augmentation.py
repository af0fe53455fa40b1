"""Images as judges see them: enlarged, and in training flipped, cropped, turned, brightened, with more contrast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def enlarged(images: Tensor, smallest: int) -> Tensor:
    """Images ``(B, C, H, W)``, those below ``smallest`` pixels enlarged to that."""
    if images.shape[-1] >= smallest:
        return images
    return F.interpolate(images, size=(smallest, smallest), mode="bilinear", align_corners=False)


def augmented(images: Tensor, settings: Mapping[str, Any]) -> Tensor:
    """Images ``(B, C, H, W)`` in [-1, 1], enlarged if need be and augmented; interpolated only once.

    Args:
        settings: the smallest side, ``input_size`` in pixels, and how far augmentation goes at most: ``zoom`` the share
            of the side that a crop leaves out, ``rotation`` radians, ``brightness`` on the scale of [-1, 1],
            ``contrast`` a factor's distance from 1.
    """
    count, side = len(images), max(settings["input_size"], images.shape[-1])

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(count, device=images.device).uniform_(low, high)

    flip = torch.where(draw(0.0, 1.0) < 0.5, -1.0, 1.0)
    scale, angle = draw(1.0 - settings["zoom"], 1.0), draw(-settings["rotation"], settings["rotation"])
    room = 1.0 - scale
    rows = [
        torch.stack([flip * scale * angle.cos(), -scale * angle.sin(), room * draw(-1.0, 1.0)], dim=1),
        torch.stack([flip * scale * angle.sin(), scale * angle.cos(), room * draw(-1.0, 1.0)], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), [count, images.shape[1], side, side], align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    contrast = draw(1.0 - settings["contrast"], 1.0 + settings["contrast"])
    brightness = draw(-settings["brightness"], settings["brightness"])
    return images * contrast[:, None, None, None] + brightness[:, None, None, None]
