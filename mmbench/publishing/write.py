"""Write what reports made.

Tables as text, Markdown, CSV and LaTeX, figures as PNG and SVG, and all of it as one page, ``report.html``.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from mmbench.given.texts import shown, told
from mmbench.publishing import latex
from mmbench.publishing import page as html
from mmbench.publishing.build import CELLS_NOTE
from mmbench.reporting import Figure, Table
from mmbench.store.files import write_bytes

PAGE = "report.html"
GENERAL = "All data sets"


def write_reports(made: Sequence[Table | Figure], notes: Sequence[str], folder: Path) -> list[Path]:
    """Write each table as ``.txt``, ``.md``, ``.csv`` and ``.tex``, each figure as ``.png`` and ``.svg``, and the page.

    What cannot be drawn or written out gives a note. Returns the files, the page last.
    """
    files: list[Path] = []
    notes = [shown(_portable(note)) for note in notes]
    entries: list[tuple[Table | Figure, html.Entry]] = []
    pairs: set[tuple[str, str]] = set()
    for name, item in _named(made):
        try:
            contents, body = _rendered(item)
            pairs |= _pairs(item)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a report may hand over a class of its own
            notes.append(shown(f"{item.name}: cannot be shown ({told(error)})"))
            continue
        written = [folder / f"{name}{ending}" for ending in contents]
        for path, content in zip(written, contents.values(), strict=True):
            write_bytes(path, content)
        files += written
        gallery = item.gallery if isinstance(item, Figure) else None
        entries.append((item, html.Entry(name, item.title, body, [path.name for path in written], gallery)))
    if notes:
        files.append(folder / "notes.txt")
        write_bytes(files[-1], _encoded("\n".join(notes) + "\n"))
    # Results lead: what belongs to no data set, such as a figure of architectures, stands behind them.
    places = {f"{dataset}-{profile}": f"{dataset}, profile {profile}" for dataset, profile in sorted(pairs)}
    sections: dict[str, list[html.Entry]] = {place: [] for place in (*places.values(), GENERAL)}
    for item, entry in entries:
        sections[_place(item, places)].append(entry)
    sections = {place: inside for place, inside in sections.items() if inside}
    files.append(folder / PAGE)
    write_bytes(files[-1], _encoded(html.page("Zero-pair image translation: results", _facts(made), sections, notes)))
    return files


def _portable(note: str) -> str:
    """A note without this machine's folders: the page is sent to others."""
    home = os.environ.get("HOME", "").rstrip("/")
    note = note.replace(f"{Path.cwd()}/", "")
    return note.replace(f"{home}/", "~/") if home else note


def write_forms(made: Sequence[Table | Figure], folder: Path, endings: Sequence[str]) -> list[Path]:
    """Write each table and figure in some of its forms alone, such as ``.md`` and ``.png``. Returns the files."""
    files = []
    for name, item in _named(made):
        forms = _forms(item)
        for ending in (ending for ending in endings if ending in forms):
            files.append(folder / f"{name}{ending}")
            write_bytes(files[-1], forms[ending]())
    return files


def _rendered(item: Table | Figure) -> tuple[dict[str, bytes], Markup]:
    """File endings with contents, and the fragment of the page."""
    contents = {ending: form() for ending, form in _forms(item).items()}
    if isinstance(item, Table):
        return contents, html.table(item)
    return contents, html.figure(item, contents[".png"], contents[".svg"])


def _forms(item: Table | Figure) -> dict[str, Callable[[], bytes]]:
    """File endings, and what makes their contents."""
    if isinstance(item, Table):
        return {
            ".txt": lambda: _encoded(item.text()),
            ".md": lambda: _encoded(item.markdown()),
            ".csv": lambda: _encoded(item.csv()),
            ".tex": lambda: _encoded(latex.table(item)),
        }
    return {".png": item.png, ".svg": item.svg}


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


def _pairs(item: Table | Figure) -> set[tuple[str, str]]:
    """The data sets and profiles that a table has rows of. Raises ValueError where two of its columns have one name."""
    if not (isinstance(item, Table) and {"dataset", "profile"} <= set(item.frame)):
        return set()
    rows = item.frame[["dataset", "profile"]].astype(str).itertuples(index=False, name=None)
    return {(dataset, profile) for dataset, profile in rows}


def _place(item: Table | Figure, places: Mapping[str, str]) -> str:
    found = [place for place in places if f"-{place}-" in f"-{item.name}-"]
    return places[max(found, key=len)] if found else GENERAL


def _facts(made: Sequence[Table | Figure]) -> dict[str, str]:
    """What the page was made from, when, and with which code."""
    counts: dict[str, int] = {}
    for item in made:
        if isinstance(item, Table) and item.note == CELLS_NOTE:  # any report may name a table as it likes
            for state, number in item.frame.groupby("state")["cells"].sum().items():
                counts[str(state)] = counts.get(str(state), 0) + int(number)
    cells = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    version = importlib.metadata.version("mmbench")
    return {
        "cells": cells or "none",
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "with": f"mmbench {version}, Python {platform.python_version()}, pandas {pd.__version__}",
    }
