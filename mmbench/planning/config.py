"""Profiles, schedules and ``--set``: TOML in, frozen dataclasses out; an unknown key is an error with a near match.

A profile (``mmbench/profiles/*.toml``) says how large and how long; a method's TOML (or the literals of its card) says
what is trained in which stage. A method's TOML holds::

    [settings]                      # defaults; these keys are all the settings there are
    schedule = "thesis"
    [stage]                         # defaults of the method's own switches per stage; likewise
    noise = 0.0
    [choices]                       # optional: all that a setting or switch may be
    side_information = ["none", "skip", "pooling-indices"]
    [[schedules.thesis]]            # the stages; share = part of the profile's steps
    name = "translate"
    share = 0.5
    lr = 2e-4
    [[when]]                        # overlays, in order; all conditions must hold
    profile = ["smoke", "laptop"]   # and/or kind = "cross-channel"
    settings.x = 1
    stages.translate.lr = 1e-3      # "*" means every stage
    [variants.mmnet-skip]           # named settings of the method
    title = "M&MNets, skip connections"
    settings.side_information = "skip"

Order of precedence: defaults, overlays, variant, ``--set``; what makes a variant cannot be set otherwise. A stage's
``players`` are ``generator`` and ``discriminator``; the setting ``adversarial = false`` takes the discriminator out of
every stage.
"""

from __future__ import annotations

import copy
import dataclasses
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.plugins.catalog import Card
from mmbench.schedule import DataLimits, NetworkSize, Stage
from mmbench.typed import as_dict as as_dict
from mmbench.typed import build, convert

STAGE_KEYS = (
    "name", "share", "steps", "observe", "lr", "warmup", "decay", "anneal", "beta1", "weights", "frozen", "players"
)  # fmt: skip
PLAYERS = ("generator", "discriminator")
PROFILE_FOLDER = Path(__file__).parents[1] / "profiles"


@dataclass(frozen=True)
class Profile:
    """How large and how long: one TOML file in ``mmbench/profiles``.

    Attributes:
        name, title: as listed.
        size: image height and width in pixels.
        batch: images per view and step.
        steps: the budget every method shares (stages take shares of it).
        extra_steps: the budget of methods that start from another's finished cell.
        observe_steps: steps of a stage that only observes (BN re-estimation, priors).
        flips: horizontal flips, the same for all modalities of an image.
        network, data: see :class:`NetworkSize` and :class:`DataLimits`.
        evaluate_batch: images per batch in evaluation.
        log_every, checkpoint_every, align_every: steps between log lines, checkpoints, alignment factors.
        step_ms: rough milliseconds per step of mmnet on the hardware the profile is meant for (the plan's estimate).
    """

    name: str
    title: str
    size: int
    batch: int
    steps: int
    extra_steps: int
    observe_steps: int
    flips: bool = True
    network: NetworkSize = field(default_factory=NetworkSize)
    data: DataLimits = field(default_factory=DataLimits)
    evaluate_batch: int = 50
    log_every: int = 50
    checkpoint_every: int = 200
    align_every: int = 200
    step_ms: float = 100.0


@dataclass(frozen=True)
class MethodConfig:
    """A method's settings and stages for one profile and kind of task."""

    settings: Mapping[str, Any]
    stages: tuple[Stage, ...]

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)


def profiles() -> dict[str, Path]:
    """Names and files of the profiles."""
    return {path.stem: path for path in sorted(PROFILE_FOLDER.glob("*.toml"))}


def profile(name: str, task_kind: str, overrides: Mapping[str, Any] | None = None) -> Profile:
    """Read one profile for one kind of task (its ``[kind.<name>]`` table wins over the rest).

    ``overrides`` are dotted keys such as ``network.width``. Raises UserError for an unknown profile or key.
    """
    known = profiles()
    if name not in known:
        raise UserError(f"no profile named {name!r}{did_you_mean(name, known)}")
    with known[name].open("rb") as file:
        values = tomllib.load(file)
    for key, value in values.pop("kind", {}).get(task_kind, {}).items():
        values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
    for key, value in (overrides or {}).items():
        if key == "name":
            raise UserError("--set profile.name: a profile's name cannot be changed; choose one with --profile")
        _set(values, key.split("."), value, f"--set profile.{key}")
    made: Profile = build(Profile, {"name": name, **values}, f"profile {name}")
    for field_name, value in vars(made).items():
        if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
            raise UserError(f"profile {name}: {field_name} expects more than 0, got {value}")
    return made


