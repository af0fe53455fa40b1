"""LPIPS diversity: without a code, with one, and where the network's weights cannot be had."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torchmetrics.functional.image.lpips as lpips
from torch import Tensor, nn

from mmbench.evaluation import diversity as module
from mmbench.evaluation.diversity import SAMPLES, diversity, perceptual_distance
from mmbench.internet import answers

CPU = torch.device("cpu")
SIZE = 32


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing is cached, neither weights nor networks, and nobody answers."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(module, "answers", lambda host: False)
    perceptual_distance.cache_clear()
    yield
    perceptual_distance.cache_clear()


def brighter(*, sample: int) -> Tensor:
    """Two grey images, brighter by a tenth with every sample."""
    return torch.full((2, 3, SIZE, SIZE), -0.5 + 0.1 * sample)


def mean_difference(one: Tensor, two: Tensor) -> Tensor:
    return (one - two).abs().mean()


def test_the_mean_over_pairs_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples 0 to 4: four pairs are one step apart, three two, two three and one four; (4 + 6 + 6 + 4) / 10 steps."""
    assert SAMPLES == 5
    monkeypatch.setattr(module, "perceptual_distance", lambda device: mean_difference)
    assert diversity(brighter) == pytest.approx(0.1 * 2.0)


def test_the_same_image_twice_needs_no_network() -> None:
    assert diversity(lambda *, sample: brighter(sample=0)) == 0.0
    assert diversity(lambda *, sample: brighter(sample=0) + 1e-4 * sample) == 0.0, "no grey level apart"


def test_without_weights_it_is_undefined_after_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert math.isnan(diversity(brighter)) and math.isnan(diversity(brighter))
    (record,) = caplog.records
    assert "no LPIPS" in record.getMessage()


def test_damaged_weights_are_none(tmp_path: Path) -> None:
    weights = tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth"
    weights.parent.mkdir()
    weights.write_bytes(b"PK")
    assert math.isnan(diversity(brighter))


def test_a_silent_host_is_asked_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(address: tuple[str, int], timeout: float) -> None:
        assert address == ("download.pytorch.org", 443) and timeout <= 5
        raise TimeoutError

    monkeypatch.undo()
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("socket.create_connection", connect)
    assert not answers("download.pytorch.org")


def test_small_images_ask_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "perceptual_distance", lambda device: pytest.fail("asked"))
    assert math.isnan(diversity(lambda *, sample: brighter(sample=sample)[..., :16, :16]))


def test_torchmetrics_lpips_is_what_measures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a random AlexNet in the place of ImageNet's: the metric takes our images and says what its function says."""
    trunk = lpips._get_tv_model_features

    def random_trunk(net: str, pretrained: bool = False) -> nn.Module:
        torch.manual_seed(0)
        return trunk(net, pretrained=False)

    monkeypatch.setattr(lpips, "_get_tv_model_features", random_trunk)
    monkeypatch.setattr(module, "answers", lambda host: True)
    draw = torch.Generator().manual_seed(1)
    noise = torch.rand(SAMPLES, 2, 3, 64, 64, generator=draw) * 2 - 1
    expected = [
        lpips.learned_perceptual_image_patch_similarity(noise[i], noise[j], "alex")
        for i in range(SAMPLES)
        for j in range(i + 1, SAMPLES)
    ]
    assert diversity(lambda *, sample: noise[sample]) == pytest.approx(float(torch.stack(expected).mean()), rel=1e-5)
    assert diversity(lambda *, sample: 1.01 * noise[sample, :1, :, :32, :32]) > 0, "enlarged, and cut to [-1, 1]"
