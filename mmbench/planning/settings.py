"""A method's settings and stages for one profile and kind of task: TOML in, frozen dataclasses out.

A method's TOML (or the literals of its card) says what is trained in which stage; an unknown key is an error with a
near match. It holds::

    files = ["pretrained"]          # optional: settings that may name a file of weights instead of a choice
    [settings]                      # defaults; these keys are all the settings there are
    schedule = "thesis"
    [stage]                         # defaults of the method's own switches per stage; likewise
    noise = 0.0
    [choices]                       # optional: all that a setting or switch may be
    side_information = ["none", "skip", "pooling-indices"]
    [ranges]                        # optional: lowest and highest number of a setting or switch; inf: no highest
    noise = [0.0, inf]              # the name of another setting: its value
    [[schedules.thesis]]            # the stages; share = part of the profile's steps
    name = "translate"
    share = 0.5
    lr = 2e-4
    [[when]]                        # overlays, in order; all conditions must hold
    scale = "small"                 # and/or kind = "cross-channel", and/or profile = "smoke"
    settings.x = 1
    stages.translate.lr = 1e-3      # "*" means every stage
    [variants.mmnet-skip]           # named settings of the method
    title = "M&MNets, skip connections"
    settings.side_information = "skip"

Conditions go by the profile's ``scale`` (``small`` or ``paper``), so that they hold for profiles that do not exist yet;
``profile`` is for what one profile alone needs. A stage's ``steps`` is a number or a table by profile, else by scale.

Order of precedence: defaults, overlays, variant, ``--set``; what makes a variant cannot be set otherwise. A stage's
``players`` are ``generator`` and ``discriminator``; the setting ``adversarial = false`` takes the discriminator out of
every stage.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.given.texts import told
from mmbench.given.weights import looks_like_file, unplaced
from mmbench.planning.overrides import own_overrides, pinned_files
from mmbench.planning.profile import KINDS, SCALES, Profile
from mmbench.planning.spec import check_named_limits, check_range, set_at, source_of, spec_of, update, variant_of
from mmbench.plugins.catalog import Card
from mmbench.schedule import Stage
from mmbench.typed import build, convert

STAGE_KEYS = (
    "name", "share", "steps", "observe", "lr", "warmup", "decay", "anneal", "beta1", "weight_decay", "lr_factors",
    "weights", "frozen", "players",
)  # fmt: skip
PLAYERS = ("generator", "discriminator")
CONDITIONS: dict[str, tuple[str, ...]] = {"scale": SCALES, "kind": KINDS, "profile": ()}  # and what they may be
TABLES = ("settings", "stages")
OVERLAY_KEYS = (*CONDITIONS, *TABLES)
# Lowest and highest of a stage's numbers, or of each in a table of them.
LIMITS: dict[str, tuple[float, float]] = {
    "lr": (0, inf), "warmup": (0, inf), "decay": (0, 1), "anneal": (0, 1), "beta1": (0, 0.9999),
    "weight_decay": (0, inf), "lr_factors": (0, inf), "weights": (-inf, inf), "players": (0, inf),
}  # fmt: skip
SHARE = (0.0, 1.0)
STEPS = 10**8  # from which on two stages of a cell would draw alike, see ``training/loop.py``


@dataclass(frozen=True)
class MethodConfig:
    """A method's settings and stages for one profile and kind of task."""

    settings: Mapping[str, Any]
    stages: tuple[Stage, ...]

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)


def resolve(card: Card, profile: Profile, task_kind: str, overrides: Mapping[str, Any]) -> MethodConfig:
    """Settings and stages of a method or variant. Raises UserError naming the file and the unknown key."""
    try:
        return _resolved(card, profile, task_kind, overrides)
    except UserError:
        raise
    except Exception as error:  # the file is anybody's: in the place of a table may stand anything
        raise UserError(f"{source_of(card)}: settings and stages cannot be read ({told(error)})") from error


