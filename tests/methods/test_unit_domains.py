"""UNIT over domains: a model for every pair, or those of the anchor's pairs and cascades; images are learnt."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recolouring import COLOURS, batches, build, numbered, squares, train

from mmbench.task import Translation


@pytest.mark.parametrize("count", [3, 11])
@pytest.mark.parametrize("of", ["all", "anchor"])
def test_every_direction_of_a_trained_pair_has_its_networks(of: str, count: int) -> None:
    with torch.device("meta"):
        method = build("unit-domains", numbered(count), pairs=of)[0]
    expected = count * (count - 1) if of == "all" else 2 * (count - 1)
    for kind in ("encoder", "generator", "discriminator"):
        assert sum(role.startswith(f"{kind}/") for role in method.networks()) == expected
    rows = method.translations()
    assert len({(row.inputs, row.output) for row in rows}) == len(rows) == count * (count - 1)
    cascaded = {(row.inputs[0], row.output) for row in rows if row.via == "d0"}
    assert cascaded == ({(t.inputs[0], t.output) for t in method.task.unseen} if of == "anchor" else set())


def test_the_two_of_a_pair_share_the_blocks_next_to_the_latent_and_other_pairs_none() -> None:
    roles = build("unit-domains")[0].networks()
    owned = {role: {id(p) for p in network.parameters()} for role, network in roles.items()}
    for kind, shared in (("encoder", 4), ("generator", 4), ("discriminator", 0)):
        one, other, third = (owned[f"{kind}/{name}"] for name in ("blue+red:blue", "blue+red:red", "blue+green:blue"))
        assert len(one & other) == shared, "a residual block: two convolutions with a bias"
        assert not one & third


def test_what_is_not_trained_goes_by_the_anchor() -> None:
    method = build("unit-domains", pairs="anchor")[0].eval()
    roles, image = method.networks(), squares(COLOURS["red"], 0)
    with torch.inference_mode():
        middle = roles["generator/blue+red:blue"](roles["encoder/blue+red:red"](image)).tanh()
        expected = roles["generator/blue+green:green"](roles["encoder/blue+green:blue"](middle)).tanh()
        for via in ("blue", None):
            assert torch.allclose(method.translate({"red": image}, Translation(("red",), "green", via=via)), expected)
    assert not torch.allclose(expected, middle)


def test_the_likelihood_of_colour_images_is_l1() -> None:
    method, (stage,) = build("unit-domains")
    batch = batches(0)
    made = method(batch, stage)
    losses = method.loss("generator", batch, made, stage)
    for name, field in (("likelihood", "own"), ("cycle", "back")):
        parts = [(getattr(one, field).tanh() - batch[one.source][one.source]).abs().mean() for one in made]
        assert losses[name].item() == pytest.approx(torch.stack(parts).sum().item(), rel=1e-5)
    assert len(made) == 6
    assert stage.weights == {"gan": 10.0, "kl": 0.1, "likelihood": 100.0, "cycle_kl": 0.1, "cycle": 100.0}
    assert (stage.lr, stage.beta1) == (1e-4, 0.5)


def test_every_model_learns_its_images() -> None:
    """The likelihood of each domain in each of its pairs; that translations are learnt shows ``unit`` itself."""
    changes: dict[str, Any] = {"stage.train.lr": 2e-3, "stage.train.steps": 40}
    method, (stage,) = build("unit-domains", profile="smoke", **changes)

    def likelihoods() -> list[float]:
        torch.manual_seed(0)
        batch = batches(10**6)
        return [method.loss("generator", batch, [one], stage)["likelihood"].item() for one in method(batch, stage)]

    before = likelihoods()
    train(method, stage)
    assert all(now < 0.8 * old for now, old in zip(likelihoods(), before, strict=True))
