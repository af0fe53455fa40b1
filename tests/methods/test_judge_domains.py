"""The judge of domains: small images are enlarged, for training as for judging."""

from __future__ import annotations

import pytest
import torch
from mmbench.datasets.domains import domain_task

from mmbench.method import Context
from mmbench.plugins import catalog
from mmbench.schedule import NetworkSize, Stage


@pytest.mark.parametrize(("size", "expected"), [(16, 2), (32, 2), (64, 4)])
def test_the_last_stage_sees_more_than_a_pixel(size: int, expected: int) -> None:
    card = catalog.find("methods", "judge-domains")
    names = ("blue", "red", "green")
    context = Context(domain_task("colours", names, "blue"), size, NetworkSize(width=4, poolings=2), card["SETTINGS"])
    judge = catalog.load(card, card["CLASS"])(context)
    seen: list[int] = []
    strided = judge.classifier.layer4[0].conv1
    strided.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape[-1]))
    images = torch.rand(2, 3, size, size) * 2 - 1
    logits, labels = judge({name: {name: images} for name in names}, Stage("train", 0, 1, 1e-3))
    assert labels.tolist() == [0, 0, 1, 1, 2, 2] and logits.shape == (6, 3)
    judge.eval()
    with torch.inference_mode():
        assert judge.classify(images).shape == (2, 3)
        assert judge.features(images).shape == (2, 512)
    assert seen == [expected] * 3
