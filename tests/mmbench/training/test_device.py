"""Device and precision: what is chosen, and what a GPU is told beforehand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from mmbench.errors import UserError
from mmbench.training import device


@pytest.fixture
def flags() -> Iterator[None]:
    before = torch.backends.cudnn.benchmark, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.benchmark = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.benchmark, torch.backends.cuda.matmul.allow_tf32 = before


def test_a_gpu_may_time_its_algorithms_and_bf16_its_float32_parts_in_tf32(
    flags: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for precision in ("bf16", "fp32"):
        chosen = device.choose("cuda", precision)
        assert (chosen.device.type, chosen.precision) == ("cuda", precision)
        assert torch.backends.cudnn.benchmark
        assert torch.backends.cuda.matmul.allow_tf32 == (precision == "bf16")


def test_a_cpu_is_told_nothing(flags: None) -> None:
    device.choose("cpu", "bf16")
    assert not torch.backends.cudnn.benchmark and not torch.backends.cuda.matmul.allow_tf32


def test_a_device_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose("auto", "fp32").device.type == "cpu"
    with pytest.raises(UserError, match="no CUDA device is visible"):
        device.choose("cuda")
