"""ImageNet weights for the RGB encoder (thesis 4.4.2: VGG-16)."""

from __future__ import annotations

import logging
from urllib.parse import urlparse

from torch import nn

from mmbench.internet import answers

from .segnet import VGG16_CONVS, SegNetEncoder
from .vgg_file import imagenet_statistics

log = logging.getLogger(__name__)

VGG16 = "vgg16.tv_in1k"  # torchvision's ImageNet-1k weights, as timm hosts them
VGG16_SHAPES = [
    (out, into, 3, 3)
    for convs, first, out in zip(VGG16_CONVS, (3, 64, 128, 256, 512), (64, 128, 256, 512, 512), strict=True)
    for into in [first, *[out] * (convs - 1)]
]


def load_vgg16(encoder: SegNetEncoder) -> bool:
    """Fill the encoder's 13 convolutions with timm's pretrained VGG-16 and normalise its input as they expect.

    The encoder's ``mean`` and ``std`` then turn images in [-1, 1] into ImageNet statistics.

    Returns:
        False, after one warning and with the encoder untouched, where the weights cannot be had (no network) or the
        encoder is not VGG-16's: another size, other channels, or with BatchNorm.
    """
    convolutions = [layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
    if [tuple(layer.weight.shape) for layer in convolutions] != VGG16_SHAPES:
        log.warning("no ImageNet weights: the RGB encoder's size is not VGG-16's")
        return False
    if any(isinstance(layer, nn.BatchNorm2d) for layer in encoder.modules()):
        log.warning("no ImageNet weights: the RGB encoder has BatchNorm, VGG-16 has none")
        return False
    import timm  # here, because it takes seconds and most networks start from scratch

    if not _within_reach():
        log.warning("no ImageNet weights: %s is not in the local cache and its hub cannot be reached", VGG16)
        return False
    try:
        source = timm.create_model(VGG16, pretrained=True)
    except Exception as error:  # hub, network, file and unpickling errors share no base class
        log.warning("no ImageNet weights: %s cannot be had (%s)", VGG16, " ".join(str(error).split())[:200])
        return False
    given = [layer for layer in source.get_submodule("features").children() if isinstance(layer, nn.Conv2d)]
    for mine, theirs in zip(convolutions, given, strict=True):
        mine.load_state_dict(theirs.state_dict())
    mean, std = imagenet_statistics()
    encoder.mean.copy_(mean)
    encoder.std.copy_(std)
    return True


def _within_reach() -> bool:
    """Whether the weights are cached or their hub answers."""
    from huggingface_hub import constants, try_to_load_from_cache

    if isinstance(try_to_load_from_cache(f"timm/{VGG16}", "model.safetensors"), str):
        return True
    return answers(str(urlparse(constants.ENDPOINT).hostname))
