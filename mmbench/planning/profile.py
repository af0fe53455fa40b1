"""Profiles: how large and how long, a TOML file each, found by the catalog like any plug-in. No torch."""

from __future__ import annotations

import copy
import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.modality.augmentation import Augmentation
from mmbench.planning.spec import set_at
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card
from mmbench.schedule import DataLimits, NetworkSize
from mmbench.task import TaskKind
from mmbench.typed import as_dict, build

SCALES = ("small", "paper")
KINDS: tuple[str, ...] = typing.get_args(TaskKind)
RECOLOURED: TaskKind = "cross-modal"
# What a profile holds that no number depends on.
NOT_IN_KEY = ("title", "log_every", "checkpoint_every", "align_every", "step_ms")
MAY_BE_0 = ("network.blocks", "data.train", "data.validation", "data.test")  # of its numbers
MOST = 10**9  # of its numbers: what is meant as "never" fits, and what is made of it by multiplying is finite


@dataclass(frozen=True)
class Profile:
    """How large and how long: one TOML file, named by its stem.

    Attributes:
        name, title: as listed.
        scale: ``small``: methods take what suits few steps of narrow networks; ``paper``: the papers' settings.
        size: image height and width in pixels.
        batch: images per view and step.
        steps: the budget every method shares (stages take shares of it).
        extra_steps: the budget of methods that start from another's finished cell.
        observe_steps: steps of a stage that only observes (BN re-estimation).
        flips: horizontal flips, the same for all modalities of an image.
        augmentation: crops and colours, see :class:`Augmentation`; colours in cross-modal tasks alone.
        network, data: see :class:`NetworkSize` and :class:`DataLimits`.
        evaluate_batch: images per batch in evaluation.
        log_every, checkpoint_every, align_every: steps between log lines, checkpoints, alignment factors.
        step_ms: rough milliseconds per step of mmnet on the hardware the profile is meant for (the plan's estimate).
    """

    name: str
    title: str
    scale: str
    size: int
    batch: int
    steps: int
    extra_steps: int
    observe_steps: int
    flips: bool = True
    augmentation: Augmentation = field(default_factory=Augmentation)
    network: NetworkSize = field(default_factory=NetworkSize)
    data: DataLimits = field(default_factory=DataLimits)
    evaluate_batch: int = 50
    log_every: int = 50
    checkpoint_every: int = 200
    align_every: int = 200
    step_ms: float = 100.0


def profiles() -> dict[str, Card]:
    """Cards of all profiles by name; one that breaks a rule says so as its ``problem``."""
    return {name: _checked(card) for name, card in catalog.cards(catalog.PROFILES).items()}


def profile(name: str, task_kind: str, overrides: Mapping[str, Any] | None = None) -> Profile:
    """Read one profile for one kind of task (its ``[kind.<name>]`` table wins over the rest).

    ``overrides`` are dotted keys such as ``network.width``. Raises UserError for an unknown profile, a key that is
    unknown or missing, or a value that makes no sense.
    """
    card = _checked(catalog.find(catalog.PROFILES, name))
    if card.problem:
        raise UserError(f"profile {name!r} cannot be used: {card.problem}")
    values = _values(card, task_kind)
    if not overrides:
        return _build(name, values, task_kind, str(card.path))
    for key, value in overrides.items():
        if key == "name":
            raise UserError("--set profile.name: a profile's name cannot be changed; choose one with --profile")
        set_at(values, key.split("."), value, f"--set profile.{key}")
    return _build(name, values, task_kind, "--set profile")


def numeric(profile: Profile) -> dict[str, Any]:
    """The part of a profile that numbers depend on.

    Augmentation beside flips came later than keys did: where there is none, it is no part of them.
    """
    without = (*NOT_IN_KEY, *(["augmentation"] if profile.augmentation == Augmentation() else []))
    return {key: value for key, value in as_dict(profile).items() if key not in without}


def _checked(card: Card) -> Card:
    """The card, with the first rule that its file breaks for any kind of task."""
    if card.problem:
        return card
    try:
        for kind in KINDS:
            _build(card.name, _values(card, kind), kind, str(card.path))
    except UserError as error:
        return dataclasses.replace(card, problem=str(error))
    return card


def _values(card: Card, task_kind: str) -> dict[str, Any]:
    values = copy.deepcopy(dict(card.spec))
    if "name" in values:
        raise UserError(f"{card.path}: remove 'name': a profile is named by its file")
    kinds = values.pop("kind", {})
    if not isinstance(kinds, Mapping):
        raise UserError(f"{card.path}: kind: expected tables such as [kind.cross-channel], got {kinds!r}")
    for kind, table in kinds.items():
        if kind not in KINDS:
            raise UserError(f"{card.path}: [kind.{kind}]: unknown kind of task{did_you_mean(kind, KINDS)}")
        if not isinstance(table, Mapping):
            raise UserError(f"{card.path}: kind.{kind}: expected a table, got {table!r}")
    for key, value in kinds.get(task_kind, {}).items():
        old = values.get(key, {})
        merged = isinstance(value, Mapping) and isinstance(old, Mapping)
        values[key] = {**old, **value} if merged else value
    return values


def _build(name: str, values: Mapping[str, Any], task_kind: str, where: str) -> Profile:
    try:
        made: Profile = build(Profile, {"name": name, **values}, where)
    except OverflowError as error:  # a whole number of hundreds of digits where any number is expected
        raise UserError(f"{where}: a number is too large ({error})") from error
    if made.scale not in SCALES:
        raise UserError(f"{where}: scale cannot be {made.scale!r}{did_you_mean(made.scale, SCALES)}")
    for key, value in (*_numbers(made), *_numbers(made.network, "network."), *_numbers(made.data, "data.")):
        if not (value > 0 or (value == 0 and key in MAY_BE_0)):
            raise UserError(f"{where}: {key} expects {'0 or more' if key in MAY_BE_0 else 'more than 0'}, got {value}")
        if value > MOST:
            raise UserError(f"{where}: {key} expects at most {MOST:g}, got {value}")
    if problem := made.augmentation.problem():
        raise UserError(f"{where}: augmentation: {problem}")
    if made.augmentation.recolours and task_kind != RECOLOURED:
        raise UserError(
            f"{where}: augmentation changes colours, which are what {task_kind} tasks are about; put it under "
            f"[kind.{RECOLOURED}.augmentation]"
        )
    return made


def _numbers(part: Profile | NetworkSize | DataLimits, prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a part, those in its lists too, by their keys."""
    for name, value in vars(part).items():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, int | float) and not isinstance(one, bool):
                yield f"{prefix}{name}", one
