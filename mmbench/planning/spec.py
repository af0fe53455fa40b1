"""What a method's TOML (or the literals of its card) says, before any of it is chosen. See ``settings.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.plugins.catalog import Card

Table = Mapping[str, Any]


def spec_of(card: Card) -> dict[str, Any]:
    """Tables ``settings``, ``stage``, ``choices``, ``ranges``, ``schedules``, ``when``, ``variants`` and the list
    ``files``; the first three and ``schedules`` always.
    """
    literals = {
        "settings": card.get("SETTINGS", {}),
        "stage": card.get("STAGE", {}),
        "choices": card.get("CHOICES", {}),
        "ranges": card.get("RANGES", {}),
        "files": card.get("FILES", []),
    }
    spec = dict(card.spec) or literals
    if "schedules" not in spec:
        spec["schedules"] = {"default": card.get("STAGES", [{"name": "train", "share": 1.0, "lr": 2e-4}])}
    return spec


def variant_of(card: Card) -> Table:
    """The variant's own table; empty for the method itself."""
    table: Table = card.spec["variants"][card.variant] if card.variant else {}
    return table


def source_of(card: Card) -> str:
    """The file that the settings stand in, for messages."""
    return str(card.path.with_suffix(".toml") if card.spec else card.path)


def known_keys(card: Card) -> set[str]:
    """What ``--set`` can change of a method: its settings, and ``stage.<name>`` of its stages."""
    spec = spec_of(card)
    stages = {f"stage.{stage['name']}" for schedule in spec["schedules"].values() for stage in schedule}
    return set(spec.get("settings", {})) | stages | {"stage.*"}


def update(target: dict[str, Any], changes: Table, where: str, choices: Table, ranges: Table | None = None) -> None:
    """Change settings in place.

    Raises UserError for an unknown key, another type, a value that is no choice, or a number out of its range.
    """
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
        check_range(key, value, (ranges or {}).get(key, ()), where)
        target[key] = value


def check_range(key: str, value: Any, limits: Sequence[Any], where: str) -> None:
    """Raise UserError where a value is no finite number between limits that are numbers, themselves included.

    See :func:`check_named_limits` for others.
    """
    if not limits or any(isinstance(limit, str) for limit in limits):
        return
    low, high = limits
    if not (isinstance(value, int | float) and -inf < value < inf and low <= value <= high):
        meant = f"a number of at least {low:g}" if low > -inf else "a finite number"
        meant = f"a number from {low:g} to {high:g}" if high < inf else meant
        raise UserError(f"{where}: {key} expects {meant}, got {value!r}")


def check_named_limits(settings: Table, ranges: Table, where: str) -> None:
    """Raise UserError where a setting is not between limits of which one is another setting's value."""
    for key, limits in ranges.items():
        if not any(isinstance(limit, str) for limit in limits):
            continue
        for name in (key, *limits):
            if isinstance(name, str) and not isinstance(settings.get(name), int | float):
                raise UserError(f"{where}: ranges: {name!r} is no number of the settings{did_you_mean(name, settings)}")
        low, high = (settings[limit] if isinstance(limit, str) else limit for limit in limits)
        if not low <= settings[key] <= high:
            said = (f"{limit} ({settings[limit]})" if isinstance(limit, str) else f"{limit:g}" for limit in limits)
            raise UserError(f"{where}: {key} = {settings[key]}: expected {' to '.join(said)}")


def set_at(values: dict[str, Any], path: Sequence[str], value: Any, where: str) -> None:
    """Set what a dotted key names, tables on the way made. Raises UserError where a value is in the way."""
    if not path:
        raise UserError(f"{where}: expected a key behind the stage's name, such as stage.align.lr=1e-4")
    for key in path[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise UserError(f"{where}: {key} is a value and has no keys of its own")
    values[path[-1]] = value
