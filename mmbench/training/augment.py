"""Random crops and colours of stored training images, as the numbers say that the loader draws.

torchvision is imported where it is needed: trainings without augmentation start sooner.
"""

from __future__ import annotations

import numpy as np
import torch

from mmbench.modality import Modality
from mmbench.modality.augmentation import Augmentation


def draw_crops(augmentation: Augmentation, rng: np.random.Generator, count: int) -> np.ndarray:
    """Of each of some images a square, float64 ``(count, 3)``: its side as a share of the image's, its place between
    top and bottom and its place between left and right, 0 to 1. All sides from the least on are equally likely.
    """
    drawn = rng.random((count, 3))
    drawn[:, 0] = augmentation.crop + (1 - augmentation.crop) * drawn[:, 0]
    return drawn


def draw_colours(augmentation: Augmentation, rng: np.random.Generator, count: int) -> np.ndarray:
    """Factors of brightness, contrast and saturation, and a turn of the hue, float64 ``(count, 4)``."""
    away = rng.uniform(-1, 1, (count, 4))
    most = (augmentation.brightness, augmentation.contrast, augmentation.saturation, augmentation.hue)
    return np.asarray(away * np.array(most) + np.array([1.0, 1.0, 1.0, 0.0]))


def cropped(array: np.ndarray, modality: Modality, crops: np.ndarray) -> np.ndarray:
    """Stored images ``(B, S, S[, 3])``, of each its square enlarged to S x S; colours and grey bilinear.

    What must not be blended, class ids and depth (with pixels that were not measured), takes the nearest pixel.
    """
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional as F

    mode = InterpolationMode.NEAREST_EXACT if modality.lossless else InterpolationMode.BILINEAR
    size = array.shape[1]
    made = array.copy()
    for place, (share, down, right) in enumerate(crops.tolist()):
        side = max(1, round(share * size))
        top, left = (int(where * (size - side + 1)) for where in (down, right))
        if side < size:
            image = F.resized_crop(_channels_first(array[place]), top, left, side, side, [size, size], mode)
            made[place] = _channels_last(image, array.ndim == 4)
    return made


def recoloured(array: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """uint8 colour images ``(B, S, S, 3)`` with other brightness, contrast, saturation and hue, in this order."""
    from torchvision.transforms.v2 import functional as F

    made = np.empty_like(array)
    for place, (brightness, contrast, saturation, hue) in enumerate(colours.tolist()):
        image = _channels_first(array[place])
        image = F.adjust_saturation(F.adjust_contrast(F.adjust_brightness(image, brightness), contrast), saturation)
        made[place] = _channels_last(F.adjust_hue(image, hue) if hue else image, True)
    return made


def _channels_first(array: np.ndarray) -> torch.Tensor:
    image = torch.from_numpy(np.ascontiguousarray(array))
    return image.permute(2, 0, 1) if image.ndim == 3 else image[None]


def _channels_last(image: torch.Tensor, colour: bool) -> np.ndarray:
    return (image.permute(1, 2, 0) if colour else image[0]).numpy()
