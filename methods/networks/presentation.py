"""What a discriminator, or a second generator, is shown: real and generated images in one form.

Real segmentations are hard one-hot images and have void pixels, real depth has holes; a generator's raw output has
neither. A discriminator would tell the two apart by that alone and teach nothing about the scene. So generated
segmentations are made hard as well, and generated images get the holes of real ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmbench.modality import Modality


def present(modality: Modality, raw: Tensor) -> Tensor:
    """A generator's raw output as an image in network representation, ``(B, channels, H, W)``.

    Segmentation: one-hot of the arg-max over all channels, void included, with the soft-max's gradient
    (straight-through; Bengio et al. 2013). RGB and scalar images: tanh. Depth: as it is.
    """
    return modality.present(raw)


def with_holes_of(modality: Modality, image: Tensor, real: Tensor) -> Tensor:
    """A generated image with the void or invalid pixels of real ones.

    Args:
        image: network representation ``(B, channels, H, W)``, from :func:`present`.
        real: tensor representation of real images of the same modality, of any other scenes; reused from the first
            where there are fewer of them than generated ones.
    """
    chosen = real[torch.arange(len(image), device=real.device) % len(real)]
    valid = modality.valid(chosen).unsqueeze(1)
    return torch.where(valid, image, modality.to_network(chosen).to(image.dtype))


def as_tensor(modality: Modality, raw: Tensor) -> Tensor:
    """A generator's raw output as the tensor representation of its modality: what ``translate`` returns."""
    return modality.from_generator(raw)
