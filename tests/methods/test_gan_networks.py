"""Generators and discriminators of the baselines, against their papers' tables, layer by layer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from mmbench.methods.networks.patchgan import PatchGAN, patch_layers
from mmbench.methods.networks.resnet import ResnetGenerator
from mmbench.methods.networks.scales import ScaledDiscriminators
from mmbench.methods.networks.shared_vae import Encoder, Generator, LeakyBlock, StridedDiscriminator
from mmbench.methods.networks.stargan import SharedDiscriminator, SharedGenerator, discriminator_layers
from mmbench.methods.networks.unet import UNet
from mmbench.methods.networks.upsampling import doubling
from torch import Tensor, nn

from mmbench.method import NetworkSize
from mmbench.modality import Depth, Rgb

RGB = Rgb("rgb")
DEPTH = Depth("depth")
SMALL = NetworkSize(width=8, poolings=2, convs=(1, 1), blocks=1, kernel=3)
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)

# Isola et al., appendix 6.1.1: side and channels behind every convolution for 256 x 256 images.
PIX2PIX_ENCODER = [(128, 64), (64, 128), (32, 256), (16, 512), (8, 512), (4, 512), (2, 512), (1, 512)]
PIX2PIX_DECODER = [(2, 512), (4, 512), (8, 512), (16, 512), (32, 256), (64, 128), (128, 64), (256, 3)]

# Choi et al., table 5 (128 x 128): the input layer and five hidden ones, then the two outputs.
STARGAN_DISCRIMINATOR = [(64, 64), (32, 128), (16, 256), (8, 512), (4, 1024), (2, 2048), (2, 1), (1, 2)]


def outputs(network: nn.Module, *given: object) -> list[tuple[int, int]]:
    """Side and channels behind every convolution, in the order they run."""
    found: list[tuple[int, int]] = []
    for module in network.modules():
        if isinstance(module, CONVOLUTIONS):
            module.register_forward_hook(lambda _, __, out: found.append((out.shape[-1], out.shape[1])))
    network(*given)
    return list(found)


def weights(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_unet_is_pix2pix_appendix_6_1_1() -> None:
    with torch.device("meta"):
        unet = UNet(3, 3, 256).eval()
        assert outputs(unet, torch.empty(1, 3, 256, 256)) == PIX2PIX_ENCODER + PIX2PIX_DECODER
    # The authors' implementation has 54.414 M; their first and innermost layers have no bias.
    assert weights(unet) == 54_413_955 + 64 + 512
    assert sum(isinstance(module, nn.Dropout) for module in unet.modules()) == 3


def test_patchgan_sees_70_by_70_pixels() -> None:
    torch.manual_seed(0)
    discriminator = PatchGAN(3, width=2, norm="none").double()
    image = torch.randn(1, 3, 256, 256, dtype=torch.float64, requires_grad=True)
    scores = discriminator(image)
    assert scores.shape == (1, 1, 30, 30)
    scores[0, 0, 15, 15].backward()
    assert image.grad is not None
    rows = image.grad[0].abs().sum((0, 2)).nonzero().flatten()
    assert int(rows[-1] - rows[0]) + 1 == 70


def test_patchgan_weights() -> None:
    # The authors' implementation prints 2.769 M for pairs of RGB images, and 2.765 M for single ones, in which layers
    # before instance normalization have a bias that it subtracts again.
    assert round(weights(PatchGAN(6)) / 1e6, 3) == 2.769
    assert round((weights(PatchGAN(3, norm="instance")) + 128 + 256 + 512) / 1e6, 3) == 2.765


def test_patchgan_for_small_images() -> None:
    assert [patch_layers(size) for size in (8, 16, 32, 256)] == [1, 2, 3, 3]
    with pytest.raises(ValueError, match="at least 8"):
        patch_layers(4)


@pytest.mark.parametrize(("size", "blocks", "millions"), [(256, 9, 11.378), (128, 6, 7.838)])
def test_residual_generator_is_cyclegan_appendix_7_2(size: int, blocks: int, millions: float) -> None:
    with torch.device("meta"):
        network = ResnetGenerator(3, 3, size)
        half, quarter = size // 2, size // 4
        expected = [(size, 64), (half, 128), (quarter, 256), *[(quarter, 256)] * (2 * blocks)]
        assert outputs(network, torch.empty(1, 3, size, size)) == [*expected, (half, 128), (size, 64), (size, 3)]
    # The authors' implementation prints these.
    assert round(weights(network) / 1e6, 3) == millions


def test_stargan_discriminator_is_table_5() -> None:
    with torch.device("meta"):
        network = SharedDiscriminator((RGB, Rgb("other")), 128)
        assert outputs(network, [("rgb", torch.empty(1, 3, 128, 128))]) == STARGAN_DISCRIMINATOR
    assert [discriminator_layers(size) for size in (16, 48, 128, 256)] == [3, 4, 6, 6]


def test_stargan_generator_shares_all_but_the_first_and_last_layer() -> None:
    network = SharedGenerator((RGB, DEPTH), SMALL)
    own = {name.split(".")[1] for name, _ in network.named_parameters() if name.startswith(("stems", "heads"))}
    assert own == {"rgb", "depth"}
    rgb, depth = network([("depth", "rgb", torch.randn(2, 1, 16, 16)), ("rgb", "depth", torch.randn(3, 3, 16, 16))])
    assert rgb.shape == (2, 3, 16, 16)
    assert depth.shape == (3, 1, 16, 16)


def test_stargan_generator_sees_the_label() -> None:
    """Instance normalization right behind the label would subtract it everywhere but at the border."""
    torch.manual_seed(0)
    network = SharedGenerator((RGB, Rgb("other")), SMALL)
    network.heads["other"].load_state_dict(network.heads["rgb"].state_dict())
    image = torch.randn(1, 3, 64, 64)
    one, other = network([("rgb", "rgb", image), ("rgb", "other", image)])
    inner = (one - other)[..., 24:40, 24:40].abs().mean()
    assert inner > 0.05 * one.abs().mean()


def test_unit_networks_are_section_4() -> None:
    """Three convolutions and four residual blocks, mirrored; the latent is a quarter of the image's size."""
    with torch.device("meta"):
        shared = [LeakyBlock(256)]
        encoder, generator = Encoder(3, 256, 64, shared), Generator(1, 256, 64, shared)
        there = outputs(encoder, torch.empty(1, 3, 256, 256))
        back = outputs(generator, torch.empty(1, 256, 64, 64))
    assert there == [(256, 64), (128, 128), (64, 256), *[(64, 256)] * 8]
    assert back == [*[(64, 256)] * 8, (128, 128), (256, 64), (256, 1)]
    assert {id(p) for p in encoder.parameters()} & {id(p) for p in generator.parameters()}


