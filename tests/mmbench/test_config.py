from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from mmbench.errors import UserError
from mmbench.planning import config
from mmbench.planning.config import Profile
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card
from mmbench.schedule import Stage

SPEC: dict[str, Any] = {
    "settings": {"side": "none", "reduction": "mean", "scale": 1.0, "levels": 2, "flag": False, "schedule": "long"},
    "stage": {"noise": 0.0, "mode": "off"},
    "schedules": {
        "long": [
            {"name": "first", "share": 0.25, "lr": 1e-4, "weights": {"rgb": 1.0, "gan": 10.0}},
            {"name": "second", "share": 0.75, "lr": 1e-4, "noise": 0.5, "players": {"generator": 1, "critic": 2}},
            {"name": "look", "observe": True},
        ],
        "short": [{"name": "only", "share": 1.0, "lr": 3e-4}],
    },
    "when": [
        {"profile": ["smoke", "laptop"], "settings": {"side": "overlay"}, "stages": {"*": {"lr": 1e-3}}},
        {"kind": "cross-channel", "settings": {"reduction": "norm"}},
        {
            "profile": "laptop",
            "kind": "cross-channel",
            "stages": {"first": {"weights": {"gan": 0.0}}, "second": {"players": {"critic": 0}}},
        },
    ],
    "variants": {
        "named": {
            "settings": {"side": "variant"},
            "stages": {"second": {"noise": 0.1}},
            "when": [{"profile": "paper", "settings": {"levels": 5}}],
        },
        "other": {"settings": {"schedule": "short"}},
    },
}
SIZES: dict[str, Any] = {
    "title": "", "size": 16, "batch": 2, "steps": 100, "extra_steps": 40, "observe_steps": 7,
}  # fmt: skip


def card(variant: str = "", spec: dict[str, Any] = SPEC, **values: Any) -> Card:
    return Card("m", "methods", Path("m.py"), "m", {"NAME": "m", **values}, spec, variant)


def resolve(
    name: str, kind: str = "cross-modal", overrides: dict[str, Any] | None = None, of: Card | None = None
) -> config.MethodConfig:
    return config.resolve(of or card(), Profile(name, **SIZES), kind, overrides or {})


def test_precedence_is_defaults_overlays_variant_set() -> None:
    assert resolve("paper").settings["side"] == "none"
    assert resolve("smoke").settings["side"] == "overlay"
    assert resolve("smoke", of=card("named")).settings["side"] == "variant"
    assert resolve("smoke", overrides={"side": "set"}).settings["side"] == "set"
    assert resolve("smoke", of=card("named"), overrides={"side": "set"}).settings["side"] == "variant"


def test_an_overlay_applies_where_all_its_conditions_hold() -> None:
    assert resolve("paper", "cross-modal").settings["reduction"] == "mean"
    assert resolve("paper", "cross-channel").settings["reduction"] == "norm"
    assert resolve("smoke", "cross-channel").stages[0].weights["gan"] == 10.0
    assert resolve("laptop", "cross-modal").stages[0].weights["gan"] == 10.0
    assert resolve("laptop", "cross-channel").stages[0].weights["gan"] == 0.0


def test_a_variants_own_overlays_apply_to_it_alone() -> None:
    assert resolve("paper", of=card("named")).settings["levels"] == 5
    assert resolve("smoke", of=card("named")).settings["levels"] == 2
    assert resolve("paper").settings["levels"] == 2


def test_tables_are_merged_and_players_of_zero_steps_left_out() -> None:
    first, second, _ = resolve("laptop", "cross-channel").stages
    assert first.weights == {"rgb": 1.0, "gan": 0.0}
    assert second.players == {"generator": 1}
    assert resolve("paper").stages[1].players == {"generator": 1, "critic": 2}


def test_a_star_means_every_stage_and_observing_stages_have_no_players() -> None:
    first, second, look = resolve("smoke").stages
    assert (first.lr, second.lr) == (1e-3, 1e-3)
    assert (look.lr, look.players, look.steps) == (0.0, {}, 7)


def test_switches_of_a_stage_have_defaults_and_are_set_per_stage() -> None:
    first, second, _ = resolve("paper").stages
    assert first.options == {"noise": 0.0, "mode": "off"}
    assert second.options == {"noise": 0.5, "mode": "off"}
    assert resolve("paper", of=card("named")).stages[1].options["noise"] == 0.1


def test_set_reaches_one_stage() -> None:
    changes = {"stage.second.lr": 5e-5, "stage.second.noise": 1, "stage.first.weights.gan": 2, "stage.first.steps": 3}
    first, second, _ = resolve("smoke", overrides=changes).stages
    assert (first.lr, second.lr) == (1e-3, 5e-5)
    assert second.options["noise"] == 1.0
    assert first.weights == {"rgb": 1.0, "gan": 2.0}
    assert first.steps == 3


def test_resolving_leaves_the_card_as_it_was() -> None:
    before = json.dumps(SPEC)
    resolve("laptop", "cross-channel", {"stage.first.weights.gan": 2.0}, card("named"))
    assert json.dumps(SPEC) == before


