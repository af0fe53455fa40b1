"""A local VGG in the RGB encoder: features are the file's own network's, and what fits nothing is one line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from mmbench.methods.networks.segnet import SegNetEncoder
from mmbench.methods.networks.vgg_file import IMAGENET_MEAN, IMAGENET_STD, load_vgg_file
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.given.weights import pinned
from mmbench.method import NetworkSize


def encoder(size: NetworkSize | None = None) -> SegNetEncoder:
    return SegNetEncoder(3, size or NetworkSize(), side="none", norm=False)


def filled(state: dict[str, Tensor], made: SegNetEncoder, folder: Path) -> Any:
    torch.save(state, folder / "vgg.pth")
    return load_vgg_file(made, pinned(str(folder / "vgg.pth"), ""))


def sequence(widths: list[int], poolings: tuple[int, ...]) -> nn.Sequential:
    """Convolutions in a plain sequence as VGG's, and poolings behind some of them."""
    layers: list[nn.Module] = []
    for number, (into, out) in enumerate(pairwise(widths), start=1):
        layers += [nn.Conv2d(into, out, 3, padding=1), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if number in poolings else []
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("name", "prefix", "levels", "convolutions"),
    [("vgg16", "", 5, 13), ("vgg16", "module.", 5, 13), ("vgg19", "", 2, 7)],
)
def test_levels_of_full_files(name: str, prefix: str, levels: int, convolutions: int, tmp_path: Path) -> None:
    """Names are torchvision's and timm's; VGG-19 has four convolutions in the third level, of which three are taken."""
    torch.manual_seed(0)
    source: Any = timm.create_model(name, pretrained=False, mlp_ratio=0.01).eval()
    state = {f"{prefix}{key}": value for key, value in source.state_dict().items()}
    made: Any = encoder()
    untouched = [value.clone() for value in made.levels[4].parameters()]
    record = filled({**state, "classifier.0.weight": torch.zeros(4, 4)}, made, tmp_path)
    assert record == {"file": "vgg.pth", "sha256": record["sha256"], "levels": levels, "convolutions": convolutions}
    pixels = torch.rand(1, 3, 32, 32)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD))
    depth = [index for index, layer in enumerate(source.features) if isinstance(layer, nn.MaxPool2d)][levels - 1]
    with torch.no_grad():
        mine = (pixels * 2 - 1 - made.mean) / made.std
        for level in made.levels[:levels]:
            mine = nn.functional.max_pool2d(level(mine), 2)
        theirs = source.features[: depth + 1]((pixels - mean) / std)
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
    same = all(torch.equal(*pair) for pair in zip(made.levels[4].parameters(), untouched, strict=True))
    assert same == (name == "vgg19"), "what the file does not share starts at random"


def test_imagenets_statistics_are_timms() -> None:
    assert (IMAGENET_MEAN, IMAGENET_STD) == (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)


def test_a_file_with_an_input_layer_of_its_own(tmp_path: Path) -> None:
    """As one converted from Caffe: BGR x 255 - mean in a 1 x 1 layer, reflection padding, the third level cut short."""
    torch.manual_seed(0)
    first: Any = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        first.weight.copy_(255.0 * torch.eye(3).flip(0)[..., None, None])
        first.bias.copy_(torch.tensor([-103.939, -116.779, -123.68]))
    numbers, widths = (2, 5, 9, 12, 16), [3, 8, 8, 16, 16, 32]
    convolutions = [nn.Conv2d(into, out, 3) for into, out in pairwise(widths)]
    state = {f"0.{key}": value for key, value in first.state_dict().items()}
    for number, layer in zip(numbers, convolutions, strict=True):
        state |= {f"{number}.{key}": value for key, value in layer.state_dict().items()}
    made: Any = encoder(NetworkSize(8, 3, (2, 2, 3)))
    record = filled(state, made, tmp_path)
    assert (record["levels"], record["convolutions"]) == (2, 5)
    pixels = torch.rand(1, 3, 48, 48)
    with torch.no_grad():
        theirs = first(pixels)
        for number, layer in enumerate(convolutions, start=1):
            theirs = layer(nn.functional.pad(theirs, (1, 1, 1, 1), mode="reflect")).relu()
            theirs = nn.functional.max_pool2d(theirs, 2) if number in (2, 4) else theirs
        mine = (pixels * 2 - 1 - made.mean) / made.std
        for level in made.levels[:2]:
            mine = nn.functional.max_pool2d(level(mine), 2)
        mine = made.levels[2][:2](mine)
    inner = (..., slice(3, -3), slice(3, -3))
    torch.testing.assert_close(mine[inner], theirs[inner], rtol=1e-4, atol=1e-3)


def damaged(**changes: Any) -> dict[str, Tensor]:
    return {**sequence([3, 8, 8, 16, 16], (2,)).state_dict(), **changes}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            damaged(),
            "its first level is 8x3x3x3, 8x8x3x3, the RGB encoder's 16x3x3x3, 16x16x3x3; --set profile.network",
        ),
        ({"fc.weight": torch.ones(3, 3)}, "holds no convolutions named features.<n>.weight or <n>.weight"),
        (damaged(**{"1.weight": torch.ones(8)}), "has BatchNorm, expected VGG-16 or VGG-19 without"),
        (damaged(**{"0.bias": torch.ones(7)}), "0.weight has no bias of 8 numbers"),
        (damaged(**{"2.bias": torch.full((8,), float("nan"))}), "2.weight or its bias holds what is not finite"),
        ({"0.weight": torch.ones(3, 3, 1, 1), "0.bias": torch.ones(3)}, "its first 1 x 1 layer mixes channels"),
        ({"0.weight": torch.eye(3)[..., None, None], "0.bias": torch.ones(3)}, "its first level is empty"),
    ],
)
def test_what_fits_nothing_is_one_line_and_changes_nothing(
    state: dict[str, Tensor], message: str, tmp_path: Path
) -> None:
    made = encoder(NetworkSize(16, 2, (2, 2)))
    before = {name: value.clone() for name, value in made.state_dict().items()}
    with pytest.raises(UserError) as caught:
        filled(state, made, tmp_path)
    assert str(caught.value).startswith("pretrained = vgg.pth: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_where_the_place_is_not_known_the_weights_come_from_elsewhere() -> None:
    made = encoder(NetworkSize(8, 2, (1, 1)))
    before = {name: value.clone() for name, value in made.state_dict().items()}
    assert load_vgg_file(made, "vgg.pth#sha256=00") is True
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_the_residual_family_has_no_vgg(bench: Any, tmp_path: Path) -> None:
    torch.save(damaged(), tmp_path / "vgg.pth")
    with pytest.raises(UserError, match="VGG's weights are for family=segnet, and this is family=residual"):
        bench.build("frozen-features", overrides={"family": "residual", "pretrained": str(tmp_path / "vgg.pth")})
