"""Augmentation of images for judges: flip, crop, turn and enlarge in a single resampling; brightness and contrast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def augmented(images: Tensor, side: int, settings: Mapping[str, Any]) -> Tensor:
    """Images ``(B, C, H, W)`` in [-1, 1] to ``(B, C, side, side)``; interpolated only once.

    Args:
        settings: how far it goes at most. ``zoom`` the share of the side that a crop leaves out, ``rotation`` radians,
            ``brightness`` on the scale of [-1, 1], ``contrast`` a factor's distance from 1.
    """
    count = len(images)

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
