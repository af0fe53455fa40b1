"""Run every report over the results of a runs folder."""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Canvas

from mmbench.given.texts import told
from mmbench.plugins import catalog
from mmbench.reporting import Figure, Gallery, Results, Table
from mmbench.store.collect import collect
from mmbench.table import ranges

CELL = re.compile(r"([^/:]+)/([^/:]+)/([^/:]+)/seed-(\w+): (\w+)")  # a note of ``collect``
CELLS_NOTE = (
    "A cell is a method with a seed. done: its numbers are here; stale: made with other code; others: no numbers."
)


def build_reports(
    runs: Path,
    names: Sequence[str] = (),
    dataset: str = "",
    profile: str = "",
    test_ids: Callable[[Mapping[str, Any]], Sequence[str]] | None = None,
) -> tuple[list[Table | Figure], list[str]]:
    """Tables and figures of the named reports (all of them without names, and the cells' states), and notes.

    A report that raises, or returns what none may, gives a note, never an error: it takes down itself only.

    Args:
        dataset, profile: those of this data set, this profile only.
        test_ids: as :class:`Results` has it.

    Raises:
        UserError: an unknown report, or published numbers that are damaged.
    """
    results, notes = collect(runs)
    results = results.of(dataset, profile)
    if test_ids:
        results = replace(results, test_ids=test_ids)
    for value in filter(None, (dataset, profile)):
        notes = [note for note in notes if value in note.split(":")[0].split("/")]
    states = [] if names else cell_tables(results.rows, notes)
    published = importlib.import_module("mmbench.reports.published").load(catalog.cards("methods"))
    made: list[Table | Figure] = []
    cards = catalog.cards("reports")

    @functools.cache
    def made_by(name: str) -> list[Table | Figure]:
        return build(cards[name], replace(results, made_by=made_by), published)

    for card in [catalog.find("reports", name) for name in names] if names else _ordered(cards):
        if card.problem:
            notes.append(f"report {card.name}: cannot be read ({card.problem})")
            continue
        try:
            with _warnings(notes):
                made += made_by(card.name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plug-in is anybody's code, sys.exit() included
            notes.append(f"report {card.name}: {card.path}: {told(error)}")
    return made + states, notes


@contextlib.contextmanager
def _warnings(notes: list[str]) -> Iterator[None]:
    """What a report warns of, such as a damaged file that it leaves out, becomes a note, once."""

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if (line := " ".join(record.getMessage().split())) not in notes:
                notes.append(line)

    handler, logger = Notes(logging.WARNING), logging.getLogger("mmbench.reports")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def build(card: catalog.Card, results: Results, published: pd.DataFrame) -> list[Table | Figure]:
    """What one report makes of the results, of which it gets a copy to itself.

    Raises:
        TypeError, ValueError: it returned something else than a list of tables and figures with names of their own.
        Exception: whatever the report raised.
    """
    function = catalog.load(card, card.get("FUNCTION", "build"))
    # pandas copies what such a copy changes: all of it from version 3 on, before that new and dropped columns and rows.
    made = function(replace(results, rows=results.rows.copy(deep=False)), published.copy(deep=False))
    if not isinstance(made, list):
        raise TypeError(f"returned {type(made).__name__}, expected a list of Table and Figure")
    for number, item in enumerate(made):
        if not isinstance(item, Table | Figure):
            raise TypeError(f"item {number} is a {type(item).__name__}, expected a Table or Figure")
        if not all(isinstance(text, str) for text in (item.name, item.title, item.note)):
            raise TypeError(f"item {number}: expected text as name, title and note")
        if isinstance(item, Table) and not isinstance(item.frame, pd.DataFrame):
            raise TypeError(f"table {item.name!r}: frame is a {type(item.frame).__name__}, expected a DataFrame")
        if isinstance(item, Figure) and not isinstance(item.figure, Canvas):
            raise TypeError(
                f"figure {item.name!r}: expected a figure of matplotlib, got a {type(item.figure).__name__}"
            )
        if isinstance(item, Figure) and not isinstance(item.gallery, Gallery | None):
            raise TypeError(f"figure {item.name!r}: gallery is a {type(item.gallery).__name__}, expected a Gallery")
    names = [item.name for item in made]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"several items are named {repeated[0]!r}, expected a name for each")
    return made


def _ordered(cards: Mapping[str, catalog.Card]) -> list[catalog.Card]:
    """All reports in the order that ``reports/__init__.py`` gives; others follow."""
    order = importlib.import_module("mmbench.reports").ORDER
    return sorted(cards.values(), key=lambda card: order.index(card.name) if card.name in order else len(order))


def cell_tables(rows: pd.DataFrame, notes: Sequence[str]) -> list[Table]:
    """The state of every cell: a table per data set and profile with a row per method and state."""
    identity = ["dataset", "profile", "method", "seed", "state"]
    finished = rows[identity].drop_duplicates().itertuples(index=False, name=None)
    cells = {tuple(map(str, row[:4])): str(row[4]) for row in finished}
    cells |= {match.groups()[:4]: match.group(5) for note in notes if (match := CELL.match(note))}
    states = pd.DataFrame([(*cell, state) for cell, state in sorted(cells.items())], columns=pd.Index(identity))
    tables = []
    for (dataset, profile), part in states.groupby(["dataset", "profile"], sort=True):
        made = [
            {"dataset": dataset, "profile": profile, "method": method, "state": state, "cells": len(seeds),
             "seeds": ranges(list(seeds))}
            for (method, state), seeds in part.groupby(["method", "state"], sort=True)["seed"]
        ]  # fmt: skip
        title = f"Cells: {dataset}, profile {profile}"
        name = f"cells-{dataset}-{profile}"
        tables.append(Table(name, title, pd.DataFrame(made), CELLS_NOTE, hidden=("dataset", "profile")))
    return tables
