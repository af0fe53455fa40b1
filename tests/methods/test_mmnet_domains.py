"""M&MNets over domains: N encoders and N decoders, every network trained, and colours that were never paired."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recolouring import COLOURS, NAMES, SIZE, build, check_red_becomes_green, numbered, squares, train

from mmbench.task import Translation


@pytest.mark.parametrize("count", [3, 7, 11])
def test_n_domains_need_n_encoders_and_n_decoders(count: int) -> None:
    roles = list(build("mmnet-domains", numbered(count))[0].networks())
    for kind in ("encoder", "decoder", "discriminator"):
        assert sum(role.startswith(f"{kind}/") for role in roles) == count


def test_every_pair_of_domains_is_translated() -> None:
    method = build("mmnet-domains")[0].eval()
    pairs = {(t.inputs[0], t.output) for t in method.translations()}
    assert pairs == {(a, b) for a in NAMES for b in NAMES if a != b}
    with torch.inference_mode():
        made = method.translate({"red": squares(COLOURS["red"], 0)}, Translation(("red",), "green"))
    assert made.shape == (4, 3, SIZE, SIZE)
    assert made.abs().max() <= 1.0


def test_an_unseen_recolouring_is_learnt_from_seen_ones() -> None:
    """Red to green, while training only had blue with red and blue with green, and no pairs."""
    changes: dict[str, Any] = {"stage.train.lr": 2e-3, "stage.train.steps": 150, "stage.train.anneal": 0.5}
    method, (stage,) = build("mmnet-domains", **changes)
    train(method, stage)
    check_red_becomes_green(method)


def test_the_adversarial_variant_has_no_other_loss() -> None:
    _, (stage,) = build("mmnet-domains-adversarial")
    assert stage.weights == {"gan": 1.0, "cycle": 0.0, "autoencoder": 0.0}
