"""Pairwise CycleGANs: N (N - 1) networks, or those of the anchor's pairs and cascades; a pair's colours are learnt."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recolouring import COLOURS, batches, build, check_red_becomes_green, numbered, squares, train

from mmbench.task import Translation


@pytest.mark.parametrize("count", [3, 4, 11])
@pytest.mark.parametrize(("name", "of"), [("cyclegan-domains", "all"), ("cyclegan-anchor", "anchor")])
def test_every_direction_of_a_trained_pair_has_its_networks(name: str, of: str, count: int) -> None:
    with torch.device("meta"):
        roles = list(build(name, numbered(count))[0].networks())
    expected = count * (count - 1) if of == "all" else 2 * (count - 1)
    for kind in ("generator", "discriminator"):
        assert sum(role.startswith(f"{kind}/") for role in roles) == expected
    if of == "anchor":
        assert all("d0" in role.split("/")[1].split("-") for role in roles)
    assert f"generator/d{count - 1}-d0" in roles


@pytest.mark.parametrize("name", ["cyclegan-domains", "cyclegan-anchor"])
def test_every_pair_of_domains_is_translated_once(name: str) -> None:
    method, _ = build(name, ("blue", "red", "green", "grey"))
    rows = method.translations()
    assert len({(row.inputs, row.output) for row in rows}) == len(rows) == 12
    cascaded = {(row.inputs[0], row.output) for row in rows if row.via}
    unseen = {(row.inputs[0], row.output) for row in method.task.unseen}
    assert cascaded == (unseen if name == "cyclegan-anchor" else set())
    assert {row.via for row in rows} <= {None, "blue"}


def test_the_anchor_variant_cascades_through_the_anchors_image() -> None:
    method, _ = build("cyclegan-anchor")
    method.eval()
    image = squares(COLOURS["red"], 0)
    to_anchor, from_anchor = (method.networks()[f"generator/{name}"] for name in ("red-blue", "blue-green"))
    with torch.inference_mode():
        middle = to_anchor(image).tanh()
        expected = from_anchor(middle).tanh()
        assert torch.equal(method.translate({"red": image}, Translation(("red",), "green", via="blue")), expected)
        assert torch.equal(method.translate({"red": image}, Translation(("red",), "green")), expected)
        assert torch.equal(method.translate({"blue": middle}, Translation(("blue",), "green")), expected)
    assert not torch.equal(expected, middle)


def test_a_pair_has_networks_of_its_own_in_both_directions() -> None:
    method, _ = build("cyclegan-domains")
    owners = [{id(p) for p in network.parameters()} for network in method.networks().values()]
    assert sum(map(len, owners)) == len(set().union(*owners))


def test_the_recipe_is_that_of_the_paper() -> None:
    _, (stage,) = build("cyclegan-domains")
    assert stage.weights == {"gan": 1.0, "cycle": 10.0}
    assert (stage.lr, stage.beta1, stage.anneal) == (2e-4, 0.5, 0.5)
    assert stage.players == {"generator": 1, "discriminator": 1}


def test_losses_are_those_of_least_squares_and_the_cycle() -> None:
    method, (stage,) = build("cyclegan-domains")
    batch, pools = batches(0), method.get_submodule("pools")
    made = method(batch, stage)
    gan = cycle = critic = torch.zeros(())
    for one in made:
        judge = method.networks()[f"discriminator/{one.source}-{one.target}"]
        gan = gan + ((judge(one.fake) - 1) ** 2).mean()
        cycle = cycle + (one.back - batch[one.source][one.source]).abs().mean()
        critic = (
            critic + ((judge(batch[one.target][one.target]) - 1) ** 2).mean() / 2 + (judge(one.fake) ** 2).mean() / 2
        )
    losses = method.loss("generator", batch, made, stage)
    assert losses["gan"].item() == pytest.approx(gan.item(), rel=1e-5)
    assert losses["cycle"].item() == pytest.approx(cycle.item(), rel=1e-5)
    assert method.loss("discriminator", batch, made, stage)["gan"].item() == pytest.approx(critic.item(), rel=1e-5)
    filled = {int(pool.get_buffer("filled")) for pool in pools.children()}
    assert filled == {4}, "an empty history shows the fakes themselves"


@pytest.mark.parametrize("name", ["cyclegan-domains", "cyclegan-anchor"])
def test_recolouring_is_learnt_without_pairs(name: str) -> None:
    changes: dict[str, Any] = {"stage.train.lr": 2e-3, "stage.train.steps": 120}
    method, (stage,) = build(name, blocks=1, **changes)
    train(method, stage)
    check_red_becomes_green(method)
