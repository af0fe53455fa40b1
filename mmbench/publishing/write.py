"""Run every report over the results of a runs folder and write what it makes.

Tables as text, Markdown, CSV and LaTeX, figures as PNG and SVG, and all of it as one page, ``report.html``.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from mmbench.plugins import catalog
from mmbench.plugins.metrics import load_metrics
from mmbench.publishing import latex
from mmbench.publishing import page as html
from mmbench.reporting import Figure, Table
from mmbench.store.files import write_bytes
from mmbench.store.frame import Unchanging, distinct, results_frame
from mmbench.table import ranges

PAGE = "report.html"
GENERAL = "All data sets"
CELL = re.compile(r"([^/:]+)/([^/:]+)/([^/:]+)/seed-(\w+): (\w+)")  # a note of ``collect``


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Python's search for unreachable cycles off: a tenth of the time of a report over thousands of cells."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_collector()
def build_reports(
    runs: Path, names: Sequence[str] = (), dataset: str = "", profile: str = ""
) -> tuple[list[Table | Figure], list[str]]:
    """Tables and figures of the named reports (all of them without names, and the cells' states), and notes.

    A report that raises gives a note, never an error: it takes down itself only.
    """
    frame, notes = results_frame(runs)
    frame.attrs["metrics"] = Unchanging(load_metrics().values())
    for column, value in (("dataset", dataset), ("profile", profile)):
        if value:
            frame = frame[frame[column] == value]
            notes = [note for note in notes if value in note.split(":")[0].split("/")]
    states = [] if names else cell_tables(frame, notes)
    published = importlib.import_module("mmbench.reports.published").load()
    made: list[Table | Figure] = []
    for card in [catalog.find("reports", name) for name in names] if names else _ordered():
        if card.problem:
            notes.append(f"report {card.name}: cannot be read ({card.problem})")
            continue
        try:
            made.extend(catalog.load(card, card.get("FUNCTION", "build"))(frame, published))
        except Exception as error:
            notes.append(f"report {card.name}: failed ({type(error).__name__}: {error})")
    return made + states, notes


def _ordered() -> list[catalog.Card]:
    """All reports in the order that ``reports/__init__.py`` gives; others follow."""
    order = importlib.import_module("mmbench.reports").ORDER
    return sorted(
        catalog.cards("reports").values(), key=lambda card: order.index(card.name) if card.name in order else len(order)
    )


def cell_tables(frame: pd.DataFrame, notes: Sequence[str]) -> list[Table]:
    """The state of every cell: a table per data set and profile with a row per method and state."""
    identity = ["dataset", "profile", "method", "seed", "state"]
    finished = distinct(frame[identity]).itertuples(index=False, name=None)
    cells = {tuple(map(str, row[:4])): str(row[4]) for row in finished}
    cells |= {match.groups()[:4]: match.group(5) for note in notes if (match := CELL.match(note))}
    rows = pd.DataFrame([(*cell, state) for cell, state in sorted(cells.items())], columns=pd.Index(identity))
    tables = []
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        made = [
            {"dataset": dataset, "profile": profile, "method": method, "state": state, "cells": len(seeds),
             "seeds": ranges(list(seeds))}
            for (method, state), seeds in part.groupby(["method", "state"], sort=True)["seed"]
        ]  # fmt: skip
        title = f"Cells: {dataset}, profile {profile}"
        name = f"cells-{dataset}-{profile}"
        tables.append(Table(name, title, pd.DataFrame(made), CELLS_NOTE, hidden=("dataset", "profile")))
    return tables


CELLS_NOTE = (
    "A cell is a method with a seed. done: its numbers are here; stale: made with other code; others: no numbers."
)


@_without_collector()
def write_reports(made: Sequence[Table | Figure], notes: Sequence[str], folder: Path) -> list[Path]:
    """Write each table as ``.txt``, ``.md``, ``.csv`` and ``.tex``, each figure as ``.png`` and ``.svg``, and the page.

    What cannot be drawn or written out gives a note. Returns the files, the page last.
    """
    files: list[Path] = []
    notes = list(notes)
    entries: dict[str, list[html.Entry]] = {}
    places = _places(made)
    for name, item in _named(made):
        try:
            contents, body = _rendered(item)
        except Exception as error:
            notes.append(f"{item.name}: cannot be shown ({type(error).__name__}: {error})")
            continue
        written = [folder / f"{name}{ending}" for ending in contents]
        for path, content in zip(written, contents.values(), strict=True):
            write_bytes(path, content)
        files += written
        entry = html.Entry(name, item.title, body, [path.name for path in written])
        entries.setdefault(_place(item, places), []).append(entry)
    if notes:
        files.append(folder / "notes.txt")
        write_bytes(files[-1], _encoded("\n".join(notes) + "\n"))
    sections = {place: entries[place] for place in [GENERAL, *places.values()] if place in entries}
    files.append(folder / PAGE)
    write_bytes(files[-1], _encoded(html.page("Zero-pair image translation: results", _facts(made), sections, notes)))
    return files


def _rendered(item: Table | Figure) -> tuple[dict[str, bytes], str]:
    """File endings with contents, and the fragment of the page."""
    if isinstance(item, Table):
        texts = {".txt": item.text(), ".md": item.markdown(), ".csv": item.csv(), ".tex": latex.table(item)}
        return {ending: _encoded(text) for ending, text in texts.items()}, html.table(item)
    png, svg = item.png(), item.svg()
    return {".png": png, ".svg": svg}, html.figure(item, png, svg)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # a damaged result may hold half of a surrogate pair


def _named(made: Sequence[Table | Figure]) -> list[tuple[str, Table | Figure]]:
    """Each item with a file name of its own; names hold what results say, which may be anything."""
    taken: dict[str, Table | Figure] = {}
    for item in made:
        stem = re.sub(r"[^\w.+^-]", "_", item.name, flags=re.ASCII)[:150].lstrip(".") or "unnamed"
        number = 1
        while (name := stem if number == 1 else f"{stem}-{number}") in taken:
            number += 1
        taken[name] = item
    return list(taken.items())


def _places(made: Sequence[Table | Figure]) -> dict[str, str]:
    """``<dataset>-<profile>`` -> heading of its section, sorted."""
    pairs = set()
    for item in made:
        if isinstance(item, Table) and {"dataset", "profile"} <= set(item.frame):
            pairs |= set(item.frame[["dataset", "profile"]].astype(str).itertuples(index=False, name=None))
    return {f"{dataset}-{profile}": f"{dataset}, profile {profile}" for dataset, profile in sorted(pairs)}


def _place(item: Table | Figure, places: Mapping[str, str]) -> str:
    found = [place for place in places if f"-{place}-" in f"-{item.name}-"]
    return places[max(found, key=len)] if found else GENERAL


def _facts(made: Sequence[Table | Figure]) -> dict[str, str]:
    """What the page was made from, when, and with which code."""
    counts: dict[str, int] = {}
    for item in made:
        if isinstance(item, Table) and item.name.startswith("cells-"):
            for state, number in item.frame.groupby("state")["cells"].sum().items():
                counts[str(state)] = counts.get(str(state), 0) + int(number)
    cells = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    version = importlib.metadata.version("mmbench")
    return {
        "cells": cells or "none",
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "with": f"mmbench {version}, Python {platform.python_version()}, pandas {pd.__version__}",
    }
