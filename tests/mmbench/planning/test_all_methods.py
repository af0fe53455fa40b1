"""What every method that the catalog finds resolves to."""

from __future__ import annotations

import dataclasses
import json

import pytest

from mmbench.planning import config
from mmbench.planning.spec import spec_of
from mmbench.plugins import catalog

COMPARED = {
    name: card
    for name, card in catalog.cards("methods").items()
    if not card.problem and card.get("ROLE") != "judge" and card.get("IN_ALL", True)
}


@pytest.mark.parametrize("name", COMPARED)
def test_every_method_spends_exactly_its_budget_in_every_profile(name: str) -> None:
    """Baselines and M&MNets must have as many steps: what the tables compare."""
    found = COMPARED[name]
    for profile_name in config.profiles():
        for kind in found["KINDS"]:
            profile = config.profile(profile_name, kind)
            resolved = config.resolve(found, profile, kind, {})
            json.dumps(config.as_dict(resolved))
            trained = sum(stage.steps for stage in resolved.stages if stage.players)
            budgets = {"first": profile.steps, "extra": profile.extra_steps}
            budgets["full"] = sum(budgets.values())
            expected = budgets[found.get("BUDGET", "extra" if found.get("PARENT") else "first")]
            if found["GROUP"] == "oracle":  # what bounds the others from above may cost itself, not them
                assert 0.75 * expected < trained <= expected, f"{profile_name}, {kind}"
            elif found["GROUP"] != "chance":
                assert trained == expected, f"{profile_name}, {kind}"


def test_every_range_is_of_a_number_that_there_is_and_holds_its_default() -> None:
    """A mistyped name would be a range of nothing."""
    ranged = 0
    for name, card in catalog.cards("methods").items():
        spec = spec_of(card)
        defaults = {**spec.get("settings", {}), **spec.get("stage", {})}
        for key, limits in spec.get("ranges", {}).items():
            low, high = (defaults[limit] if isinstance(limit, str) else limit for limit in limits)
            assert low <= defaults[key] <= high, f"{name}: {key}"
            ranged += 1
    assert ranged


@pytest.mark.parametrize(("scale", "kind"), [("paper", "cross-modal"), ("small", "cross-channel")])
def test_without_the_adversarial_term_no_discriminator_is_asked_for(scale: str, kind: str) -> None:
    """A stage that asks for a player without parameters fails in the training loop with a ValueError, minutes later."""
    profile = dataclasses.replace(config.profile("smoke", "cross-modal"), scale=scale)
    for name in ("mmnet", "cascade", "oracle"):
        resolved = config.resolve(catalog.find("methods", name), profile, kind, {"adversarial": False})
        assert not any("discriminator" in stage.players for stage in resolved.stages), name
