"""Against a hand-typed copy of the thesis' tables A.7-A.12 (rows: side in, channels in, side out, channels out)."""

from __future__ import annotations

import pytest
import torch
from mmbench.methods.networks.code import Code, SideInformation
from mmbench.methods.networks.residual import (
    Norm,
    PatchDiscriminator,
    ResidualBlock,
    ResidualDecoder,
    ResidualEncoder,
    initialise,
)
from torch import Tensor, nn

from mmbench.method import NetworkSize

PAPER = NetworkSize(poolings=3)
SMALL = NetworkSize(width=4, poolings=2, blocks=2, kernel=3)

Row = tuple[int, int, int, int]

# conv1 of tables A.7 and A.11 takes 3 channels or 1, here 0; RB(IN)4-9 are six blocks of two convolutions.
A7_CONVOLUTIONS: list[Row] = [(128, 0, 128, 64), (64, 64, 64, 128), (32, 128, 32, 256)] + [(16, 256, 16, 256)] * 12
A7_POOLS: list[Row] = [(128, 64, 64, 64), (64, 128, 32, 128), (32, 256, 16, 256)]

# conv3 of tables A.8 and A.12 gives 3 channels or 1, here 0.
A8_CONVOLUTIONS: list[Row] = [(16, 256, 16, 256)] * 12 + [(32, 256, 32, 128), (64, 128, 64, 64), (128, 64, 128, 0)]
A9_CONVOLUTIONS: list[Row] = [
    (128, 3, 64, 64),
    (64, 64, 32, 128),
    (32, 128, 16, 256),
    (16, 256, 8, 512),
    (8, 512, 8, 1),
]


def _rows(network: nn.Module, kind: type[nn.Module], given: Tensor | Code) -> list[Row]:
    rows: list[Row] = []

    def note(_: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        rows.append((inputs[0].shape[2], inputs[0].shape[1], output.shape[2], output.shape[1]))

    for module in network.modules():
        if isinstance(module, kind):
            module.register_forward_hook(note)
    network(given)
    return rows


def _kernels(network: nn.Module) -> list[tuple[int, int, int]]:
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return [(layer.kernel_size[0], layer.stride[0], int(layer.padding[0])) for layer in layers]


@pytest.mark.parametrize("channels", [3, 1])
def test_encoder_is_table_a7(channels: int) -> None:
    with torch.device("meta"):
        encoder = ResidualEncoder(channels, PAPER, side="pooling-indices")
        images = torch.empty(4, channels, 128, 128)
    assert _rows(encoder, nn.Conv2d, images) == [(a, b or channels, c, d) for a, b, c, d in A7_CONVOLUTIONS]
    assert [row[3] for row in _rows(encoder, nn.InstanceNorm2d, images)] == [row[3] for row in A7_CONVOLUTIONS]
    assert _rows(encoder, ResidualBlock, images) == [(16, 256, 16, 256)] * 6
    assert set(_kernels(encoder)) == {(7, 1, 3)}
    code = encoder(images)
    assert code.latent.shape == (4, 256, 16, 16)
    assert [tuple(level.shape) for level in code.side] == [(4, c, n, n) for _, _, n, c in A7_POOLS]


@pytest.mark.parametrize("channels", [3, 1])
def test_decoder_is_table_a8(channels: int) -> None:
    side = [torch.empty(4, c, n, n, dtype=torch.int64, device="meta") for _, _, n, c in A7_POOLS]
    code = Code(torch.empty(4, 256, 16, 16, device="meta"), tuple(side))
    with torch.device("meta"):
        decoder = ResidualDecoder(channels, PAPER, side="pooling-indices")
    assert _rows(decoder, nn.Conv2d, code) == [(a, b, c, d or channels) for a, b, c, d in A8_CONVOLUTIONS]
    assert [row[3] for row in _rows(decoder, nn.InstanceNorm2d, code)] == [row[3] for row in A8_CONVOLUTIONS[:-1]]
    assert set(_kernels(decoder)) == {(7, 1, 3)}


def test_discriminator_is_table_a9() -> None:
    with torch.device("meta"):
        discriminator = PatchDiscriminator(3)
        images = torch.empty(4, 3, 128, 128)
    assert _rows(discriminator, nn.Conv2d, images) == A9_CONVOLUTIONS
    assert _kernels(discriminator) == [(4, 2, 1)] * 4 + [(1, 1, 0)]
    assert len(_rows(discriminator, nn.LeakyReLU, images)) == 4


@pytest.mark.parametrize("norm", ["instance", "none"])
@pytest.mark.parametrize("side", ["none", "skip", "pooling-indices"])
def test_side_information(side: SideInformation, norm: Norm) -> None:
    torch.manual_seed(0)
    encoder = ResidualEncoder(3, SMALL, side=side, norm=norm)
    decoder = ResidualDecoder(1, SMALL, side=side, norm=norm)
    code = encoder(torch.randn(2, 3, 16, 8))
    assert code.latent.shape == (2, 8, 4, 2)
    raw = decoder(code)
    assert raw.shape == (2, 1, 16, 8)
    raw.square().mean().backward()
    for network in (encoder, decoder):
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    if side != "none":
        other = encoder(torch.randn(2, 3, 16, 8)).side
        assert not torch.allclose(decoder(Code(code.latent, other)), raw, atol=1e-4)


def test_a_block_adds_to_its_input() -> None:
    block = ResidualBlock(4, 3, "none")
    nn.init.zeros_(block.layers[-1].get_parameter("weight"))
    nn.init.ones_(block.layers[-1].get_parameter("bias"))
    x = torch.randn(2, 4, 5, 5)
    assert torch.equal(block(x), x + 1)


def test_outputs_are_linear() -> None:
    torch.manual_seed(0)
    decoder = ResidualDecoder(1, SMALL, side="none", norm="none")
    latent = torch.randn(2, 8, 4, 4)
    assert float(decoder(Code(100 * latent)).detach().abs().max()) > 1


@pytest.mark.parametrize("size", [SMALL, NetworkSize(width=32, poolings=3, blocks=4, kernel=7)])
@pytest.mark.parametrize("norm", ["instance", "none"])
def test_scale_at_initialisation(norm: Norm, size: NetworkSize) -> None:
    torch.manual_seed(0)
    encoder = ResidualEncoder(3, size, side="none", norm=norm)
    decoder = ResidualDecoder(3, size, side="none", norm=norm)
    code = encoder(torch.rand(2, 3, 32, 32) * 2 - 1)
    assert 0.1 < float(code.latent.detach().std()) < 10
    assert 0.005 < float(decoder(code).detach().std()) < 10


def test_initialise() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 64, 3)
    initialise(layer)
    assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
    assert layer.bias is not None
    assert not layer.bias.any()


def test_images_that_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        ResidualEncoder(1, SMALL, side="none")(torch.zeros(1, 1, 8, 10))


def test_autocast_keeps_channels_last_and_bf16() -> None:
    encoder = ResidualEncoder(3, SMALL, side="pooling-indices").to(memory_format=torch.channels_last)
    seen: list[Tensor] = []
    for layer in [*encoder.levels, *encoder.blocks]:
        layer.register_forward_hook(lambda _, __, output: seen.append(output))
    with torch.autocast("cpu", torch.bfloat16):
        encoder(torch.randn(2, 3, 16, 16).to(memory_format=torch.channels_last))
    assert all(x.dtype == torch.bfloat16 and x.is_contiguous(memory_format=torch.channels_last) for x in seen)
