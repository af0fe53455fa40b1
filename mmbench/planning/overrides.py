"""``--set``: texts in, changes out, each given to what it concerns: a data set, a profile or a method."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.given import weights
from mmbench.planning.profile import NOT_IN_KEY, Profile
from mmbench.planning.spec import known_keys, spec_of, update, variant_of
from mmbench.plugins import catalog, keys
from mmbench.plugins.catalog import Card

PROFILE, DATA = "profile.", "data."
INTEGERS = range(-(2**63), 2**63)  # TOML's

Overrides = Mapping[str, Any]


@dataclass(frozen=True)
class Changes:
    """What of ``--set`` concerns a cell, by the part of its path that bears it; keys as they were typed.

    Attributes:
        dataset: ``data.*``.
        profile: ``profile.*`` that numbers depend on.
        method: settings and stages of the method, and of the parent that its numbers depend on.
    """

    dataset: Overrides = field(default_factory=dict)
    profile: Overrides = field(default_factory=dict)
    method: Overrides = field(default_factory=dict)


def for_role(method: Card, overrides: Overrides) -> Overrides:
    """What of ``--set`` a method is made with: a judge's are the data's and the profile's alone.

    A setting's name may be the judge's too, such as a stage's rate: a judge that changes with what it scores is no
    measure of the change.
    """
    if method.get("ROLE") != "judge":
        return overrides
    return {key: value for key, value in overrides.items() if key.startswith((PROFILE, DATA))}


def changes_of(method: Card, overrides: Overrides) -> Changes:
    """What of ``--set`` concerns the cell of a method; of files their names and digests."""
    of_method = _method_changes(method, for_role(method, overrides))
    of_method = {key: weights.unplaced(value) for key, value in of_method.items()}
    return Changes(dataset_changes(overrides), profile_changes(overrides), of_method)


def dataset_changes(overrides: Overrides) -> dict[str, Any]:
    """What of ``--set`` concerns the data set, keys as they were typed."""
    return {key: value for key, value in overrides.items() if key.startswith(DATA)}


def profile_changes(overrides: Overrides) -> dict[str, Any]:
    """What of ``--set`` concerns the profile and can change a number, keys as they were typed."""
    return {f"{PROFILE}{key}": value for key, value in profile_overrides(overrides).items() if key not in NOT_IN_KEY}


def changed_name(name: str, changed: Overrides) -> str:
    """A name as it stands in the path of a cell: ``mmnet``, or ``mmnet+1f2e3d4c`` where something was changed."""
    return f"{name}+{keys.digest(changed)[:8]}" if changed else name


def parse_overrides(items: Iterable[str]) -> dict[str, Any]:
    """``--set key=value`` items as a dict; values are read as TOML, anything else is text.

    Raises UserError for an item that is none, a key with two values, or a value as :func:`value_of`.
    """
    texts: dict[str, str] = {}
    for item in items:
        key, equals, text = (part.strip() for part in item.partition("="))
        if not equals or not key:
            raise UserError(f"--set {item!r}: expected key=value, such as --set side_information=skip")
        if texts.setdefault(key, text) != text:
            raise UserError(f"--set {key}: stands there as {texts[key]:.40} and as {text:.40}; give it once")
    return {key: value_of(text, f"--set {key}") for key, text in texts.items()}


def value_of(text: str, where: str = "a value") -> Any:
    """A value as TOML has it; anything else is text.

    Args:
        where: what gave it, for messages.

    Raises:
        UserError: a whole number that is none of TOML's, which have 64 bits, or lists in lists too deep to be read.
    """
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
    except RecursionError as error:
        raise UserError(f"{where}: too deeply nested") from error
    except ValueError:  # of thousands of digits
        value = INTEGERS.stop
    if isinstance(value, int) and value not in INTEGERS:
        raise UserError(f"{where}: expected a whole number from {INTEGERS.start} to {INTEGERS.stop - 1}")
    return value


def profile_overrides(overrides: Overrides) -> dict[str, Any]:
    """The overrides that start with ``profile.``, without that prefix."""
    return {key.removeprefix(PROFILE): value for key, value in overrides.items() if key.startswith(PROFILE)}


def data_settings(card: Card, overrides: Overrides) -> dict[str, Any]:
    """A data set's settings: its card's, changed by the overrides that start with ``data.``.

    Raises UserError for an unknown key or value.
    """
    settings = dict(card.get("SETTINGS", {}))
    changes = {key.removeprefix(DATA): value for key, value in dataset_changes(overrides).items()}
    update(settings, changes, f"--set data ({card.name})", card.get("CHOICES", {}))
    return settings


def own_overrides(card: Card, overrides: Overrides) -> dict[str, Any]:
    """The overrides that concern this method: its settings and ``stage.<name>.<key>`` of stages it has.

    A setting that makes a variant what it is, such as the schedule of ``mmnet-pp``, is not among them.
    """
    known = known_keys(card) - set(variant_of(card).get("settings", {}))
    return {key: value for key, value in overrides.items() if ".".join(key.split(".")[:2]) in known}


def pinned_files(chosen: Iterable[Card], overrides: Overrides) -> dict[str, Any]:
    """The overrides with every file of weights that one of the methods may be given by its path and SHA-256.

    Raises UserError where such a file cannot be read or is no state dict.
    """
    files = {key for card in chosen for key in spec_of(card).get("files", ())}
    return {
        key: weights.pinned(value, f"--set {key}") if key in files and weights.looks_like_file(value) else value
        for key, value in overrides.items()
    }


def placed(settings: Mapping[str, Any], overrides: Overrides) -> dict[str, Any]:
    """A method's settings with the places of the files that ``overrides`` name, which its records do not hold."""
    return {
        key: overrides[key] if key in overrides and weights.unplaced(overrides[key]) == value else value
        for key, value in settings.items()
    }


def check_overrides(chosen: Sequence[Card], overrides: Overrides) -> None:
    """Every override must concern a profile or at least one chosen method. Raises UserError with the near match."""
    known = {key for card in chosen for key in known_keys(card)}
    for key, value in overrides.items():
        if key.startswith((PROFILE, DATA)):
            continue
        if ".".join(key.split(".")[:2]) in known:
            if not any(own_overrides(card, {key: value}) for card in chosen):
                names = ", ".join(card.name for card in chosen)
                raise UserError(f"--set {key}: fixed in {names}; choose another method or variant")
            continue
        choices = known | {f"{PROFILE}{f.name}" for f in dataclasses.fields(Profile)}
        raise UserError(f"--set {key}: no chosen method has such a setting{did_you_mean(key, choices)}")


def _method_changes(card: Card, overrides: Overrides) -> dict[str, Any]:
    """A method's own changes and those of its parents: two keys must not share one folder."""
    changed = own_overrides(card, overrides)
    if card.get("PARENT"):
        changed |= _method_changes(catalog.find("methods", card["PARENT"]), overrides)
    return changed
