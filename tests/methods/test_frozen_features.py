"""Frozen features: what the second stage leaves alone, and that a decoder reads features it never saw."""

from __future__ import annotations

from typing import Any

import torch
from tiny_learning import build, learn, miou, rooms, second_stage


def test_a_matched_encoder_speaks_to_the_frozen_decoder(bench: Any) -> None:
    """Eight rooms in both groups: depth's features become those of RGB, from which the decoder knows the labels."""
    task, room, batch = rooms(bench)
    method, decode = build("frozen-features", task, 250, lr=3e-3, beta1=0.9)
    learn(method, decode, lambda step: batch)
    kept = ("encoders.rgb", "decoders")
    before = {name: value.clone() for name, value in method.state_dict().items() if name.startswith(kept)}
    log = learn(method, second_stage("frozen-features", 400, lr=3e-3, beta1=0.9), lambda step: batch)
    assert before and all(torch.equal(method.state_dict()[name], value) for name, value in before.items())
    assert set(log[0]) == {"match"} and log[-1]["match"] < 0.3 * log[0]["match"]
    assert miou(method, room, "depth") >= 60


def test_rows_are_the_unseen_ones_and_those_of_rgb(bench: Any) -> None:
    method, _ = build("frozen-features", bench.dataset.task, 1)
    assert {row.name for row in method.translations()} == {
        "depth -> segmentation", "segmentation -> depth", "rgb -> segmentation", "rgb -> depth",
    }  # fmt: skip
