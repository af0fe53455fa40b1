"""Instance normalization in both memory formats, against torch's own and against its definition."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from mmbench.methods.networks.layout import InstanceNorm
from torch import Tensor, nn

NCHW, NHWC = torch.contiguous_format, torch.channels_last
FORMATS = [pytest.param(one, id=name) for one, name in ((NCHW, "nchw"), (NHWC, "channels_last"))]
TOLERANCE = {torch.float32: 2e-5, torch.bfloat16: 3e-2}


def _norms(affine: bool) -> tuple[InstanceNorm, nn.InstanceNorm2d]:
    made, theirs = InstanceNorm(6, affine=affine), nn.InstanceNorm2d(6, affine=affine)
    if affine:
        for norm in (made, theirs):
            norm.weight.data = torch.linspace(0.5, 2.0, 6)
            norm.bias.data = torch.linspace(-1.0, 1.0, 6)
    return made, theirs


def _run(norm: nn.Module, x: Tensor, gradient: Tensor) -> list[Tensor]:
    """The output, and the gradients of the input and of scale and shift."""
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    made = norm(x)
    made.backward(gradient)
    assert x.grad is not None
    return [made.detach(), x.grad, *(p.grad for p in norm.parameters() if p.grad is not None)]


def _images(images: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    x, gradient = (torch.randn(images, 6, 9, 10, generator=generator) for _ in range(2))
    return 3.0 * x + torch.arange(6.0).view(1, -1, 1, 1), gradient


@pytest.mark.parametrize("affine", [False, True], ids=["plain", "affine"])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=["fp32", "bf16"])
@pytest.mark.parametrize("layout", FORMATS)
def test_as_torch_computes_it(layout: torch.memory_format, dtype: torch.dtype, affine: bool) -> None:
    made, theirs = _norms(affine)
    x, gradient = (tensor.to(dtype) for tensor in _images(3))
    found = _run(made, x.contiguous(memory_format=layout), gradient.contiguous(memory_format=layout))
    expected = _run(theirs, x, gradient)
    assert found[0].is_contiguous(memory_format=layout)
    assert len(found) == len(expected) == (4 if affine else 2)
    for mine, other in zip(found, expected, strict=True):
        assert mine.dtype == other.dtype
        assert torch.allclose(mine.float(), other.float(), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize(("layout", "gradients"), [*product((NCHW, NHWC), repeat=2)])
def test_as_it_is_defined_for_any_gradient(
    images: int, layout: torch.memory_format, gradients: torch.memory_format
) -> None:
    """torch's own has a wrong gradient for a single image whose gradient is channels-last."""
    x, gradient = _images(images)
    found = _run(InstanceNorm(6), x.contiguous(memory_format=layout), gradient.contiguous(memory_format=gradients))
    double = x.double().requires_grad_()
    variance, mean = torch.var_mean(double, dim=(2, 3), keepdim=True, correction=0)
    defined = (double - mean) / (variance + 1e-5).sqrt()
    defined.backward(gradient.double())
    assert double.grad is not None
    assert torch.allclose(found[0].double(), defined.detach(), atol=2e-5)
    assert torch.allclose(found[1].double(), double.grad, atol=2e-5)


@pytest.mark.parametrize("layout", FORMATS)
def test_under_autocast_it_keeps_the_type_that_torch_keeps(layout: torch.memory_format) -> None:
    x = _images(2)[0].bfloat16().contiguous(memory_format=layout)
    made, theirs = _norms(affine=True)
    with torch.autocast("cpu", torch.bfloat16):
        assert made(x).dtype == theirs(x).dtype
