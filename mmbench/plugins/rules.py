"""What a plug-in's card must be, in one place. A card that breaks a rule is listed with the reason and never used."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping
from typing import Any

from mmbench.errors import did_you_mean
from mmbench.task import Access, TaskKind

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LONGEST = 80  # letters of a name; folders are named by it, with what --set changed behind it
TAKEN = ("all",)  # words of the command line
TASKS: tuple[str, ...] = typing.get_args(TaskKind)
BUDGETS = ("first", "extra", "full")

Rule = Callable[[Any], str]
"""What is wrong with a value, empty where nothing is."""


def problem_of(folder: str, values: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """The first rule that a card breaks, as ``<literal>: <what was expected>``; empty where it keeps all of them.

    Args:
        folder: ``methods``, ``datasets``, ``reports``, ``metrics``, ``launchers``, ``sinks`` or
            ``profiles``.
        values: the card's literals, its NAME among them.
        spec: of a method the TOML beside it.
    """
    if wrong := _name(values["NAME"]):
        return f"NAME {values['NAME']!r:.60}: {wrong}"
    literals = {**COMMON, **LITERALS.get(folder, {})}
    if lacking := [key for key in REQUIRED.get(folder, ("TITLE",)) if key not in values]:
        return f"lacks {', '.join(lacking)}"
    for where, table, rules in (("", values, literals), ("in the TOML, ", spec, SPEC if folder == "methods" else {})):
        for key, rule in rules.items():
            if key in table and (wrong := rule(table[key])):
                return f"{where}{key}: {wrong}, got {table[key]!r:.60}"
    return ""


def expected(what: str, holds: Callable[[Any], bool]) -> Rule:
    """A rule as a test."""
    return lambda value: "" if holds(value) else f"expected {what}"


def list_of(rule: Rule) -> Rule:
    """A rule for each item of a list or a tuple."""

    def check(value: Any) -> str:
        if not isinstance(value, list | tuple):
            return "expected a list"
        return next(filter(None, map(rule, value)), "")

    return check


def table_of(rule: Rule) -> Rule:
    """A rule for each value of a table, whose keys are texts."""

    def check(value: Any) -> str:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            return "expected a table"
        return next(filter(None, map(rule, value.values())), "")

    return check


def one_of(known: typing.Sequence[str]) -> Rule:
    """One of some words."""

    def check(value: Any) -> str:
        return "" if isinstance(value, str) and value in known else f"unknown{did_you_mean(str(value), known)}"

    return check


def _name(value: Any) -> str:
    if not isinstance(value, str):
        return "expected a text"
    if not NAME.fullmatch(value):
        return "expected letters, digits, '.', '_' and '-', a letter or a digit first: folders are named by it"
    if len(value) > LONGEST:
        return f"expected at most {LONGEST} letters, got {len(value)}"
    return "is a word of the command line" if value in TAKEN else ""


def _range(value: Any) -> str:
    """Lowest and highest, or another setting in their place; a range that holds no number would refuse all of them."""
    two = isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_limit, value))
    named = two and any(isinstance(limit, str) for limit in value)
    return "" if named or (two and value[0] <= value[1]) else "expected the lowest and the highest number of each"


def _is_limit(value: Any) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _stage(value: Any) -> str:
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return "expected tables with a name"
    return _anything_by_name(value)


TEXT = expected("a text", lambda value: isinstance(value, str))
WRITTEN = expected("a text that is not empty", lambda value: isinstance(value, str) and bool(value.strip()))
IDENTIFIER = expected("a name of Python's", lambda value: isinstance(value, str) and value.isidentifier())
YES_OR_NO = expected("True or False", lambda value: isinstance(value, bool))
COST = expected("a number above 0", lambda value: isinstance(value, int | float) and 0 < value < float("inf"))
TEXTS = list_of(TEXT)
_anything_by_name = table_of(lambda value: "")
_lists_by_name = table_of(list_of(lambda value: ""))
_tables = list_of(_anything_by_name)

COMMON: dict[str, Rule] = {"TITLE": WRITTEN, "CLASS": IDENTIFIER, "FUNCTION": IDENTIFIER, "CITATION": TEXT}
REQUIRED = {
    "methods": ("TITLE", "CLASS", "ACCESS", "GROUP", "KINDS"),
    "datasets": ("TITLE", "CLASS", "KIND"),
    "metrics": ("TITLE", "KINDS"),
    "launchers": ("TITLE", "CLASS"),
    "sinks": ("TITLE", "CLASS"),
    "profiles": (),
}
LITERALS: dict[str, dict[str, Rule]] = {
    "methods": {
        "ACCESS": one_of([access.value for access in Access]),
        "GROUP": WRITTEN,
        "KINDS": list_of(one_of(TASKS)),
        "PARENT": TEXT,
        "BUDGET": one_of(BUDGETS),
        "COST": COST,
        "IN_ALL": YES_OR_NO,
        "SUITES": TEXTS,
        "SCALES": TEXTS,
        "ROLE": TEXT,
        "SPLITS": YES_OR_NO,
        "SETTINGS": _anything_by_name,
        "STAGE": _anything_by_name,
        "CHOICES": _lists_by_name,
        "RANGES": table_of(_range),
        "FILES": TEXTS,
        "REQUIRES": table_of(TEXT),
        "STAGES": list_of(_stage),
    },
    "datasets": {
        "KIND": one_of(TASKS),
        "NEEDS_ROOT": YES_OR_NO,
        "SOURCE": TEXT,
        "JUDGE": TEXT,
        "SETTINGS": _anything_by_name,
        "CHOICES": _lists_by_name,
        "VARIANTS": table_of(_anything_by_name),
        "SUITES": TEXTS,
        "REMARK": TEXT,
        "DOWNLOADS": list_of(table_of(TEXT)),
        "TERMS": TEXT,
    },
    "metrics": {"KINDS": TEXTS},
    "sinks": {
        "NAME": expected("a name that no folder of a cell has", lambda value: value not in ("checkpoint", "samples")),
        "REQUIRES": table_of(TEXT),
    },
    "profiles": {"TITLE": TEXT},
}
SPEC: dict[str, Rule] = {
    "settings": _anything_by_name,
    "stage": _anything_by_name,
    "choices": _lists_by_name,
    "ranges": table_of(_range),
    "files": TEXTS,
    "schedules": table_of(list_of(_stage)),
    "when": _tables,
    "variants": table_of(_anything_by_name),
    "suites": TEXTS,
}
