from __future__ import annotations

import logging
from typing import Any

import pytest
import timm
import torch
from mmbench.methods.networks import pretrained
from mmbench.methods.networks.pretrained import load_vgg16
from mmbench.methods.networks.segnet import SegNetEncoder
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import nn

from mmbench.method import NetworkSize


def _encoder(channels: int = 3, size: NetworkSize | None = None, norm: bool = False) -> SegNetEncoder:
    return SegNetEncoder(channels, size or NetworkSize(), side="none", norm=norm)


@pytest.fixture(autouse=True)
def hub_in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "_within_reach", lambda: True)


def test_a_hub_out_of_reach_is_not_asked(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(pretrained, "_within_reach", lambda: False)
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("asked"))
    assert "its hub cannot be reached" in _warned_once(caplog, _encoder())


def test_features_are_timms(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    source = timm.create_model("vgg16", pretrained=False, mlp_ratio=0.01).eval()
    asked: list[tuple[str, dict[str, Any]]] = []

    def create_model(name: str, **options: Any) -> nn.Module:
        asked.append((name, options))
        return source

    monkeypatch.setattr(timm, "create_model", create_model)
    encoder = _encoder()
    assert load_vgg16(encoder)
    assert asked == [("vgg16.tv_in1k", {"pretrained": True})]

    pixels = torch.rand(2, 3, 64, 64)
    mean, std = torch.tensor(IMAGENET_DEFAULT_MEAN), torch.tensor(IMAGENET_DEFAULT_STD)
    normalised = (pixels - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(
            encoder(pixels * 2 - 1).latent, source.get_submodule("features")(normalised), rtol=1e-4, atol=1e-5
        )
    assert {"mean", "std"} <= set(encoder.state_dict())


def _warned_once(caplog: pytest.LogCaptureFixture, encoder: SegNetEncoder) -> str:
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    with caplog.at_level(logging.WARNING):
        assert load_vgg16(encoder) is False
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    return record.getMessage()


def test_no_network_is_a_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def create_model(name: str, **options: Any) -> nn.Module:
        raise OSError("We couldn't connect\nto the hub")

    monkeypatch.setattr(timm, "create_model", create_model)
    assert "vgg16.tv_in1k cannot be had (We couldn't connect to the hub)" in _warned_once(caplog, _encoder())


@pytest.mark.parametrize(
    "encoder",
    [
        _encoder(size=NetworkSize(width=8)),
        _encoder(size=NetworkSize(width=8), norm=True),
        _encoder(1, NetworkSize(4, 3)),
    ],
)
def test_other_sizes_are_a_warning(
    encoder: SegNetEncoder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("nothing may be downloaded"))
    assert "size is not VGG-16's" in _warned_once(caplog, encoder)


def test_batch_norm_is_a_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("nothing may be downloaded"))
    assert "has BatchNorm" in _warned_once(caplog, _encoder(norm=True))
