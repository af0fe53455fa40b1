"""``--set``: what it may say, and whom it concerns."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_up_method import card

from mmbench.errors import UserError
from mmbench.planning import config
from mmbench.planning.overrides import changed_name, changes_of
from mmbench.plugins import catalog

SMOKE = config.profile("smoke", "cross-modal")


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


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["a=1", "b=2", "a=2"], r"^--set a: stands there as 1 and as 2; give it once$"),
        (["a=1", " a = 1.0"], r"^--set a: stands there as 1 and as 1\.0; give it once$"),
        (["x=" + "9" * 5000], f"^--set x: expected a whole number from {-(2**63)} to {2**63 - 1}$"),
        (["x=-9223372036854775809"], "^--set x: expected a whole number from"),
        (["x=" + "[" * 5000], "^--set x: too deeply nested$"),
    ],
)
def test_what_set_cannot_mean_is_a_line_that_names_it(items: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        config.parse_overrides(items)


def test_the_same_twice_is_no_contradiction_and_whole_numbers_have_64_bits() -> None:
    """``--skip-damaged`` is ``--set data.damaged=skip``, which may stand beside it."""
    assert config.parse_overrides(["a=x", "a = x", f"b={2**63 - 1}"]) == {"a": "x", "b": 2**63 - 1}


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
        config.resolve(card, SMOKE, "cross-modal", {key: value})


def test_a_bool_is_no_whole_number() -> None:
    card = catalog.find("methods", "judge-classifier")
    with pytest.raises(UserError, match="input_size expects int"):
        config.resolve(card, SMOKE, "cross-channel", {"input_size": True})


@pytest.mark.parametrize(
    ("method", "key", "value", "expected"),
    [
        ("mmnet-pp", "stage.pseudo-pairs.pseudo_pairs", "targets", "cannot be 'targets' (did you mean 'target'?)"),
        ("mmnet", "family", "segnett", "cannot be 'segnett' (did you mean 'segnet'?)"),
        ("mmnet", "stage.align.weights.segmantation", 5.0, "unknown weight 'segmantation'"),
        ("unit", "stage.train.lr_factors.discriminater", 0.5, "unknown player 'discriminater'"),
    ],
)
def test_a_mistyped_value_gets_the_near_match(method: str, key: str, value: Any, expected: str) -> None:
    with pytest.raises(UserError, match=re.escape(expected)):
        config.resolve(catalog.find("methods", method), SMOKE, "cross-modal", {key: value})


def test_what_makes_a_variant_cannot_be_set_otherwise() -> None:
    pp, plain = (catalog.find("methods", name) for name in ("mmnet-pp", "mmnet"))
    with pytest.raises(UserError, match="fixed in mmnet-pp"):
        config.check_overrides([pp], {"schedule": "cvpr2018"})
    config.check_overrides([pp, plain], {"schedule": "cvpr2018"})
    stages = config.resolve(pp, SMOKE, "cross-modal", {"schedule": "cvpr2018"}).stages
    assert [stage.name for stage in stages] == ["pseudo-pairs", "re-estimate"]


def test_a_change_belongs_to_the_part_of_a_cells_path_that_it_concerns() -> None:
    """Of a child to its parent's as well: two keys must not share a folder. A judge stays what it is."""
    overrides = {"data.nir": True, "profile.steps": 5, "profile.log_every": 1, "stage.joint.lr": 0.5, "zoom": 0.1}
    child, prior, judge = (catalog.find("methods", name) for name in ("mmnet-pp", "prior", "judge-classifier"))
    made = changes_of(child, overrides)
    assert made.dataset == {"data.nir": True}
    assert made.profile == {"profile.steps": 5}, "how often a line is logged changes no number"
    assert made.method == {"stage.joint.lr": 0.5}
    assert changes_of(prior, overrides).method == changes_of(judge, overrides).method == {}
    assert changes_of(judge, overrides).profile == made.profile


def test_a_changed_name_is_the_name_and_eight_digits() -> None:
    assert changed_name("mmnet", {}) == "mmnet"
    assert re.fullmatch(r"mmnet\+[0-9a-f]{8}", changed_name("mmnet", {"x": 1}))
    assert changed_name("mmnet", {"x": 1, "y": 2}) == changed_name("mmnet", {"y": 2, "x": 1})
    assert changed_name("mmnet", {"x": 1}) != changed_name("mmnet", {"x": 2})