def test_unit_discriminator_halves_down_to_patches() -> None:
    with torch.device("meta"):
        found = outputs(StridedDiscriminator(3, 256), torch.empty(1, 3, 256, 256))
    assert found == [(128, 64), (64, 128), (32, 256), (16, 512), (8, 1024), (8, 1)]


@pytest.mark.parametrize("count", [0, 1, 4])
def test_unit_shares_as_many_blocks_next_to_the_latent_as_it_is_told(count: int) -> None:
    """Figure 2b: as many of the encoders' last blocks as of the generators' first ones, of four each."""
    high, low = ([LeakyBlock(8) for _ in range(count)] for _ in range(2))
    encoder, generator = Encoder(3, 32, 2, high), Generator(3, 32, 2, low)
    blocks = [
        [layer for layer in network.modules() if isinstance(layer, LeakyBlock)] for network in (encoder, generator)
    ]
    assert [len(each) for each in blocks] == [4, 4]
    assert [block in high for block in blocks[0]] == [False] * (4 - count) + [True] * count
    assert [block in low for block in blocks[1]] == [True] * count + [False] * (4 - count)


@pytest.mark.parametrize(("kernel", "bias"), [(3, True), (4, False)])
def test_resizing_first_leaves_no_checkerboard(kernel: int, bias: bool) -> None:
    """Of a constant image, a transposed convolution makes what repeats every second pixel, the other a constant."""
    torch.manual_seed(0)
    spread = {}
    for how in ("transposed", "resize"):
        layers = nn.Sequential(*doubling(3, 2, kernel, how, bias=bias))
        made = layers(torch.ones(1, 3, 8, 8))
        assert made.shape == (1, 2, 16, 16)
        assert all((layer.bias is not None) == bias for layer in layers if isinstance(layer, CONVOLUTIONS))
        spread[how] = made[..., 4:12, 4:12].std((2, 3)).max().item()
    assert spread["resize"] < 1e-6 < 1e-2 < spread["transposed"]


