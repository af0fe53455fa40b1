"""The contract of a report: it builds on whatever results there are, changes none, and says the same again."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from mmbench.contracts import made_up_results
from mmbench.contracts.checks import Check, Held, raised
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card
from mmbench.publishing import latex
from mmbench.publishing.build import build
from mmbench.reporting import Figure, Results, Table

DPI = 30


@dataclass(frozen=True)
class Subject(Held):
    """A report."""

    def build(self, results: Results, published: pd.DataFrame, what: str) -> list[Table | Figure]:
        """What it makes of some results; what it raises breaks the rule."""
        try:
            return build(self.card, results, published)
        except (TypeError, ValueError) as error:
            raise self.broken(f"on {what}: build() {raised(error, self.card.path)}") from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plug-in is anybody's code
            raise self.broken(
                f"on {what}: build() {raised(error, self.card.path)}; leave out what is not as expected"
            ) from error


def checks_of(card: Card) -> tuple[Check, ...]:
    """The checks of a report."""
    subject = Subject(card)
    made = {
        "no results": made_up_results.empty,
        "one row": made_up_results.single,
        "a table": made_up_results.table,
        "damaged results": made_up_results.damaged,
    }
    return (
        Check("function", "there is build(results, published)", partial(check_function, subject), vital=True),
        *(Check(what, f"builds on {what}", partial(check_builds, subject, make, what)) for what, make in made.items()),
        Check("unchanged", "results and published numbers stay as they are", partial(check_unchanged, subject)),
        Check("again", "makes the same of the same results", partial(check_again, subject)),
        Check("published", "does without the papers' numbers", partial(check_unpublished, subject)),
    )


def published() -> pd.DataFrame:
    """The papers' numbers."""
    made: pd.DataFrame = importlib.import_module("mmbench.reports.published").load()
    return made


def check_function(subject: Subject) -> None:
    """It can be imported, and has the function that its card names."""
    catalog.load(subject.card, subject.card.get("FUNCTION", "build"))


def check_builds(subject: Subject, make: Callable[[], Results], what: str) -> None:
    """A list of tables and figures, each with a name of its own, that can be shown."""
    for item in subject.build(replace(make(), kept={}), published(), what):
        try:
            shown(item)
        except Exception as error:
            kind = type(item).__name__.lower()
            reason = f"{kind} {item.name!r} cannot be written: {raised(error, subject.card.path)}"
            raise subject.broken(f"on {what}: {reason}") from error


def check_unchanged(subject: Subject) -> None:
    """Other reports are handed the same."""
    function = catalog.load(subject.card, subject.card.get("FUNCTION", "build"))
    for make in (made_up_results.single, made_up_results.table):
        results, numbers = replace(make(), kept={}), published()
        rows, facts = results.rows.copy(), copy.deepcopy(results.cells)
        try:
            function(results, numbers)
        except Exception:
            continue  # said by another check
        for frame, before, name in ((results.rows, rows, "results.rows"), (numbers, published(), "published")):
            subject.demand(frame.equals(before), f"build() changes {name} in place: work on a copy ({name}.copy())")
        subject.demand(results.cells == facts, "build() changes results.cells in place: work on a copy")


def check_again(subject: Subject) -> None:
    """Nothing depends on the time, on chance or on an earlier call."""
    first, second = (
        [shown(item) for item in subject.build(replace(made_up_results.table(), kept={}), published(), "a table")]
        for _ in range(2)
    )
    subject.demand(first == second, "builds something else of the same results: no dates, no chance, no state")


def check_unpublished(subject: Subject) -> None:
    """The papers print no numbers of most data sets."""
    subject.build(replace(made_up_results.table(), kept={}), pd.DataFrame(), "a table without published numbers")


def shown(item: Table | Figure) -> Any:
    """What is written of it."""
    if isinstance(item, Table):
        return item.name, item.text(), item.csv(), item.markdown(), latex.table(item)
    return item.name, item.title, item.note, item.png(DPI), item.gallery
