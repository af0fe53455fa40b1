"""Run every report over the results of a runs folder and write what it makes: text, Markdown, CSV, PNG."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from . import catalog, keys
from .report import Figure, Table
from .results import COLUMNS, collect, write_bytes


def results_frame(runs: Path) -> tuple[pd.DataFrame, list[str]]:
    """All results below ``runs`` in long format (one row per metric value), and a line per unfinished cell."""
    rows, notes = collect(runs, _source_now)
    cards = catalog.cards("methods")
    for row in rows:
        card = cards.get(row["method"].partition("+")[0])
        row["title"] = card.get("TITLE", row["title"]) if card else row["title"]
    frame = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    frame.attrs["runs"] = str(runs)
    return frame, notes


@functools.cache
def _source_now(method: str) -> str | None:
    """Digest of a method's source as it is now; None for a method that is no longer there."""
    card = catalog.cards("methods").get(method)
    return None if card is None or card.problem else keys.source_digest(card.path, card.module)


def build_reports(
    runs: Path, names: Sequence[str] = (), dataset: str = "", profile: str = ""
) -> tuple[list[Table | Figure], list[str]]:
    """Tables and figures of the named reports (all of them without names), and notes.

    A report that raises gives a note, never an error: it takes down itself only.
    """
    frame, notes = results_frame(runs)
    for column, value in (("dataset", dataset), ("profile", profile)):
        if value:
            frame = frame[frame[column] == value]
            notes = [note for note in notes if value in note.split(":")[0].split("/")]
    frame.attrs["runs"] = str(runs)
    published = importlib.import_module("mmbench.reports.published").load()
    made: list[Table | Figure] = []
    for card in [catalog.find("reports", name) for name in names] if names else catalog.cards("reports").values():
        if card.problem:
            notes.append(f"report {card.name}: cannot be read ({card.problem})")
            continue
        try:
            made.extend(catalog.load(card, card.get("FUNCTION", "build"))(frame, published))
        except Exception as error:
            notes.append(f"report {card.name}: failed ({type(error).__name__}: {error})")
    return made, notes


def write_reports(made: Sequence[Table | Figure], notes: Sequence[str], folder: Path) -> list[Path]:
    """Write each table as ``.txt``, ``.md`` and ``.csv`` and each figure as ``.png``; returns the files."""
    files = []
    for item in made:
        if isinstance(item, Table):
            for ending, text in ((".txt", item.text()), (".md", item.markdown()), (".csv", item.csv())):
                files.append(folder / f"{item.name}{ending}")
                write_bytes(files[-1], text.encode())
        else:
            files.append(folder / f"{item.name}.png")
            write_bytes(files[-1], item.png())
    if notes:
        files.append(folder / "notes.txt")
        write_bytes(files[-1], ("\n".join(notes) + "\n").encode())
    return files
