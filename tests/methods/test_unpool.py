from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from mmbench.methods.networks.code import Code, join, split
from mmbench.methods.networks.unpool import _place_by_masking, level_widths, pool, side_of, unpool, upsample

from mmbench.method import NetworkSize

LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.fixture
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def _features(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Rounded, so that windows hold ties, and rectified, so that some hold only zeros."""
    return (torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3).round().relu().to(dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(8, 6), (7, 9), (4, 3)])
def test_pool_and_unpool_are_torchs(size: tuple[int, int], dtype: torch.dtype, layout: torch.memory_format) -> None:
    x = _features(2, 3, *size, dtype=dtype).contiguous(memory_format=layout)
    maxima, indices = pool(x)
    expected, expected_indices = F.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(maxima, expected)
    assert torch.equal(indices, expected_indices)

    plane = unpool(maxima, indices, size)
    reference = F.max_unpool2d(expected.float(), expected_indices, (2, 2), output_size=size)
    assert plane.dtype == dtype
    assert torch.equal(plane.float(), reference)
    assert plane.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(8, 6), (7, 9), (4, 3)])
def test_masking_gives_the_same_as_the_cpus_operator(
    size: tuple[int, int], dtype: torch.dtype, layout: torch.memory_format
) -> None:
    maxima, indices = pool(_features(2, 3, *size).contiguous(memory_format=layout))
    values = torch.randn_like(maxima).to(dtype)
    masked, expected = _place_by_masking(values, indices, size), unpool(values, indices, size)
    assert masked.dtype == dtype
    assert torch.equal(masked, expected)
    assert masked.stride() == expected.stride()


def test_masking_passes_over_infinite_values() -> None:
    """Where another value of the window was the largest, 0 stands, not 0 times what is placed."""
    _, indices = pool(torch.arange(16.0).view(1, 1, 4, 4))
    masked = _place_by_masking(torch.full((1, 1, 2, 2), torch.inf), indices, (4, 4))
    assert masked[0, 0].tolist() == [[0.0] * 4, [0.0, torch.inf] * 2] * 2


def test_an_all_zero_window_points_to_its_top_left() -> None:
    _, indices = pool(torch.zeros(1, 1, 4, 4))
    assert indices.flatten().tolist() == [0, 2, 8, 10]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(4, 6), (5, 7)])
def test_gradients(size: tuple[int, int], layout: torch.memory_format) -> None:
    # Distinct values: at a tie the numerical gradient does not exist.
    x = torch.randperm(2 * 2 * size[0] * size[1], generator=torch.Generator().manual_seed(0)).double()
    x = x.view(2, 2, *size).contiguous(memory_format=layout).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: pool(v)[0], (x,))
    maxima, indices = pool(x.detach())
    assert torch.autograd.gradcheck(lambda v: unpool(v, indices, size), (maxima.requires_grad_(),))


def test_indices_of_one_layout_serve_values_of_the_other() -> None:
    maxima, indices = pool(_features(2, 3, 6, 6))
    reference = unpool(maxima, indices, (6, 6))
    other = unpool(maxima.contiguous(memory_format=torch.channels_last), indices, (6, 6))
    assert torch.equal(other, reference)


def test_autocast_and_determinism_are_no_obstacle(deterministic: None) -> None:
    x = _features(2, 4, 8, 8, dtype=torch.bfloat16).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        maxima, indices = pool(x)
        plane = unpool(maxima, indices, (8, 8))
    plane.float().square().sum().backward()
    assert plane.dtype == torch.bfloat16
    assert x.grad is not None
    assert torch.equal(x.grad, 2 * plane)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_cuda_gives_the_same_deterministically(deterministic: None, layout: torch.memory_format) -> None:
    x = _features(2, 4, 10, 7).contiguous(memory_format=layout)
    there = x.cuda().requires_grad_()
    maxima, indices = pool(there)
    plane = unpool(maxima, indices, (10, 7))
    plane.square().sum().backward()
    expected_maxima, expected_indices = pool(x)
    expected = unpool(expected_maxima, expected_indices, (10, 7))
    assert torch.equal(plane.cpu(), expected)
    assert plane.is_contiguous(memory_format=layout)
    assert there.grad is not None
    assert torch.equal(there.grad.cpu(), 2 * expected)


def test_upsample_by_hand() -> None:
    x = torch.tensor([[[[1.0, 2.0]]]])
    nearest = [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    assert upsample(x, "none", None)[0, 0].tolist() == nearest
    skip = torch.full((1, 1, 2, 4), 5.0)
    assert upsample(x, "skip", skip)[0].tolist() == [nearest, [[5.0] * 4] * 2]
    indices = torch.tensor([[[[5, 2]]]])
    assert upsample(x, "pooling-indices", indices)[0, 0].tolist() == [[0.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.0]]


def test_side_of_refuses_a_code_without_side_information() -> None:
    assert side_of(Code(torch.zeros(1), (torch.zeros(1),)), "none", 2) == (None, None)
    with pytest.raises(ValueError, match="needs pooling-indices of 2 levels, the code holds 0"):
        side_of(Code(torch.zeros(1)), "pooling-indices", 2)


def test_split_undoes_join() -> None:
    codes = []
    for images in (1, 3, 2):
        x = torch.randn(images, 2, 4, 4).contiguous(memory_format=torch.channels_last)
        maxima, indices = pool(x)
        codes.append(Code(maxima, (x, indices)))
    together = join(codes)
    assert together.latent.shape[0] == 6
    assert together.side[1].dtype == torch.int64
    for part, code in zip(split(together, [1, 3, 2]), codes, strict=True):
        assert isinstance(part, Code)
        assert torch.equal(part.latent, code.latent)
        assert all(torch.equal(a, b) for a, b in zip(part.side, code.side, strict=True))
    assert [len(part) for part in split(together.latent, [2, 4])] == [2, 4]


def test_join_refuses_codes_of_different_kinds() -> None:
    with pytest.raises(ValueError, match=r"zip\(\)"):
        join([Code(torch.zeros(1, 1)), Code(torch.zeros(1, 1), (torch.zeros(1, 1),))])


def test_level_widths() -> None:
    assert level_widths(NetworkSize()) == (64, 128, 256, 512, 512)
    assert level_widths(NetworkSize(width=24, poolings=3)) == (24, 48, 96)
    with pytest.raises(ValueError, match="at least 1 pooling"):
        level_widths(NetworkSize(poolings=0))
