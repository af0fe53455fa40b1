"""All results of a runs folder as one table in long format, made for thousands of cells."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmbench.plugins import catalog, keys
from mmbench.reporting import COLUMNS
from mmbench.store.collect import Block, collect_blocks


def results_frame(runs: Path) -> tuple[pd.DataFrame, list[str]]:
    """All results below ``runs`` in long format (one row per metric value), and a line per unfinished cell.

    ``attrs`` of the frame and of what is selected of it hold ``runs``, the folder, and ``cells``: of each finished cell
    there, what its ``result.json`` holds beside the rows, with ``dataset``, ``profile``, ``method`` and ``seed`` as in
    the frame and, as ``base``, the first three as they were before ``--set``.
    """
    cards = catalog.cards("methods")
    titles = {name: card.get("TITLE") for name, card in cards.items()}
    blocks, facts, notes = collect_blocks(runs, functools.cache(functools.partial(_source_now, cards)), titles)
    frame = _long(blocks)
    frame.attrs |= {"runs": str(runs), "cells": Unchanging(facts)}
    return frame, notes


class Unchanging(tuple[Any, ...]):
    """A tuple that pandas, which copies all ``attrs`` of a frame to whatever is selected of it, does not copy."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Unchanging:
        return self


def _long(blocks: Sequence[Block]) -> pd.DataFrame:
    """One row per metric value. What many rows share is converted once and repeated, for thousands of cells."""
    shared = pd.DataFrame([common for common, _ in blocks], columns=list(COLUMNS))
    frame = shared.take(np.repeat(np.arange(len(blocks)), [len(metrics) for _, metrics in blocks]))
    frame = frame.reset_index(drop=True)
    if not len(frame):
        return frame
    metrics = list(chain.from_iterable(metrics for _, metrics in blocks))
    codes, names = pd.factorize(np.array(metrics, dtype=object))
    parted = [str(name).partition("/") for name in names]
    frame["metric"] = pd.Series([name for name, _, _ in parted]).take(codes).array
    frame["cls"] = pd.Series([cls for _, _, cls in parted]).take(codes).array
    numbers = list(chain.from_iterable(metrics.values() for _, metrics in blocks))
    try:
        frame["value"] = np.array(numbers, dtype=float)  # None becomes nan
    except (TypeError, ValueError, OverflowError):  # a damaged result holds something else: shown as it is
        frame["value"] = [float("nan") if value is None else value for value in numbers]
    return frame


def changes(rows: pd.DataFrame) -> np.ndarray:
    """Positions of the rows that are not as the one before."""
    starts = np.zeros(len(rows), bool)
    starts[:1] = True
    for column in rows:
        values = rows[column].to_numpy(object)
        starts[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(starts)


def distinct(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without repetitions. Rows of a cell stand together: :func:`changes` leaves few for pandas to compare."""
    return rows.iloc[changes(rows)].drop_duplicates()


def _source_now(cards: Mapping[str, catalog.Card], method: str) -> str | None:
    """Digest of a method's source as it is now; None for a method that is no longer there."""
    card = cards.get(method)
    return None if card is None or card.problem else keys.source_digest(card.path, card.module)