def test_resizing_and_a_convolution_is_that_of_torch() -> None:
    torch.manual_seed(0)
    layers, image = doubling(2, 3, 3, "resize"), torch.randn(1, 2, 4, 4)
    large = image.repeat_interleave(2, 2).repeat_interleave(2, 3)
    weight, bias = (layers[1].get_parameter(name) for name in ("weight", "bias"))
    expected = F.conv2d(large, weight, bias, padding=1)
    assert torch.allclose(nn.Sequential(*layers)(image), expected, atol=1e-6)


def test_generators_resize_where_they_are_told_to() -> None:
    made = {
        "unet": UNet(3, 1, 32, 4, upsampling="resize"),
        "residual": ResnetGenerator(3, 1, 32, 4, upsampling="resize"),
        "unit": Generator(1, 32, 4, [LeakyBlock(16)], upsampling="resize"),
    }
    strided = {
        name: [m for m in network.modules() if isinstance(m, nn.ConvTranspose2d) and m.stride != (1, 1)]
        for name, network in made.items()
    }
    assert not any(strided.values())
    assert made["unet"](torch.randn(2, 3, 32, 32)).shape == (2, 1, 32, 32)
    assert made["residual"](torch.randn(2, 3, 32, 32)).shape == (2, 1, 32, 32)
    assert made["unit"](torch.randn(2, 16, 8, 8)).shape == (2, 1, 32, 32)


def test_each_scale_judges_the_image_halved_once_more() -> None:
    """Against average pooling by hand: at the border over the pixels that there are."""
    critics = ScaledDiscriminators(lambda _: nn.Identity(), 16, 3, 4)
    image = torch.arange(256.0).view(1, 1, 16, 16)
    whole, half, quarter = critics(image)
    assert whole is image
    assert half[0, 0, 0, 0] == image[0, 0, :2, :2].mean()
    assert half[0, 0, 3, 5] == image[0, 0, 5:8, 9:12].mean()
    assert quarter[0, 0, 2, 1] == half[0, 0, 3:6, 1:4].mean()
    made = ScaledDiscriminators(lambda size: nn.Conv2d(1, size, 1), 48, 4, 8)
    assert [convolution.get_parameter("bias").numel() for convolution in made.scales] == [48, 24, 12]


@pytest.mark.parametrize("size", [16, 48, 64])
def test_small_images_pass(size: int) -> None:
    image = torch.randn(2, 3, size, size)
    shared = [LeakyBlock(16)]
    made: dict[str, Tensor] = {
        "unet": UNet(3, 1, size, 4)(image),
        "residual": ResnetGenerator(3, 1, size, 4)(image),
        "unit": Generator(1, size, 4, shared)(Encoder(3, size, 4, shared)(image)),
    }
    assert {name: tuple(raw.shape) for name, raw in made.items()} == dict.fromkeys(made, (2, 1, size, size))
    assert PatchGAN(3, 4, layers=patch_layers(size))(image).shape[1] == 1