def _resolved(card: Card, profile: Profile, task_kind: str, overrides: Mapping[str, Any]) -> MethodConfig:
    where, spec, own = source_of(card), spec_of(card), own_overrides(card, pinned_files([card], overrides))
    overlays = [overlay for overlay in spec.get("when", []) if _applies(overlay, profile, task_kind, where)]
    overlays.append(variant_of(card))
    more = variant_of(card).get("when", [])
    overlays += [overlay for overlay in more if _applies(overlay, profile, task_kind, where)]
    settings, choices, ranges = dict(spec.get("settings", {})), spec.get("choices", {}), spec.get("ranges", {})
    for overlay in overlays:
        update(settings, overlay.get("settings", {}), f"{where}: settings", choices, ranges)
    given = {key: unplaced(own[key]) for key in spec.get("files", ()) if looks_like_file(own.get(key))}
    settings |= given  # no choice of those that there are, but a file
    update(
        settings, {k: v for k, v in own.items() if not k.startswith("stage.") and k not in given}, "--set", choices,
        ranges,
    )  # fmt: skip
    check_named_limits(settings, ranges, where)
    schedule = str(settings.get("schedule", "default"))
    if schedule not in spec["schedules"]:
        raise UserError(f"{where}: no schedule named {schedule!r}{did_you_mean(schedule, spec['schedules'])}")
    tables = [copy.deepcopy(dict(stage)) for stage in spec["schedules"][schedule]]
    for overlay in overlays:
        for name, changes in overlay.get("stages", {}).items():
            _change_stages(tables, name, changes, where)
    for key, value in own.items():
        if key.startswith("stage."):
            for table in _set_in_stages(tables, key, value):  # what is wrong there names it, and not the method's file
                _stage(table, 0, 0.0, profile, card, spec, f"--set {key}")
    stages, spent = [], 0.0
    for index, table in enumerate(tables):
        stages.append(_stage(table, index, spent, profile, card, spec, where))
        spent += float(table.get("share", 1.0))
    if settings.get("adversarial") is False:
        stages = [_without_discriminator(stage) for stage in stages]
    return MethodConfig(settings, tuple(stages))


def _applies(overlay: Mapping[str, Any], profile: Profile, task_kind: str, where: str) -> bool:
    """Whether all conditions of a ``[[when]]`` hold. A mistyped condition would hold everywhere: it is refused."""
    for key in overlay:
        if key not in OVERLAY_KEYS:
            raise UserError(f"{where}: [[when]]: unknown key {key!r}{did_you_mean(key, OVERLAY_KEYS)}")
        if key in TABLES and not isinstance(overlay[key], Mapping):
            raise UserError(f"{where}: [[when]]: {key} expects a table, got {overlay[key]!r}")
    actual = {"scale": profile.scale, "kind": task_kind, "profile": profile.name}
    holds = True
    for key, known in CONDITIONS.items():
        wanted = overlay.get(key, [actual[key]])
        wanted = wanted if isinstance(wanted, list | tuple) else [wanted]
        for value in wanted if key in overlay else ():
            if not isinstance(value, str):
                raise UserError(f"{where}: [[when]]: {key} expects a text or a list of texts, got {value!r}")
            if known and value not in known:
                raise UserError(f"{where}: [[when]]: no {key} is named {value!r}{did_you_mean(value, known)}")
        holds = holds and actual[key] in wanted
    return holds


def _set_in_stages(tables: list[dict[str, Any]], key: str, value: Any) -> list[dict[str, Any]]:
    """``--set stage.<name>.<key>=value``; returns the stages of that name.

    Raises UserError for a player or a weight that no stage has.
    """
    _, name, *rest = key.split(".")
    nested: dict[str, Any] = {}
    set_at(nested, rest, value, f"--set {key}")
    players = {player for table in tables for player in table.get("players", PLAYERS)}
    weights = {weight for table in tables for weight in table.get("weights", {})}
    for kind, what, known in (
        ("players", "player", players),
        ("lr_factors", "player", players),
        ("weights", "weight", weights),
    ):
        if rest[0] == kind and len(rest) > 1 and rest[1] not in known:
            raise UserError(f"--set {key}: unknown {what} {rest[1]!r}{did_you_mean(rest[1], known)}")
    return _change_stages(tables, name, nested, f"--set {key}")


