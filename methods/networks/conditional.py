"""One encoder-decoder for all modalities whose normalization is told which modality to make (DCN, WACV 2021).

Shukla et al. normalize each channel of each image at every layer of the decoder, ``gamma (x - mean) / sqrt(var + eps) +
beta``, with a gamma and a beta per *target* (DCN-0), or per source and target. A pair that was never trained has no
gamma of its own, so the second form is read here as a sum, ``gamma_target + gamma_source``, which joins parts that
were. Modalities have other numbers of channels, so each has a stem in front of the body and a head behind it.

Levels, widths and side information are those of the SegNet family (``segnet.py``), with instance normalization in the
encoder as well: batch statistics would mix modalities. What the source leaves open is this benchmark's choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from mmbench.method import Context, NetworkSize

from .code import Code, SideInformation, join, split
from .layout import InstanceNorm
from .residual import initialise_he
from .segnet import VGG16_CONVS
from .unpool import check_divisible, level_widths, pool, side_of, upsample


@dataclass(frozen=True)
class Wanted:
    """A code, the modality that it is of, and the one to make of it."""

    code: Code
    source: str
    target: str


class ConditionalNorm(nn.Module):
    """Instance normalization with a scale and a shift per target and, where asked for, added ones per source."""

    def __init__(self, width: int, modalities: int, *, additive: bool) -> None:
        super().__init__()
        self.norm = InstanceNorm(width)
        self.target_scale = nn.Parameter(torch.ones(modalities, width))
        self.target_shift = nn.Parameter(torch.zeros(modalities, width))
        self.source_scale = nn.Parameter(torch.zeros(modalities, width)) if additive else None
        self.source_shift = nn.Parameter(torch.zeros(modalities, width)) if additive else None

    def forward(self, x: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
        """``(B, C, h, w)`` to the same; ``sources`` and ``targets`` are the modalities' numbers, int64 ``(B,)``."""
        scale, shift = self.target_scale[targets], self.target_shift[targets]
        if self.source_scale is not None and self.source_shift is not None:
            scale, shift = scale + self.source_scale[sources], shift + self.source_shift[sources]
        return self.norm(x) * scale.to(x.dtype)[..., None, None] + shift.to(x.dtype)[..., None, None]


class _Layer(nn.Module):
    """Convolution, conditional normalization, ReLU."""

    def __init__(self, into: int, width: int, modalities: int, *, additive: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(into, width, 3, padding=1)
        self.norm = ConditionalNorm(width, modalities, additive=additive)

    def forward(self, x: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
        return self.norm(self.convolution(x), sources, targets).relu()


class ConditionalTranslator(nn.Module):
    """The body, and a stem and a head per modality.

    Args:
        channels: modality -> its channels in network representation.
        size: width, poolings and convolutions per level.
        side: what the decoder takes of the encoder beside the latent.
        additive: normalization by source and target instead of the target alone.

    Raises:
        ValueError: the size is contradictory; in ``encode``, the images cannot be halved that often.
    """

    def __init__(
        self, channels: Mapping[str, int], size: NetworkSize, *, side: SideInformation, additive: bool
    ) -> None:
        super().__init__()
        self.side = side
        self.numbers = {name: number for number, name in enumerate(channels)}
        widths, convs = level_widths(size), size.convs or VGG16_CONVS[: size.poolings]
        self.stems = nn.ModuleDict(
            {name: nn.Conv2d(count, widths[0], 3, padding=1) for name, count in channels.items()}
        )
        self.heads = nn.ModuleDict(
            {name: nn.Conv2d(widths[0], count, 3, padding=1) for name, count in channels.items()}
        )
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        into = widths[0]
        for width, count in zip(widths, convs, strict=True):
            layers: list[nn.Module] = []
            for _ in range(count):
                layers += [
                    nn.Conv2d(into, width, 3, padding=1),
                    InstanceNorm(width, affine=True),
                    nn.ReLU(inplace=True),
                ]
                into = width
            self.down.append(nn.Sequential(*layers))
        for level in reversed(range(size.poolings)):
            into, out = widths[level] * (2 if side == "skip" else 1), widths[max(level - 1, 0)]
            all_widths = [into, *[widths[level]] * (convs[level] - 1), out]
            self.up.append(
                nn.ModuleList(_Layer(a, b, len(channels), additive=additive) for a, b in pairwise(all_widths))
            )
        initialise_he(self)

    def encode(self, images: Sequence[tuple[str, Tensor]]) -> list[Code]:
        """Codes of some modalities' images, each ``(B, channels, H, W)``, in one pass of the body."""
        for _, image in images:
            check_divisible(image, len(self.down))
        x = torch.cat([self.stems[name](image).relu() for name, image in images])
        side: list[Tensor] = []
        for level in self.down:
            features = level(x)
            x, indices = pool(features)
            if self.side != "none":
                side.append(features if self.side == "skip" else indices)
        return split(Code(x, tuple(side)), [len(image) for _, image in images])

    def decode(self, wanted: Sequence[Wanted]) -> list[Tensor]:
        """The raw, linear outputs ``(B, channels of the target, H, W)``, in one pass of the body."""
        code = join([one.code for one in wanted])
        sizes = [len(one.code.latent) for one in wanted]
        device = code.latent.device
        sources, targets = (
            torch.tensor([self.numbers[name] for name, size in zip(names, sizes, strict=True) for _ in range(size)]).to(
                device
            )
            for names in ([one.source for one in wanted], [one.target for one in wanted])
        )
        x = code.latent
        for layers, given in zip(self.up, reversed(side_of(code, self.side, len(self.up))), strict=True):
            x = upsample(x, self.side, given)
            for layer in layers:  # type: ignore[attr-defined]
                x = layer(x, sources, targets)
        parts = torch.split(x, sizes)
        return [self.heads[one.target](part) for one, part in zip(wanted, parts, strict=True)]

    def translate(self, source: str, target: str, image: Tensor) -> Tensor:
        """The raw output ``(B, channels of the target, H, W)`` for one modality's images."""
        (code,) = self.encode([(source, image)])
        (raw,) = self.decode([Wanted(code, source, target)])
        return raw


def translator_of(context: Context, *, additive: bool) -> ConditionalTranslator:
    """Between all modalities of a task, at a profile's size; ``side_information`` is a setting."""
    channels = {modality.name: modality.channels for modality in context.task.modalities}
    side = context.settings["side_information"]
    return ConditionalTranslator(channels, context.network, side=side, additive=additive)
