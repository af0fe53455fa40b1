"""Whether finished cells have the numbers of others: of a reference, on this machine or another."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from mmbench.store.merging import Choice
from mmbench.store.numbers import statistics_of

IDENTITY = ("inputs", "output", "via", "weights", "side_from", "bn", "checkpoint", "selection")
MACHINE = ("device", "gpu", "cpu", "threads", "precision", "system", "packages")  # with the same, results are the same


@dataclass(frozen=True)
class Difference:
    """A number of a cell that is another in the reference; nan where one of the two lacks it."""

    what: str
    value: float
    reference: float


@dataclass(frozen=True)
class Agreement:
    """A cell beside that of a reference.

    Attributes:
        name: ``<dataset>/<profile>/<method>/seed-<n>``.
        numbers: how many of the rows the reference has.
        differences: what is not equal, of the rows and then of the statistics of test images.
        reason: why nothing was compared; empty where it was.
        machine: what tells the machine from that of the reference; empty for the same kind, which gives the same bits.
    """

    name: str
    numbers: int = 0
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    machine: str = ""


def compare(cell: Choice, reference: Choice) -> Agreement:
    """Hold every number of a finished cell's rows, and the statistics of its test images, against the reference's."""
    name, machine = cell.cell.name, _machine(cell.result, reference.result)
    if cell.result.get("key") != reference.result.get("key"):
        keys = f"{cell.result.get('key')}, of the reference {reference.result.get('key')}"
        return Agreement(name, reason=f"other code, settings or data (key {keys})", machine=machine)
    try:
        differing = tuple(chain(_of_rows(cell, reference), _of_images(cell, reference)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        return Agreement(name, reason=f"damaged ({error})", machine=machine)
    return Agreement(name, len(_numbers(reference)), differing, machine=machine)


def _of_rows(cell: Choice, reference: Choice) -> Iterator[Difference]:
    mine, theirs = _numbers(cell), _numbers(reference)
    for what in mine | theirs:
        one, two = mine.get(what, math.nan), theirs.get(what, math.nan)
        if one != two and not (math.isnan(one) and math.isnan(two)):
            yield Difference(what, one, two)


def _numbers(choice: Choice) -> dict[str, float]:
    return {
        f"{_label(row)}: {metric}": math.nan if value is None else float(value)
        for row in choice.result["rows"]
        for metric, value in row["metrics"].items()
    }


def _of_images(cell: Choice, reference: Choice) -> Iterator[Difference]:
    """One for each array that differs, with the first value that does. The reference has none of sweeps."""
    mine, theirs = statistics_of(cell.cell.path), statistics_of(reference.cell.path)
    for name, wanted in theirs.items():
        number, _, metric = name.partition("/")
        what = f"{_label(reference.result['rows'][int(number)])}: statistics of images, {metric}"
        found = mine.get(name)
        if found is None or found.shape != wanted.shape:
            yield Difference(f"{what}, absent or of another shape", math.nan, math.nan)
        elif len(places := np.argwhere((found != wanted) & ~(np.isnan(found) & np.isnan(wanted)))):
            first = tuple(places[0])
            yield Difference(f"{what}, {len(places)} of {wanted.size}", float(found[first]), float(wanted[first]))


def _label(row: Mapping[str, Any]) -> str:
    path = " -> ".join(str(row[part]) for part in ("inputs", "via", "output") if row.get(part))
    return ", ".join([path, *(f"{part} {row[part]}" for part in IDENTITY[3:] if row.get(part))])


def _machine(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    here, there = (about.get("hardware") or {} for about in (mine, theirs))
    return "; ".join(f"{what} {here.get(what)}, of the reference {there.get(what)}" for what in MACHINE
                     if here.get(what) != there.get(what))  # fmt: skip