def _change_stages(
    tables: list[dict[str, Any]], name: str, changes: Mapping[str, Any], where: str
) -> list[dict[str, Any]]:
    """Change the stages of that name, or all where it is ``*``; returns them."""
    if not isinstance(changes, Mapping):
        raise UserError(f"{where}: stages.{name} expects a table, got {changes!r}")
    meant = [table for table in tables if name in ("*", table["name"])]
    for table in meant:
        for key, value in changes.items():
            old: Any = table.get(key, {} if isinstance(value, Mapping) else value)
            if isinstance(old, Mapping) != isinstance(value, Mapping):
                expected = "a table" if isinstance(old, Mapping) else "a value"
                raise UserError(f"{where}: stage {table['name']!r}: {key} expects {expected}, got {value!r}")
            table[key] = {**old, **value} if isinstance(value, Mapping) else value
    return meant


def _without_discriminator(stage: Stage) -> Stage:
    players = {name: times for name, times in stage.players.items() if name != "discriminator"}
    return dataclasses.replace(stage, players=players)


def _fixed_steps(steps: Any, profile: Profile, where: str) -> Any:
    """A number, or what a table has for the profile, or else for its scale."""
    if not isinstance(steps, Mapping):
        return steps
    for name in (profile.name, profile.scale):
        if name in steps:
            return steps[name]
    raise UserError(f"{where}: steps name neither the profile {profile.name!r} nor the scale {profile.scale!r}")


def _stage(
    table: Mapping[str, Any],
    index: int,
    spent: float,
    profile: Profile,
    card: Card,
    spec: Mapping[str, Any],
    where: str,
) -> Stage:
    """One stage; ``spent`` is the share of the budget that the stages before it take."""
    where = f"{where}: stage {table.get('name', index)!r}"
    options, choices, ranges = spec.get("stage", {}), spec.get("choices", {}), spec.get("ranges", {})
    own = dict(options)
    for key, value in table.items():
        if key not in STAGE_KEYS:
            if key not in options:
                raise UserError(f"{where}: unknown key {key!r}{did_you_mean(key, [*options, *STAGE_KEYS])}")
            update(own, {key: value}, where, choices, ranges)
    plain = {k: v for k, v in table.items() if k in STAGE_KEYS and k not in ("share", "steps", "observe")}
    share = convert(float, table.get("share", 1.0), f"{where}: share")
    check_range("share", share, SHARE, where)
    if table.get("observe"):
        steps, plain = profile.observe_steps, {**plain, "players": {}, "lr": 0.0}
    elif "steps" in table:
        steps = _fixed_steps(table["steps"], profile, where)
    else:
        budgets = {"first": profile.steps, "extra": profile.extra_steps, "full": profile.steps + profile.extra_steps}
        budget = budgets[card.get("BUDGET", "extra" if card.get("PARENT") else "first")]
        steps = round((spent + share) * budget) - round(spent * budget)
    if not isinstance(steps, int) or steps < 1:
        raise UserError(f"{where}: expected at least 1 step, got {steps!r}")
    if steps >= STEPS:
        raise UserError(f"{where}: expected fewer than {STEPS:g} steps, got {steps}")
    players = plain.get("players", {"generator": 1})
    if isinstance(players, Mapping):  # what else stands there is refused by its type
        plain["players"] = {name: times for name, times in players.items() if times}
    made: Stage = build(Stage, {**plain, "index": index, "steps": steps, "options": own}, where)
    for key, limits in LIMITS.items():
        value = getattr(made, key)
        for name, number in value.items() if isinstance(value, Mapping) else [("", value)]:
            check_range(f"{key}.{name}" if name else key, number, limits, where)
    return made