@pytest.mark.parametrize(
    ("values", "budget"),
    [({}, 100), ({"BUDGET": "extra"}, 40), ({"BUDGET": "full"}, 140), ({"PARENT": "p"}, 40),
     ({"PARENT": "p", "BUDGET": "full"}, 140)],
)  # fmt: skip
def test_shares_are_of_the_budget(values: dict[str, str], budget: int) -> None:
    first, second, _ = resolve("paper", of=card(**values)).stages
    assert (first.steps, second.steps) == (budget // 4, 3 * budget // 4)


def test_steps_can_be_given_per_profile() -> None:
    spec = {"schedules": {"default": [{"name": "count", "lr": 0.0, "steps": {"smoke": 3, "paper": 9}}]}}
    assert resolve("smoke", of=card(spec=spec)).steps == 3
    assert resolve("paper", of=card(spec=spec)).steps == 9


def test_a_card_without_toml_brings_literals_or_one_stage() -> None:
    plain = resolve("smoke", of=card(spec={}))
    assert [(stage.name, stage.steps) for stage in plain.stages] == [("train", 100)]
    literal = card(spec={}, SETTINGS={"x": 1}, STAGES=[{"name": "a", "lr": 1.0, "steps": 5}])
    assert resolve("smoke", of=literal, overrides={"x": 2}).settings["x"] == 2
    assert resolve("smoke", of=literal).steps == 5


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"scale": "big"}, "scale expects float, got 'big'"),
        ({"levels": 1.5}, "levels expects int, got 1.5"),
        ({"scale": True}, "scale expects float, got True"),
        ({"flag": 1}, "flag expects bool, got 1"),
        ({"side": 3}, "side expects str, got 3"),
        ({"schedule": "lnog"}, r"no schedule named 'lnog' \(did you mean 'long'\?\)"),
        ({"stage.second.nois": 1.0}, r"stage 'second': unknown key 'nois' \(did you mean 'noise'\?\)"),
        ({"stage.second.noise": "loud"}, "noise expects float, got 'loud'"),
        ({"stage.second.lr": "fast"}, "lr: expected float, got 'fast'"),
        ({"stage.second.weights": 1}, "weights: expected a table, got 1"),
        ({"stage.second.frozen": "encoder/rgb"}, "frozen: expected a list, got 'encoder/rgb'"),
    ],
)
def test_a_wrong_value_is_a_line_that_names_it(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolve("smoke", overrides=overrides)


def test_whole_numbers_pass_for_floats() -> None:
    value = resolve("smoke", overrides={"scale": 2}).settings["scale"]
    assert (value, type(value)) == (2.0, float)


def test_an_unknown_key_in_the_toml_names_the_file() -> None:
    spec = {**SPEC, "when": [{"settings": {"sied": "x"}}]}
    with pytest.raises(UserError, match=r"m\.toml: settings: unknown key 'sied' \(did you mean 'side'\?\)"):
        resolve("smoke", of=card(spec=spec))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("sied", "did you mean 'side'"),
        ("stage.frist.lr", "did you mean 'stage.first'"),
        ("profil.steps", "did you mean 'profile.steps'"),
    ],
)
def test_an_override_that_concerns_nobody_is_refused(key: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        config.check_overrides([card()], {key: 1})


def test_each_method_takes_the_overrides_that_concern_it() -> None:
    other = card(spec={"settings": {"x": 1}, "schedules": {"default": []}})
    overrides = {"side": "a", "x": 2, "stage.first.lr": 1.0, "profile.steps": 3}
    config.check_overrides([card(), other], overrides)
    assert config.own_overrides(card(), overrides) == {"side": "a", "stage.first.lr": 1.0}
    assert config.own_overrides(other, overrides) == {"x": 2}
    assert config.profile_overrides(overrides) == {"steps": 3}


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("3.5", 3.5), ("true", True), ("[1, 2]", [1, 2]), ("skip", "skip"), ("'3'", "3"), ("a=b", "a=b"),
     ("pooling-indices", "pooling-indices"), ("", "")],
)  # fmt: skip
def test_values_of_set_are_toml_or_text(text: str, value: Any) -> None:
    parsed = config.parse_overrides([f"key={text}"])
    assert parsed == {"key": value}
    assert type(parsed["key"]) is type(value)


@pytest.mark.parametrize("item", ["key", "=3", ""])
def test_set_without_key_or_value_is_refused(item: str) -> None:
    with pytest.raises(UserError, match="expected key=value"):
        config.parse_overrides([item])


@pytest.mark.parametrize("kind", ["cross-modal", "cross-channel", "cross-domain"])
@pytest.mark.parametrize("name", config.profiles())
def test_every_profile_can_be_read(name: str, kind: str) -> None:
    assert config.profile(name, kind).name == name


