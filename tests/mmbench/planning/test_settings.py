"""Settings and stages of a made-up method: precedence, overlays, budgets, and wrong values in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from made_up_method import SPEC, card, resolve

from mmbench.errors import UserError


def test_precedence_is_defaults_overlays_variant_set() -> None:
    assert resolve("paper").settings["side"] == "none"
    assert resolve("smoke").settings["side"] == "overlay"
    assert resolve("smoke", of=card("named")).settings["side"] == "variant"
    assert resolve("smoke", overrides={"side": "set"}).settings["side"] == "set"
    assert resolve("smoke", of=card("named"), overrides={"side": "set"}).settings["side"] == "variant"


def test_a_profile_that_nobody_knows_takes_what_is_for_its_scale() -> None:
    assert resolve("mine", scale="small").settings["side"] == "overlay"
    assert resolve("mine", scale="paper").settings["side"] == "none"
    assert resolve("mine", "cross-channel", scale="small").stages[0].weights["gan"] == 10.0, "laptop's alone"


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"scael": "small"}, r"m\.toml: \[\[when\]\]: unknown key 'scael' \(did you mean 'scale'\?\)"),
        ({"scale": "smal"}, r"m\.toml: \[\[when\]\]: no scale is named 'smal' \(did you mean 'small'\?\)"),
        ({"kind": ["cross-modall"]}, r"no kind is named 'cross-modall' \(did you mean 'cross-modal'\?\)"),
    ],
)
def test_a_mistyped_condition_is_a_line_and_does_not_hold_everywhere(overlay: dict[str, Any], message: str) -> None:
    for spec in ({**SPEC, "when": [overlay]}, {**SPEC, "variants": {"named": {"when": [overlay]}}}):
        with pytest.raises(UserError, match=message):
            resolve("smoke", of=card("named" if "when" in spec["variants"]["named"] else "", spec))


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"settings": 3}, r"^m\.toml: \[\[when\]\]: settings expects a table, got 3"),
        ({"stages": ["x"]}, r"^m\.toml: \[\[when\]\]: stages expects a table, got \['x'\]"),
        ({"stages": {"first": 3}}, r"^m\.toml: stages\.first expects a table, got 3"),
        ({"stages": {"first": {"lr": {"x": 3}}}}, r"^m\.toml: stage 'first': lr expects a value, got {'x': 3}"),
        ({"kind": 5}, r"^m\.toml: \[\[when\]\]: kind expects a text or a list of texts, got 5"),
        ({"profile": [["x"]]}, r"profile expects a text or a list of texts, got \['x'\]"),
        ({"scale": None}, "scale expects a text or a list of texts, got None"),
        ({"stages": {"first": {"players": ["generator"]}}}, r"stage 'first': players: expected a table, got \['gene"),
        ({"stages": {"first": {"players": {"generator": "x"}}}}, "players.generator: expected int, got 'x'"),
        ({"stages": {"second": {"weights": 3}}}, r"^m\.toml: stage 'second': weights: expected a table, got 3"),
        ({"stages": {"second": {"weights": {"rgb": "x"}}}}, r"weights\.rgb: expected float, got 'x'"),
        (3, r"^m\.toml: settings and stages cannot be read \(TypeError: 'int' object is not iterable\)"),
    ],
)
def test_what_stands_in_the_place_of_a_table_is_a_line_that_names_the_file(overlay: Any, message: str) -> None:
    for spec in ({**SPEC, "when": [overlay]}, {**SPEC, "variants": {"named": {"when": [overlay]}}}):
        with pytest.raises(UserError, match=message):
            resolve("smoke", of=card("named" if "when" in spec["variants"]["named"] else "", spec))


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
def test_shares_are_of_the_budget(values: dict[str, Any], budget: int) -> None:
    first, second, _ = resolve("paper", of=card(**values)).stages
    assert (first.steps, second.steps) == (budget // 4, 3 * budget // 4)


def test_steps_can_be_given_per_profile() -> None:
    spec = {"schedules": {"default": [{"name": "count", "lr": 0.0, "steps": {"smoke": 3, "paper": 9}}]}}
    assert resolve("smoke", of=card(spec=spec)).steps == 3
    assert resolve("paper", of=card(spec=spec)).steps == 9


def test_steps_are_those_of_the_profile_or_else_of_its_scale() -> None:
    steps = {"smoke": 3, "small": 5, "short": 7, "paper": 9}
    of = card(spec={"schedules": {"default": [{"name": "count", "lr": 0.0, "steps": steps}]}})
    names = {"smoke": "small", "laptop": "small", "mine": "small", "short": "paper", "paper": "paper", "ours": "paper"}
    assert [resolve(name, of=of, scale=scale).steps for name, scale in names.items()] == [3, 5, 5, 7, 9, 9]
    del steps["small"]
    with pytest.raises(UserError, match="steps name neither the profile 'mine' nor the scale 'small'"):
        resolve("mine", of=of, scale="small")


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
        ({"scale": 4.5}, "--set: scale expects a number from 0 to 4, got 4.5"),
        ({"scale": -1}, "scale expects a number from 0 to 4, got -1.0"),
        ({"scale": float("nan")}, "scale expects a number from 0 to 4, got nan"),
        ({"levels": 0}, "levels expects a number of at least 1, got 0"),
        ({"stage.second.noise": -0.5}, "stage 'second': noise expects a number of at least 0, got -0.5"),
        ({"stage.*.noise": float("inf")}, "stage 'first': noise expects a number of at least 0, got inf"),
        ({"side": 3}, "side expects str, got 3"),
        ({"schedule": "lnog"}, r"no schedule named 'lnog' \(did you mean 'long'\?\)"),
        ({"stage.second.nois": 1.0}, r"stage 'second': unknown key 'nois' \(did you mean 'noise'\?\)"),
        ({"stage.second.noise": "loud"}, "^--set stage.second.noise: stage 'second': noise expects float, got 'loud'"),
        ({"stage.*.lr": "fast"}, r"^--set stage.\*.lr: stage 'first': lr: expected float, got 'fast'"),
        ({"stage.second.weights": 1}, "weights: expected a table, got 1"),
        ({"stage.second.frozen": "encoder/rgb"}, "frozen: expected a list, got 'encoder/rgb'"),
        (
            {"stage.first.share": float("nan")},
            "^--set stage.first.share: .*share expects a number from 0 to 1, got nan",
        ),
        ({"stage.*.share": float("inf")}, "share expects a number from 0 to 1, got inf"),
        ({"stage.look.share": -0.5}, "share expects a number from 0 to 1, got -0.5"),
        ({"stage.first.steps": 10**8}, r"^--set stage.first.steps: .*fewer than 1e\+08 steps, got 100000000"),
        ({"stage.first.lr": float("nan")}, "^--set stage.first.lr: .*lr expects a number of at least 0, got nan"),
        ({"stage.first.warmup": -1}, "warmup expects a number of at least 0, got -1"),
        ({"stage.first.decay": 5}, "decay expects a number from 0 to 1, got 5.0"),
        ({"stage.first.anneal": -0.1}, "anneal expects a number from 0 to 1, got -0.1"),
        ({"stage.first.beta1": 1}, "beta1 expects a number from 0 to 0.9999, got 1.0"),
        ({"stage.first.weight_decay": float("inf")}, "weight_decay expects a number of at least 0, got inf"),
        ({"stage.second.lr_factors.critic": -1}, "lr_factors.critic expects a number of at least 0, got -1.0"),
        ({"stage.second.players.generator": -1}, "^--set stage.second.pl.*players.generator expects .*, got -1"),
        ({"stage.first.weights.gan": float("nan")}, "weights.gan expects a finite number, got nan"),
    ],
)
def test_a_wrong_value_is_a_line_that_names_it(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolve("smoke", overrides=overrides)


def test_the_ends_of_what_a_stage_may_have_are_in_it() -> None:
    lowest = {"warmup": 0, "decay": 0, "anneal": 0, "beta1": 0, "weight_decay": 0, "lr": 0, "weights.gan": -1}
    highest = {"decay": 1, "anneal": 1, "beta1": 0.9999, "share": 1, "steps": 10**8 - 1}
    for changes in (lowest, highest):
        resolve("paper", overrides={f"stage.first.{key}": value for key, value in changes.items()})


@pytest.mark.parametrize(("key", "value"), [("scale", 0.0), ("scale", 4.0), ("levels", 1), ("levels", 10**9)])
def test_the_ends_of_a_range_are_in_it(key: str, value: float) -> None:
    assert resolve("smoke", overrides={key: value}).settings[key] == value


def test_ranges_of_literals_and_of_overlays_hold() -> None:
    literal = card(spec={}, SETTINGS={"x": 1}, RANGES={"x": (0, 1)})
    with pytest.raises(UserError, match="--set: x expects a number from 0 to 1, got 2"):
        resolve("smoke", of=literal, overrides={"x": 2})
    with pytest.raises(UserError, match=r"m\.toml: settings: levels expects a number of at least 1, got 0"):
        resolve("smoke", of=card(spec={**SPEC, "when": [{"settings": {"levels": 0}}]}))


def test_whole_numbers_pass_for_floats() -> None:
    value = resolve("smoke", overrides={"scale": 2}).settings["scale"]
    assert (value, type(value)) == (2.0, float)


def test_an_unknown_key_in_the_toml_names_the_file() -> None:
    spec = {**SPEC, "when": [{"settings": {"sied": "x"}}]}
    with pytest.raises(UserError, match=r"m\.toml: settings: unknown key 'sied' \(did you mean 'side'\?\)"):
        resolve("smoke", of=card(spec=spec))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"levels": 0}, r"m\.toml: levels = 0: expected 1 to scale \(1\.0\)"),
        ({"levels": 3, "scale": 2.5}, r"m\.toml: levels = 3: expected 1 to scale \(2\.5\)"),
        ({"levels": 1, "scale": 4.5}, r"--set: scale expects a number from 0 to 4, got 4\.5"),
        ({"levels": 1, "scale": float("nan")}, "--set: scale expects a number from 0 to 4, got nan"),
    ],
)
def test_a_setting_out_of_its_range_is_a_line(overrides: dict[str, Any], message: str) -> None:
    """Whatever it was changed by; a limit may be another setting."""
    of = card(spec={**SPEC, "ranges": {"levels": [1, "scale"], "scale": [0, 4.0]}})
    assert resolve("smoke", of=of, overrides={"levels": 2, "scale": 2}).settings["levels"] == 2
    with pytest.raises(UserError, match=message):
        resolve("smoke", of=of, overrides=overrides)


@pytest.mark.parametrize("ranges", [{"level": [1, "scale"]}, {"levels": [0, "scael"]}, {"side": [0, "scale"]}])
def test_a_range_of_what_is_no_number_is_a_line(ranges: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"m\.toml: ranges: '(level|scael|side)' is no number of the settings"):
        resolve("smoke", of=card(spec={**SPEC, "ranges": ranges}))