def parse_overrides(items: Iterable[str]) -> dict[str, Any]:
    """``--set key=value`` items as a dict; values are read as TOML, anything else is text."""
    made: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not key:
            raise UserError(f"--set {item!r}: expected key=value, such as --set side_information=skip")
        try:
            made[key.strip()] = tomllib.loads(f"value = {text.strip()}")["value"]
        except tomllib.TOMLDecodeError:
            made[key.strip()] = text.strip()
    return made


def profile_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides that start with ``profile.``, without that prefix."""
    return {key.removeprefix("profile."): value for key, value in overrides.items() if key.startswith("profile.")}


def data_settings(card: Card, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A data set's settings: its card's, changed by the overrides that start with ``data.``.

    Raises UserError for an unknown key or value.
    """
    settings = dict(card.get("SETTINGS", {}))
    changes = {key.removeprefix("data."): value for key, value in overrides.items() if key.startswith("data.")}
    _update(settings, changes, f"--set data ({card.name})", card.get("CHOICES", {}))
    return settings


def own_overrides(card: Card, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides that concern this method: its settings and ``stage.<name>.<key>`` of stages it has.

    A setting that makes a variant what it is, such as the schedule of ``mmnet-pp``, is not among them.
    """
    known = _known_keys(card) - set(_variant(card).get("settings", {}))
    return {key: value for key, value in overrides.items() if ".".join(key.split(".")[:2]) in known}


def check_overrides(chosen: Sequence[Card], overrides: Mapping[str, Any]) -> None:
    """Every override must concern a profile or at least one chosen method. Raises UserError with the near match."""
    known = {key for card in chosen for key in _known_keys(card)}
    for key, value in overrides.items():
        if key.startswith(("profile.", "data.")):
            continue
        if ".".join(key.split(".")[:2]) in known:
            if not any(own_overrides(card, {key: value}) for card in chosen):
                names = ", ".join(card.name for card in chosen)
                raise UserError(f"--set {key}: that is what makes {names}; name another method or variant")
            continue
        choices = known | {f"profile.{f.name}" for f in dataclasses.fields(Profile)}
        raise UserError(f"--set {key}: no chosen method has such a setting{did_you_mean(key, choices)}")


def resolve(card: Card, profile: Profile, task_kind: str, overrides: Mapping[str, Any]) -> MethodConfig:
    """Settings and stages of a method or variant. Raises UserError naming the file and the unknown key."""
    where = str(card.path.with_suffix(".toml") if card.spec else card.path)
    spec = _spec(card)
    overlays = [o for o in spec.get("when", []) if _applies(o, profile.name, task_kind)]
    overlays.append(_variant(card))
    overlays.extend(o for o in _variant(card).get("when", []) if _applies(o, profile.name, task_kind))
    settings, choices = dict(spec.get("settings", {})), spec.get("choices", {})
    for overlay in overlays:
        _update(settings, overlay.get("settings", {}), f"{where}: settings", choices)
    for key, value in own_overrides(card, overrides).items():
        if not key.startswith("stage."):
            _update(settings, {key: value}, "--set", choices)
    schedule = str(settings.get("schedule", "default"))
    if schedule not in spec["schedules"]:
        raise UserError(f"{where}: no schedule named {schedule!r}{did_you_mean(schedule, spec['schedules'])}")
    tables = [copy.deepcopy(dict(stage)) for stage in spec["schedules"][schedule]]
    options = dict(spec.get("stage", {}))
    for overlay in overlays:
        for name, changes in overlay.get("stages", {}).items():
            _change_stages(tables, name, changes)
    for key, value in own_overrides(card, overrides).items():
        if key.startswith("stage."):
            _, name, *rest = key.split(".")
            nested: dict[str, Any] = {}
            _set(nested, rest, value, f"--set {key}")
            players = {player for table in tables for player in table.get("players", PLAYERS)}
            weights = {name for table in tables for name in table.get("weights", {})}
            for kind, known in (("players", players), ("weights", weights)):
                if rest[0] == kind and len(rest) > 1 and rest[1] not in known:
                    raise UserError(f"--set {key}: unknown {kind[:-1]} {rest[1]!r}{did_you_mean(rest[1], known)}")
            _change_stages(tables, name, nested)
    stages, spent = [], 0.0
    for index, table in enumerate(tables):
        stages.append(_stage(table, index, spent, profile, card, options, choices, where))
        spent += float(table.get("share", 1.0))
    if settings.get("adversarial") is False:
        stages = [_without_discriminator(stage) for stage in stages]
    return MethodConfig(settings, tuple(stages))


def _spec(card: Card) -> dict[str, Any]:
    literals = {
        "settings": card.get("SETTINGS", {}),
        "stage": card.get("STAGE", {}),
        "choices": card.get("CHOICES", {}),
    }
    spec = dict(card.spec) or literals
    if "schedules" not in spec:
        spec["schedules"] = {"default": card.get("STAGES", [{"name": "train", "share": 1.0, "lr": 2e-4}])}
    return spec


def _variant(card: Card) -> Mapping[str, Any]:
    table: Mapping[str, Any] = card.spec["variants"][card.variant] if card.variant else {}
    return table


def _known_keys(card: Card) -> set[str]:
    spec = _spec(card)
    stages = {f"stage.{stage['name']}" for schedule in spec["schedules"].values() for stage in schedule}
    return set(spec.get("settings", {})) | stages | {"stage.*"}


def _applies(overlay: Mapping[str, Any], profile_name: str, task_kind: str) -> bool:
    def holds(key: str, actual: str) -> bool:
        wanted = overlay.get(key, actual)
        return actual in ([wanted] if isinstance(wanted, str) else wanted)

    return holds("profile", profile_name) and holds("kind", task_kind)


def _update(target: dict[str, Any], changes: Mapping[str, Any], where: str, choices: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if key not in target:
            raise UserError(f"{where}: unknown key {key!r}{did_you_mean(key, target)}")
        expected = type(target[key])
        if expected is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
            raise UserError(f"{where}: {key} expects {expected.__name__}, got {value!r}")
        if value not in choices.get(key, [value]):
            raise UserError(f"{where}: {key} cannot be {value!r}{did_you_mean(str(value), choices[key])}")
        target[key] = value


def _change_stages(tables: list[dict[str, Any]], name: str, changes: Mapping[str, Any]) -> None:
    for table in tables:
        if name in ("*", table["name"]):
            for key, value in changes.items():
                old = table.get(key, {} if isinstance(value, Mapping) else value)
                if isinstance(old, Mapping) != isinstance(value, Mapping):
                    raise UserError(
                        f"stage {table['name']!r}: {key} expects {'a table' if old != value else 'a value'}"
                    )
                table[key] = {**old, **value} if isinstance(value, Mapping) else value


def _without_discriminator(stage: Stage) -> Stage:
    players = {name: times for name, times in stage.players.items() if name != "discriminator"}
    return dataclasses.replace(stage, players=players)


def _stage(
    table: Mapping[str, Any],
    index: int,
    spent: float,
    profile: Profile,
    card: Card,
    options: Mapping[str, Any],
    choices: Mapping[str, Any],
    where: str,
) -> Stage:
    """One stage; ``spent`` is the share of the budget that the stages before it take."""
    where = f"{where}: stage {table.get('name', index)!r}"
    own = dict(options)
    for key, value in table.items():
        if key not in STAGE_KEYS:
            if key not in options:
                raise UserError(f"{where}: unknown key {key!r}{did_you_mean(key, [*options, *STAGE_KEYS])}")
            _update(own, {key: value}, where, choices)
    plain = {k: v for k, v in table.items() if k in STAGE_KEYS and k not in ("share", "steps", "observe")}
    if table.get("observe"):
        steps, plain = profile.observe_steps, {**plain, "players": {}, "lr": 0.0}
    elif "steps" in table:
        fixed = table["steps"]
        if isinstance(fixed, Mapping) and profile.name not in fixed:
            raise UserError(f"{where}: steps name no profile {profile.name!r}{did_you_mean(profile.name, fixed)}")
        steps = fixed[profile.name] if isinstance(fixed, Mapping) else fixed
    else:
        budgets = {"first": profile.steps, "extra": profile.extra_steps, "full": profile.steps + profile.extra_steps}
        budget = budgets[card.get("BUDGET", "extra" if card.get("PARENT") else "first")]
        share = convert(float, table.get("share", 1.0), f"{where}: share")
        steps = round((spent + share) * budget) - round(spent * budget)
    if not isinstance(steps, int) or steps < 1:
        raise UserError(f"{where}: expected at least 1 step, got {steps!r}")
    plain["players"] = {name: times for name, times in plain.get("players", {"generator": 1}).items() if times}
    made: Stage = build(Stage, {**plain, "index": index, "steps": steps, "options": own}, where)
    return made


def _set(values: dict[str, Any], path: Sequence[str], value: Any, where: str) -> None:
    if not path:
        raise UserError(f"{where}: expected a key behind the stage's name, such as stage.align.lr=1e-4")
    for key in path[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise UserError(f"{where}: {key} is a value and has no keys of its own")
    values[path[-1]] = value
