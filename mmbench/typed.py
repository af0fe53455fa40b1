"""Frozen dataclasses from what a TOML file holds, and back: types checked, unknown keys refused with the near match."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from mmbench.errors import UserError, did_you_mean


def build(kind: type, values: Mapping[str, Any], where: str) -> Any:
    """A dataclass from a mapping, types checked.

    Raises:
        UserError: an unknown key (with the near match), a missing one, or a value of another type.
    """
    fields = {f.name: f for f in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in fields:
            raise UserError(f"{where}: unknown key {key!r}{did_you_mean(key, fields)}")
    made = {key: convert(hints[key], value, f"{where}: {key}") for key, value in values.items()}
    for name, f in fields.items():
        if name not in made and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise UserError(f"{where}: {name!r} is missing")
    return kind(**made)


def convert(hint: Any, value: Any, where: str) -> Any:
    """A value as a type hint wants it: lists to tuples, whole numbers to floats. Raises UserError where it cannot."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise UserError(f"{where}: expected a table, got {value!r}")
        return build(hint, value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise UserError(f"{where}: expected a list, got {value!r}")
        return tuple(convert(arguments[0], item, where) for item in value)
    if origin is not None:
        if not isinstance(value, Mapping):
            raise UserError(f"{where}: expected a table, got {value!r}")
        return {key: convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if hint is Any:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise UserError(f"{where}: expected {hint.__name__}, got {value!r}")
    return value


def as_dict(config: Any) -> Any:
    """Dataclasses, mappings and tuples as plain JSON-able values, for keys and ``cell.json``."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {f.name: as_dict(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, Mapping):
        return {str(key): as_dict(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [as_dict(value) for value in config]
    return config