def test_a_profiles_table_for_the_kind_of_task_wins_and_set_wins_over_it() -> None:
    """The paper: 256 x 256, batches of 6, 5 poolings; A.3.3: 128 x 128, batches of 4, 3 poolings, width kept."""
    modal, channel = config.profile("paper", "cross-modal"), config.profile("paper", "cross-channel")
    assert (modal.size, modal.batch, modal.network.poolings, modal.network.width) == (256, 6, 5, 64)
    assert (channel.size, channel.batch, channel.network.poolings, channel.network.width) == (128, 4, 3, 64)
    changed = config.profile("paper", "cross-channel", {"network.poolings": 2, "steps": 5})
    assert (changed.network.poolings, changed.network.width, changed.steps) == (2, 64, 5)


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("papper", {}, r"no profile named 'papper' \(did you mean 'paper'\?\)"),
        ("smoke", {"stepps": 3}, r"unknown key 'stepps' \(did you mean 'steps'\?\)"),
        ("smoke", {"network.widht": 3}, r"unknown key 'widht' \(did you mean 'width'\?\)"),
        ("smoke", {"steps": "many"}, "steps: expected int, got 'many'"),
        ("smoke", {"steps": True}, "steps: expected int, got True"),
        ("smoke", {"network.convs": 3}, "convs: expected a list, got 3"),
        ("smoke", {"flips": 1}, "flips: expected bool, got 1"),
    ],
)
def test_a_wrong_profile_is_a_line(name: str, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        config.profile(name, "cross-modal", overrides)


def test_build_names_what_is_missing() -> None:
    with pytest.raises(UserError, match="here: 'size' is missing"):
        config.build(Profile, {"name": "x", "title": ""}, "here")


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


def smoke(**changes: Any) -> config.Profile:
    return dataclasses.replace(config.profile("smoke", "cross-modal"), **changes)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stage.align", 3),
        ("stage.align.lr.x", 1),
        ("stage.align.players", 3),
        ("stage.align.share", "x"),
        ("stage.align.steps", -3),
        ("stage.align.players.critic", 1),
    ],
)
def test_a_malformed_stage_override_is_a_line(key: str, value: Any) -> None:
    card = catalog.find("methods", "mmnet")
    with pytest.raises(UserError):
        config.check_overrides([card], {key: value})
        config.resolve(card, smoke(), "cross-modal", {key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network", 3),
        ("steps.x", 3),
        ("batch", 0),
        ("steps", -4),
        ("size", 0),
        ("evaluate_batch", 0),
        ("log_every", 0),
        ("checkpoint_every", 0),
        ("name", "x"),
    ],
)
def test_a_malformed_profile_override_is_a_line(key: str, value: Any) -> None:
    with pytest.raises(UserError):
        config.profile("smoke", "cross-modal", {key: value})


def test_a_bool_is_no_whole_number() -> None:
    card = catalog.find("methods", "judge-classifier")
    with pytest.raises(UserError, match="input_size expects int"):
        config.resolve(card, smoke(), "cross-channel", {"input_size": True})


@pytest.mark.parametrize(("profile", "kind"), [("paper", "cross-modal"), ("smoke", "cross-channel")])
def test_without_the_adversarial_term_no_discriminator_is_asked_for(profile: str, kind: str) -> None:
    """A stage that asks for a player without parameters fails in train.py with a ValueError, minutes later."""
    for name in ("mmnet", "cascade", "oracle"):
        resolved = config.resolve(catalog.find("methods", name), smoke(name=profile), kind, {"adversarial": False})
        assert not any("discriminator" in stage.players for stage in resolved.stages), name


@pytest.mark.parametrize(
    ("method", "key", "value", "expected"),
    [
        ("mmnet-pp", "stage.pseudo-pairs.pseudo_pairs", "targets", "cannot be 'targets' (did you mean 'target'?)"),
        ("mmnet", "family", "segnett", "cannot be 'segnett' (did you mean 'segnet'?)"),
        ("mmnet", "stage.align.weights.segmantation", 5.0, "unknown weight 'segmantation'"),
    ],
)
def test_a_mistyped_value_gets_the_near_match(method: str, key: str, value: Any, expected: str) -> None:
    with pytest.raises(UserError, match=re.escape(expected)):
        config.resolve(catalog.find("methods", method), smoke(), "cross-modal", {key: value})


def test_what_makes_a_variant_cannot_be_set_otherwise() -> None:
    pp, plain = (catalog.find("methods", name) for name in ("mmnet-pp", "mmnet"))
    with pytest.raises(UserError, match="that is what makes mmnet-pp"):
        config.check_overrides([pp], {"schedule": "cvpr2018"})
    config.check_overrides([pp, plain], {"schedule": "cvpr2018"})
    stages = config.resolve(pp, smoke(), "cross-modal", {"schedule": "cvpr2018"}).stages
    assert [stage.name for stage in stages] == ["pseudo-pairs", "re-estimate"]


def test_the_learning_rate_warms_up_and_falls_by_a_step_or_linearly() -> None:
    step = Stage("train", 0, steps=10, lr=1.0, warmup=2, decay=0.2)
    assert [step.lr_at(i) for i in range(10)] == [0.5, 1.0, 1, 1, 1, 1, 1, 1, 0.1, 0.1]
    linear = Stage("train", 0, steps=10, lr=1.0, anneal=0.5)
    assert [linear.lr_at(i) for i in range(10)] == pytest.approx([1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2])
