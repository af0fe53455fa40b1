"""Encoders, decoders and discriminators of a task, in the family and with the side information the settings name.

Settings read here (every method that builds with it declares them)::

    family                   segnet (tables A.3-A.6) or residual (A.7-A.12)
    side_information         none, skip or pooling-indices
    image_side_information   the same, for decoders of images; thesis 4.4.2: none in the segnet family
    norm                     residual family only: instance (the appendix) or none
    pretrained               RGB encoder from VGG-16: auto, required or no; or a file (``vgg_file.py``)
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.given.weights import looks_like_file
from mmbench.method import Context, NetworkSize
from mmbench.modality import Modality

from .code import Code, join, split
from .pretrained import load_vgg16
from .residual import PatchDiscriminator, ResidualDecoder, ResidualEncoder
from .segnet import SegNetDecoder, SegNetDiscriminator, SegNetEncoder, SegNetImageDecoder
from .vgg_file import Record, load_vgg_file

log = logging.getLogger(__name__)

VGG16_SIZE = NetworkSize(width=64, poolings=5)


class Builder:
    """Builds networks for one method's context.

    Attributes:
        pretrained: whether the last RGB encoder built took VGG-16's weights; of a file what was taken of it.
    """

    def __init__(self, context: Context) -> None:
        self.settings = context.settings
        self.decided = context.pretrained
        self.size = context.network
        self.residual = self.settings["family"] == "residual"
        self.pretrained: bool | Record = False

    def encoder(self, modality: Modality) -> nn.Module:
        """An encoder of a modality; the RGB encoder of the segnet family may start from VGG-16.

        Raises:
            UserError: ``pretrained = required`` and the weights cannot be had or do not fit the profile's size; a file
                that fits nothing, or in the residual family.
        """
        side = self.settings["side_information"]
        from_file = modality.is_colour and looks_like_file(self.settings.get("pretrained"))
        if self.residual:
            if from_file:
                raise UserError("pretrained = a file: VGG's weights are for family=segnet, and this is family=residual")
            return ResidualEncoder(modality.channels, self.size, side=side, norm=self.settings["norm"])
        wanted = self.settings["pretrained"]
        if from_file:
            encoder = SegNetEncoder(modality.channels, self.size, side=side, norm=False)
            self.pretrained = load_vgg_file(encoder, wanted)
            return encoder
        fits = (self.size.width, self.size.poolings, self.size.convs) == (VGG16_SIZE.width, VGG16_SIZE.poolings, ())
        if modality.is_colour and wanted != "no" and self.decided is not False:
            if fits:
                encoder = SegNetEncoder(modality.channels, self.size, side=side, norm=False)
                # Weights that are taken over from a checkpoint need the architecture only.
                if self.decided or load_vgg16(encoder):
                    self.pretrained = True
                    return encoder
                _say_from_scratch()
            if wanted == "required":
                raise UserError(
                    "pretrained=required: VGG-16's ImageNet weights cannot be had, or do not fit this profile's width "
                    "and poolings; use pretrained=auto, or a profile of the paper's size where timm's hub is reached"
                )
        return SegNetEncoder(modality.channels, self.size, side=side, norm=True)

    def decoder(self, modality: Modality) -> nn.Module:
        """A decoder of a modality."""
        side = self.settings["side_information"]
        if self.residual:
            return ResidualDecoder(modality.channels, self.size, side=side, norm=self.settings["norm"])
        if modality.is_colour:
            return SegNetImageDecoder(modality.channels, self.size, side=self.settings["image_side_information"])
        return SegNetDecoder(modality.channels, self.size, side=side)

    def discriminator(self, modality: Modality) -> nn.Module:
        """A discriminator of an image modality."""
        kind = PatchDiscriminator if self.residual else SegNetDiscriminator
        return kind(modality.channels, self.size.width)


@functools.cache
def _say_from_scratch() -> None:
    log.warning("VGG-16 weights cannot be had; the RGB encoder starts from scratch, with BN (pretrained: false)")


def encode_jointly(encoders: nn.ModuleDict, images: Mapping[tuple[str, str], Tensor]) -> dict[tuple[str, str], Code]:
    """Encode images keyed (view, modality), one forward pass per encoder with its images concatenated.

    One training-mode pass per network and step: batch statistics are those of all groups together.
    """
    codes: dict[tuple[str, str], Code] = {}
    for name, encoder in encoders.items():
        keys = [key for key in images if key[1] == name]
        if keys:
            together = encoder(torch.cat([images[key] for key in keys]))
            codes |= dict(zip(keys, split(together, [len(images[key]) for key in keys]), strict=True))
    return codes


def decode_jointly(decoder: nn.Module, codes: Sequence[Code]) -> list[Tensor]:
    """Decode several codes with one decoder in one forward pass."""
    raw = decoder(join(codes))
    return list(torch.split(raw, [len(code.latent) for code in codes]))


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Eval mode without gradient for some modules, their modes restored afterwards."""
    modes = [(part, part.training) for module in modules for part in module.modules()]
    for module in modules:
        module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode
