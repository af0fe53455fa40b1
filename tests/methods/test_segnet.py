"""Against a hand-typed copy of the thesis' tables A.3-A.6 (rows: side in, channels in, side out, channels out)."""

from __future__ import annotations

import pytest
import torch
from mmbench.methods.networks.code import Code, SideInformation
from mmbench.methods.networks.segnet import SegNetDecoder, SegNetDiscriminator, SegNetEncoder, SegNetImageDecoder
from torch import Tensor, nn

from mmbench.method import NetworkSize

PAPER = NetworkSize()
SMALL = NetworkSize(width=4, poolings=3, convs=(2, 2, 2))
MODALITIES = {"rgb": 3, "depth": 1, "nir": 1, "segmentation": 14}

Row = tuple[int, int, int, int]

# conv1 of table A.3 takes the modality's channels, here 0.
A3_CONVOLUTIONS: list[Row] = [
    (256, 0, 256, 64),
    (256, 64, 256, 64),
    (128, 64, 128, 128),
    (128, 128, 128, 128),
    (64, 128, 64, 256),
    (64, 256, 64, 256),
    (64, 256, 64, 256),
    (32, 256, 32, 512),
    (32, 512, 32, 512),
    (32, 512, 32, 512),
    (16, 512, 16, 512),
    (16, 512, 16, 512),
    (16, 512, 16, 512),
]
A3_POOLS: list[Row] = [
    (256, 64, 128, 64),
    (128, 128, 64, 128),
    (64, 256, 32, 256),
    (32, 512, 16, 512),
    (16, 512, 8, 512),
]

# conv13 of table A.4 gives the modality's channels, here 0; the table prints 5 for NIR.
A4_UNPOOLS: list[Row] = [
    (8, 512, 16, 512),
    (16, 512, 32, 512),
    (32, 256, 64, 256),
    (64, 128, 128, 128),
    (128, 64, 256, 64),
]
A4_CONVOLUTIONS: list[Row] = [
    (16, 512, 16, 512),
    (16, 512, 16, 512),
    (16, 512, 16, 512),
    (32, 512, 32, 512),
    (32, 512, 32, 512),
    (32, 512, 32, 256),
    (64, 256, 64, 256),
    (64, 256, 64, 256),
    (64, 256, 64, 128),
    (128, 128, 128, 128),
    (128, 128, 128, 64),
    (256, 64, 256, 64),
    (256, 64, 256, 0),
]
# BN1-BN11 as printed, and what BN6, BN9 and BN11 must be to follow their convolutions.
A4_NORMS = [512, 512, 512, 512, 512, 512, 256, 256, 256, 128, 128]
A4_NORMS_READ = [*A4_NORMS[:5], 256, *A4_NORMS[6:8], 128, *A4_NORMS[9:10], 64]

A5_CONVOLUTIONS: list[Row] = [
    (8, 512, 16, 512),
    (16, 512, 32, 256),
    (32, 256, 64, 128),
    (64, 128, 128, 64),
    (128, 64, 256, 3),
]
A5_NORMS = [512, 256, 128, 64]

# The table ends with deconv4; the last row is the output layer it lacks.
A6_CONVOLUTIONS: list[Row] = [
    (256, 3, 128, 64),
    (128, 64, 64, 128),
    (64, 128, 32, 256),
    (32, 256, 16, 512),
    (16, 512, 16, 1),
]


def _rows(network: nn.Module, kind: type[nn.Module], given: Tensor | Code) -> list[Row]:
    """Input and output of every module of a kind during one pass, in order of execution."""
    rows: list[Row] = []

    def note(_: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        rows.append((inputs[0].shape[2], inputs[0].shape[1], output.shape[2], output.shape[1]))

    for module in network.modules():
        if isinstance(module, kind):
            module.register_forward_hook(note)
    network(given)
    return rows


def _parameters(network: nn.Module) -> int:
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return sum(parameter.numel() for layer in convolutions for parameter in layer.parameters())


def _code() -> Code:
    """A code as table A.3's encoder makes it, without storage."""
    side = [torch.empty(6, c, n, n, dtype=torch.int64, device="meta") for _, _, n, c in A3_POOLS]
    return Code(torch.empty(6, 512, 8, 8, device="meta"), tuple(side))


@pytest.mark.parametrize("modality", MODALITIES)
def test_encoder_is_table_a3(modality: str) -> None:
    channels = MODALITIES[modality]
    with torch.device("meta"):
        encoder = SegNetEncoder(channels, PAPER, side="pooling-indices", norm=modality != "rgb")
        images = torch.empty(6, channels, 256, 256)
    expected = [(a, b or channels, c, d) for a, b, c, d in A3_CONVOLUTIONS]
    assert _rows(encoder, nn.Conv2d, images) == expected
    norms = _rows(encoder, nn.BatchNorm2d, images)
    assert [row[3] for row in norms] == ([] if modality == "rgb" else [row[3] for row in expected])
    assert len(_rows(encoder, nn.ReLU, images)) == 13
    code = encoder(images)
    assert code.latent.shape == (6, 512, 8, 8)
    assert [tuple(level.shape) for level in code.side] == [(6, c, n, n) for _, _, n, c in A3_POOLS]


@pytest.mark.parametrize("modality", ["depth", "nir", "segmentation"])
def test_decoder_is_table_a4(modality: str) -> None:
    channels = MODALITIES[modality]
    with torch.device("meta"):
        decoder = SegNetDecoder(channels, PAPER, side="pooling-indices")
    assert _rows(decoder, nn.Conv2d, _code()) == [(a, b, c, d or channels) for a, b, c, d in A4_CONVOLUTIONS]
    assert [row[3] for row in _rows(decoder, nn.BatchNorm2d, _code())] == A4_NORMS_READ
    assert [row[:2] for row in _rows(decoder, nn.Sequential, _code())] == [(c, d) for _, _, c, d in A4_UNPOOLS]
    kernels = {(m.kernel_size, m.stride) for m in decoder.modules() if isinstance(m, nn.Conv2d)}
    assert kernels == {((3, 3), (1, 1))}


def test_image_decoder_is_table_a5() -> None:
    with torch.device("meta"):
        decoder = SegNetImageDecoder(3, PAPER)
    # Up-sampling, which the table lacks, stands before each convolution.
    assert _rows(decoder, nn.Conv2d, _code()) == [(2 * a, b, c, d) for a, b, c, d in A5_CONVOLUTIONS]
    assert [row[3] for row in _rows(decoder, nn.BatchNorm2d, _code())] == A5_NORMS
    with torch.device("meta"):
        ablation = SegNetImageDecoder(3, PAPER, side="pooling-indices")
    assert ablation(_code()).shape == (6, 3, 256, 256)


def test_discriminator_is_table_a6() -> None:
    with torch.device("meta"):
        discriminator = SegNetDiscriminator(3)
        images = torch.empty(6, 3, 256, 256)
    assert _rows(discriminator, nn.Conv2d, images) == A6_CONVOLUTIONS
    assert [row[3] for row in _rows(discriminator, nn.BatchNorm2d, images)] == [64, 128, 256, 512]
    kernels = [(m.kernel_size, m.stride) for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert kernels == [((5, 5), (2, 2))] * 4 + [((1, 1), (1, 1))]


def test_parameters_at_paper_size() -> None:
    with torch.device("meta"):
        encoders = [SegNetEncoder(c, PAPER, side="none") for c in (3, 1, 14)]
        decoders = [SegNetDecoder(c, PAPER, side="pooling-indices") for c in (1, 14)]
        image_decoder = SegNetImageDecoder(3, PAPER)
    assert [_parameters(encoder) for encoder in encoders] == [14_714_688, 14_713_536, 14_721_024]
    assert [_parameters(decoder) for decoder in decoders] == [14_713_025, 14_720_526]
    assert _parameters(image_decoder) == 3_910_275


@pytest.mark.parametrize("side", ["none", "skip", "pooling-indices"])
@pytest.mark.parametrize("kind", [SegNetDecoder, SegNetImageDecoder])
def test_side_information(kind: type[SegNetDecoder], side: SideInformation) -> None:
    torch.manual_seed(0)
    encoder = SegNetEncoder(3, SMALL, side=side)
    decoder = kind(5, SMALL, side=side)
    code = encoder(torch.randn(2, 3, 16, 24))
    assert len(code.side) == (0 if side == "none" else 3)
    raw = decoder(code)
    assert raw.shape == (2, 5, 16, 24)
    raw.square().mean().backward()
    for network in (encoder, decoder):
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    if side != "none":
        other = encoder(torch.randn(2, 3, 16, 24)).side
        assert not torch.allclose(decoder(Code(code.latent, other)), raw, atol=1e-3)
        with pytest.raises(ValueError, match=f"needs {side} of 3 levels"):
            decoder(Code(code.latent))


def test_skip_features_are_what_the_encoder_pooled() -> None:
    code = SegNetEncoder(1, SMALL, side="skip")(torch.randn(2, 1, 8, 8))
    assert [tuple(level.shape) for level in code.side] == [(2, 4, 8, 8), (2, 8, 4, 4), (2, 16, 2, 2)]
    assert torch.equal(nn.functional.max_pool2d(code.side[-1], 2), code.latent)


def test_a_decoder_without_side_information_ignores_it() -> None:
    decoder = SegNetDecoder(1, SMALL, side="none").eval()
    code = SegNetEncoder(1, SMALL, side="pooling-indices")(torch.randn(2, 1, 8, 8))
    assert torch.equal(decoder(code), decoder(Code(code.latent)))


def test_autocast_keeps_channels_last_and_bf16() -> None:
    encoder = SegNetEncoder(3, SMALL, side="pooling-indices").to(memory_format=torch.channels_last)
    decoder = SegNetDecoder(2, SMALL, side="pooling-indices").to(memory_format=torch.channels_last)
    seen: list[Tensor] = []
    for level in decoder.levels:
        level.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.autocast("cpu", torch.bfloat16):
        raw = decoder(encoder(torch.randn(2, 3, 16, 16).to(memory_format=torch.channels_last)))
    assert raw.dtype == torch.bfloat16
    assert all(x.dtype == torch.bfloat16 and x.is_contiguous(memory_format=torch.channels_last) for x in seen)


def test_scale_at_initialisation() -> None:
    torch.manual_seed(0)
    size = NetworkSize(width=8)
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    for norm in (True, False):
        encoder = SegNetEncoder(3, size, side="pooling-indices", norm=norm)
        code = encoder(images)
        assert 0.05 < float(code.latent.detach().std()) < 5
        raw = SegNetDecoder(2, size, side="pooling-indices")(code)
        assert 0.01 < float(raw.detach().std()) < 10


@pytest.mark.parametrize(
    ("size", "message"),
    [(NetworkSize(poolings=3, convs=(2, 2)), "3 poolings need"), (NetworkSize(poolings=6), "6 poolings need")],
)
def test_contradictory_sizes(size: NetworkSize, message: str) -> None:
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        SegNetEncoder(3, size, side="none")


def test_images_that_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="8 x 12 pixels do not fit 3 poolings: both sides must be multiples of 8"):
        SegNetEncoder(1, SMALL, side="none")(torch.zeros(1, 1, 8, 12))
