"""The table of results made safe to read: text without gaps, numbers or nan, whatever damaged results hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmbench.reporting import COLUMNS

USABLE = ("done", "stale")


def complete(results: pd.DataFrame) -> pd.DataFrame:
    """The results with every column: text without missing values, numbers where they can be read, nan elsewhere.

    A method that does not say what it was before ``--set`` is read from its name, such as ``mmnet+1f2e3d4c``.
    """
    whole = results.reindex(columns=list(COLUMNS))
    for column in whole.columns.difference(["seed", "value"]):
        whole[column] = text(whole[column])
    silent = whole["base_method"] == ""
    parts = whole.loc[silent, "method"].str.partition("+", expand=True).reindex(columns=range(3), fill_value="")
    whole.loc[silent, ["base_method", "change"]] = parts[[0, 2]].to_numpy()
    whole["value"] = numbers(whole["value"])
    whole["seed"] = pd.to_numeric(whole["seed"], errors="coerce").fillna(-1).astype(int)
    whole.loc[~whole["state"].isin(USABLE), "value"] = np.nan
    return whole


def numbers(values: pd.Series) -> pd.Series:
    """Values as float, nan where a damaged result holds something else."""
    return values if values.dtype == float else values.map(_number).astype(float)


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def titled(rows: pd.DataFrame) -> pd.DataFrame:
    """The results with what ``--set`` changed behind the title of its method, as tables with labels have it."""
    if not {"title", "change"} <= set(rows) or not (changed := text(rows["change"]) != "").any():
        return rows
    return rows.assign(title=rows["title"].mask(changed, text(rows["title"]) + ", " + text(rows["change"])))


def cells(rows: pd.DataFrame) -> pd.DataFrame:
    """Data set, profile, method, title and seed of every cell, once each, in the order of the results.

    The title has what ``--set`` changed behind it.
    """
    once = rows.drop_duplicates(["dataset", "profile", "method", "title", "seed"])
    return titled(once)[["dataset", "profile", "method", "title", "seed"]]


def lowest_seeds(part: pd.DataFrame) -> pd.DataFrame:
    """Of :func:`cells` of one data set and profile those of each method's three lowest seeds, whose pictures are shown.

    By seed; ``place`` is 0 for a method's lowest one.
    """
    ordered = part.sort_values("seed", kind="stable")
    return ordered.assign(place=ordered.groupby("method").cumcount()).query("place < 3")


def records(rows: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Some columns of each row, as tuples."""
    return zip(*(rows[column].tolist() for column in columns), strict=True)


def text(column: pd.Series) -> pd.Series:
    """Text without missing values."""
    if column.dtype == "str" and not column.hasnans:
        return column
    values = column if column.dtype == "str" else column.astype(object)
    return values.where(values.notna(), "").astype("str")
