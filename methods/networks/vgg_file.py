"""A local file of VGG's weights for the RGB encoder: as many of its convolutions as file and network share.

Files are state dicts as torchvision and timm write them (VGG-16 or 19 without BatchNorm, ``features.<n>.weight``,
images normalised with ImageNet's statistics), or a plain ``nn.Sequential`` of the same convolutions. One that begins
with a 1 x 1 convolution of three channels, as those converted from Caffe do (BGR x 255 - mean), says with it how images
enter. A level begins where the width changes or the layers' numbers make a larger step: a pooling lies between.

The levels are compared from the first one on. Of a level that both have alike all convolutions are taken; of the first
that differs (VGG-19 has four where VGG-16 has three; a file may end early) those that both begin with, and none behind.
A file's reflection padding becomes this family's zero padding, so features differ at the borders alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.given.weights import is_placed, tensors_of

from .segnet import SegNetEncoder

NUMBERED = re.compile(r"(?:.*\bfeatures\.)?(\d+)\.weight")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Convolution = tuple[Tensor, Tensor]  # weight and bias
Record = dict[str, object]


@dataclass(frozen=True)
class Source:
    """What a file holds.

    Attributes:
        levels: its 3 x 3 convolutions between poolings.
        mean, std: ``(1, 3, 1, 1)``, of images in [-1, 1], in the order R, G, B.
    """

    levels: Sequence[Sequence[Convolution]]
    mean: Tensor
    std: Tensor


def load_vgg_file(encoder: SegNetEncoder, text: str) -> bool | Record:
    """Fill an encoder without BatchNorm from a file; ``text`` is the setting (``mmbench/given/weights.py``).

    Returns:
        What to record: ``file``, ``sha256``, ``levels`` (taken as a whole) and ``convolutions`` (taken). True, with the
        encoder as it is, where the text does not say where the file is: the weights come from elsewhere.

    Raises:
        UserError: the file is another one by now, is not VGG's, or shares no level with the encoder.
    """
    if not is_placed(text):
        return True
    tensors, about = tensors_of(text)
    try:
        source = source_of(tensors)
        levels, taken = _fill(encoder, source)
    except ValueError as error:
        raise UserError(f"pretrained = {about['file']}: {error}") from error
    encoder.mean.copy_(source.mean)
    encoder.std.copy_(source.std)
    return {**about, "levels": levels, "convolutions": taken}


def source_of(tensors: Mapping[str, Tensor]) -> Source:
    """The convolutions of a state dict. Raises ValueError where it is none of VGG's."""
    numbered = {int(match[1]): key for key in tensors if (match := NUMBERED.fullmatch(key))}
    if any(tensors[key].ndim == 1 for key in numbered.values()):
        raise ValueError("has BatchNorm, expected VGG-16 or VGG-19 without")
    found: dict[int, Convolution] = {}
    for number, key in sorted(numbered.items()):
        weight, bias = tensors[key], tensors.get(f"{key.removesuffix('weight')}bias")
        if weight.ndim == 4:
            if bias is None or bias.shape != weight.shape[:1]:
                raise ValueError(f"{key} has no bias of {len(weight)} numbers, as VGG's convolutions have")
            if not (weight.isfinite().all() and bias.isfinite().all()):
                raise ValueError(f"{key} or its bias holds what is not finite")
            found[number] = weight.float(), bias.float()
    if not found:
        raise ValueError(
            "holds no convolutions named features.<n>.weight or <n>.weight, as torchvision's and timm's VGG"
        )
    mean, std = imagenet_statistics()
    first = min(found)
    if found[first][0].shape == (3, 3, 1, 1):
        mean, std, order = _input(*found.pop(first))
        if found and found[min(found)][0].shape[1] == 3:
            weight, bias = found[min(found)]
            found[min(found)] = weight[:, order], bias
    return Source(_levels(found), mean, std)


def imagenet_statistics() -> tuple[Tensor, Tensor]:
    """ImageNet's mean and std, ``(1, 3, 1, 1)``, of images in [-1, 1]; they are stated for (x + 1) / 2."""
    return torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1) * 2 - 1, torch.tensor(IMAGENET_STD).view(1, 3, 1, 1) * 2


def _input(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, list[int]]:
    """Mean and std of images in [-1, 1] that do what a 1 x 1 layer does to images in [0, 1], and R, G, B's channels.

    Raises ValueError for a layer that mixes channels.
    """
    matrix = weight[:, :, 0, 0]
    used = matrix != 0
    if not ((used.sum(0) == 1).all() and (used.sum(1) == 1).all()):
        raise ValueError("its first 1 x 1 layer mixes channels, expected an order and a scale of R, G and B")
    order = used.int().argmax(0)  # of each of R, G, B the channel that it becomes
    scale, shift = matrix.sum(0), bias[order]
    # scale * (x + 1) / 2 + shift = (x - mean) / std
    std = 2 / scale
    return (-1 - shift * std).view(1, 3, 1, 1), std.view(1, 3, 1, 1), order.tolist()


def _levels(found: Mapping[int, Convolution]) -> list[list[Convolution]]:
    if not found:
        return []
    numbers = sorted(found)
    usual = min((after - before for before, after in pairwise(numbers)), default=1)
    levels = [[found[numbers[0]]]]
    for before, after in pairwise(numbers):
        if after - before > usual or len(found[after][0]) != len(found[before][0]):
            levels.append([])
        levels[-1].append(found[after])
    return levels


def _fill(encoder: SegNetEncoder, source: Source) -> tuple[int, int]:
    """Whole levels and convolutions that were taken. Raises ValueError where not even the first level fits."""
    whole, pairs = 0, list[tuple[nn.Conv2d, Convolution]]()
    mine = [[layer for layer in level.modules() if isinstance(layer, nn.Conv2d)] for level in encoder.levels]
    for layers, given in zip(mine, source.levels, strict=False):
        alike = 0
        for layer, (weight, _) in zip(layers, given, strict=False):
            if layer.weight.shape != weight.shape:
                break
            alike += 1
        pairs += zip(layers[:alike], given[:alike], strict=True)
        if not alike == len(layers) == len(given):
            break
        whole += 1
    if not whole:
        theirs = _shapes([weight for weight, _ in source.levels[0]] if source.levels else [])
        raise ValueError(
            f"its first level is {theirs}, the RGB encoder's {_shapes([layer.weight for layer in mine[0]])}; "
            "--set profile.network.width=64 makes it as wide as VGG's"
        )
    with torch.no_grad():
        for layer, (weight, bias) in pairs:
            layer.weight.copy_(weight)
            assert layer.bias is not None
            layer.bias.copy_(bias)
    return whole, len(pairs)


def _shapes(weights: Sequence[Tensor]) -> str:
    return ", ".join("x".join(map(str, weight.shape)) for weight in weights) or "empty"
