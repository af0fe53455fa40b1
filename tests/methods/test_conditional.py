"""DCN and the router: normalization by target and source, what a step trains, and that both learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmbench.methods.networks.conditional import ConditionalNorm, ConditionalTranslator, Wanted
from tiny_learning import build, learn, miou, rooms

from mmbench.method import NetworkSize
from mmbench.task import Translation

CHANNELS = {"rgb": 3, "depth": 1, "labels": 5}


@pytest.mark.parametrize("additive", [False, True])
def test_normalization_is_the_papers_formula(additive: bool) -> None:
    """Per image and channel: gamma (x - mean) / sqrt(var + eps) + beta, of the target or of target plus source."""
    torch.manual_seed(0)
    norm = ConditionalNorm(2, 3, additive=additive)
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter)
    x, sources, targets = torch.randn(2, 2, 4, 6), torch.tensor([0, 1]), torch.tensor([2, 0])
    made = norm(x, sources, targets)
    for image in range(2):
        for channel in range(2):
            gamma = norm.target_scale[targets[image], channel]
            beta = norm.target_shift[targets[image], channel]
            if norm.source_scale is not None and norm.source_shift is not None:
                gamma = gamma + norm.source_scale[sources[image], channel]
                beta = beta + norm.source_shift[sources[image], channel]
            plane = x[image, channel]
            expected = gamma * (plane - plane.mean()) / (plane.var(correction=0) + 1e-5).sqrt() + beta
            torch.testing.assert_close(made[image, channel], expected, rtol=1e-4, atol=1e-5)


def test_a_pass_trains_the_scales_of_its_own_target_alone() -> None:
    torch.manual_seed(0)
    network = ConditionalTranslator(CHANNELS, NetworkSize(4, 2, (1, 1)), side="pooling-indices", additive=False)
    (code,) = network.encode([("rgb", torch.randn(2, 3, 8, 8))])
    (raw,) = network.decode([Wanted(code, "rgb", "depth")])
    assert raw.shape == (2, 1, 8, 8)
    raw.square().sum().backward()
    for layers in network.up:
        for layer in layers:  # type: ignore[attr-defined]
            moved = layer.norm.target_scale.grad.abs().sum(1) > 0
            assert moved.tolist() == [False, True, False]


def test_several_passes_at_once_are_each_alone() -> None:
    torch.manual_seed(0)
    network = ConditionalTranslator(CHANNELS, NetworkSize(4, 2, (2, 1)), side="skip", additive=True)
    images = [("rgb", torch.randn(2, 3, 8, 8)), ("labels", torch.randn(1, 5, 8, 8))]
    first, second = network.encode(images)
    together = network.decode([Wanted(first, "rgb", "labels"), Wanted(second, "labels", "depth")])
    for (name, image), target, made in zip(images, ("labels", "depth"), together, strict=True):
        (code,) = network.encode([(name, image)])
        torch.testing.assert_close(network.decode([Wanted(code, name, target)])[0], made)


@pytest.mark.parametrize(("additive", "extra"), [(False, 0), (True, 48)])
def test_parameters_by_hand(additive: bool, extra: int) -> None:
    """Width 4, two poolings of one convolution: 4 and 8 channels; three modalities of 3 + 1 + 5 channels.

    Stems 9 x (9 x 4) + 3 x 4 = 336, heads 9 x (4 x 9) + 9 = 333. Down: 4 -> 4 and 4 -> 8, 148 + 296, and 2 x (4 + 8) of
    their norms. Up: 8 -> 4 and 4 -> 4, 292 + 148, and scale and shift of three targets, 3 x 2 x (4 + 4),
    and as many of three sources.
    """
    network = ConditionalTranslator(CHANNELS, NetworkSize(4, 2, (1, 1)), side="none", additive=additive)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == 336 + 333 + (148 + 296 + 24) + (292 + 148 + 48) + extra


def test_dcn_learns_the_seen_pairs(bench: Any) -> None:
    task, room, batch = rooms(bench)
    method, stage = build("dcn", task, 250, lr=3e-3, beta1=0.9)
    learn(method, stage, lambda step: batch)
    assert miou(method, room, "rgb") >= 80


def test_the_router_is_taught_to_go_directly(bench: Any) -> None:
    """Depth to labels was never trained as a pair; distilled from what the network makes of RGB, it is learnt."""
    task, room, batch = rooms(bench)
    method, stage = build("router-direct", task, 300, lr=3e-3, beta1=0.9)
    learn(method, stage, lambda step: batch)
    assert miou(method, room, "rgb") >= 80
    assert miou(method, room, "depth") >= 70


def test_rows_of_both_forms(bench: Any) -> None:
    task = bench.dataset.task
    unseen = {(t.inputs, t.output) for t in task.unseen}
    for name, via in (("router-indirect", "rgb"), ("router-direct", None)):
        method, _ = build(name, task, 1)
        rows = [t for t in method.translations() if (t.inputs, t.output) in unseen]
        assert [row.via for row in rows] == [via] * len(unseen)


def test_what_is_distilled_is_the_anchors_translation_without_a_gradient(bench: Any) -> None:
    task, room, batch = rooms(bench)
    method, stage = build("router-direct", task, 1)
    made = [(one.target.name, one.truth) for one in method(batch, stage) if one.loss == "distil"]
    assert {target for target, _ in made} == {"depth", "segmentation"}
    method.eval()
    for target, truth in made:
        assert not truth.requires_grad
        with torch.inference_mode():
            expected = method.translate({"rgb": room["rgb"]}, Translation(("rgb",), target))
        torch.testing.assert_close(truth.float(), expected.float())
