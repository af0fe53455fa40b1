"""The papers' tables and figures, as ``reports/papers.toml`` lists them: rows, data set, profile. No torch."""

from __future__ import annotations

import csv
import functools
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmbench.errors import UserError, did_you_mean
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card
from mmbench.typed import build

FILE, PUBLISHED = "papers.toml", "published_results.csv"
FIGURE = "-figure-"


@dataclass(frozen=True)
class PaperTable:
    """A table or figure of the papers.

    Attributes:
        title: what it shows.
        dataset: the data set that it was made on, in the form that has the papers' split.
        methods: its rows, variants among them; parents and judges are planned with them.
        report: the report that shows it.
        profile: in which its numbers were made.
        numbers: source and table of its lines in ``published_results.csv``, such as ``thesis 4.4``; a figure has none.
        note: what one should know before comparing.
    """

    title: str
    dataset: str
    methods: tuple[str, ...]
    report: str
    profile: str = "paper"
    numbers: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Download:
    """What is known of a data set's files: their size in words, and paths of which one is in every data root."""

    size: str = ""
    found_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Papers:
    """The whole file."""

    tables: Mapping[str, PaperTable]
    data: Mapping[str, Download] = field(default_factory=dict)


@functools.cache
def papers() -> Papers:
    """All tables and figures by name, such as ``thesis-4.4``, in the papers' order."""
    path = catalog.package_folder("reports") / FILE
    made: Papers = build(Papers, tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    return made


@functools.cache
def printed() -> Mapping[str, int]:
    """How many numbers each table of the papers prints, by source and table, such as ``thesis 4.4``."""
    with (catalog.package_folder("reports") / PUBLISHED).open(encoding="utf-8", newline="") as file:
        return Counter(f"{row.get('source')} {row.get('table')}" for row in csv.DictReader(file))


def find(name: str) -> PaperTable:
    """One of them. Raises UserError with the near match."""
    known = papers().tables
    if name not in known:
        raise UserError(f"no table named {name!r}{did_you_mean(name, known)}; `papers` lists them")
    return known[name]


def published_for() -> tuple[str, ...]:
    """The data sets for which the papers' tables have numbers, in their order."""
    tables = papers().tables.items()
    return tuple(dict.fromkeys(table.dataset for name, table in tables if FIGURE not in name))


def where_to_get(dataset: Card) -> str:
    """``http://... (about 8 GB)``: from where, and how large as far as it is known."""
    size = papers().data.get(dataset.name, Download()).size
    return f"{dataset.get('SOURCE', 'their owners')}{f' ({size})' if size else ''}"


def found_in(dataset: str, root: Path) -> bool | None:
    """Whether the data set's folder is in a data root; None where that cannot be told by a look."""
    known = papers().data.get(dataset, Download())
    return any((root / path).exists() for path in known.found_by) if known.found_by else None
