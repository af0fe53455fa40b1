"""The contract of a report: one file in ``reports/``, one function that makes tables or figures.

The card stands at the top of the file as literal assignments, read without importing it::

    NAME = "segmentation"
    TITLE = "Segmentation: IoU per class, mIoU and global accuracy"
    FUNCTION = "build"                # optional: the function's name

    def build(results: pandas.DataFrame, published: pandas.DataFrame) -> list[Table | Figure]: ...

``results`` holds one row per metric value (the columns are ``mmbench.results.COLUMNS``), ``published`` the papers'
numbers (``reports/published_results.csv``). Both may be empty; a report with nothing to show returns an empty list.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from tabulate import tabulate

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

WIDTH = 160  # columns of text that a table may take before it continues below
GAP = 2  # spaces between two columns of tabulate's "simple" format
MISSING = "-"
STD = " std"  # the column "mIoU std" is printed after the value of "mIoU", as mean ± std


@dataclass(frozen=True)
class Table:
    """A table that is printed for people and written in full precision for machines.

    Attributes:
        name: file name without its ending.
        title: one line above the table.
        frame: the rows. A column ``x std`` is printed inside column ``x`` as ``mean ± std``.
        note: printed below the table.
        group_column: the column whose values head groups of rows; rows of a group stand together.
        formats: column -> format specification of its numbers, such as ``.1f`` or ``+.3f``.
        headers: column -> shorter header in print.
        hidden: columns that stand in the CSV only; a hidden ``x std`` is not printed inside ``x`` either.
    """

    name: str
    title: str
    frame: pd.DataFrame
    note: str = ""
    group_column: str | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hidden: Sequence[str] = ()

    def text(self, width: int = WIDTH) -> str:
        """The table for a terminal; columns beyond ``width`` continue in a second block with the first repeated."""
        columns = self._printed()
        # A rule in a row of its own, because tabulate would widen every column by two for its header.
        rows = [[self.headers.get(column, column) for column in columns], *self._rows(columns, str.upper)]
        widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        rows.insert(1, ["-" * cells for cells in widths])
        parts = [_grid(rows, "plain", self._align(columns), block) for block in _blocks(widths, width)]
        return "\n\n".join(filter(None, [self.title, *parts, self.note])) + "\n"

    def markdown(self) -> str:
        """The table as Markdown, groups in bold."""
        columns = self._printed()
        rows = [[self.headers.get(column, column) for column in columns], *self._rows(columns, "**{}**".format)]
        rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
        grid = _grid(rows, "pipe", self._align(columns), range(len(columns)))
        return "\n\n".join(filter(None, [f"### {self.title}", grid, self.note])) + "\n"

    def csv(self) -> str:
        """Every column of the frame in full precision; a missing value is an empty field."""
        return self.frame.to_csv(index=False, lineterminator="\n")

    def _printed(self) -> list[str]:
        """Columns to print: not hidden, not the group, not a standard deviation that another column shows."""
        every = [str(column) for column in self.frame.columns]
        folded = {column + STD for column in every}
        return [c for c in every if c not in folded and c not in self.hidden and c != self.group_column]

    def _rows(self, columns: Sequence[str], heading: Callable[[str], str]) -> list[list[str]]:
        """Cells as text, with a heading row wherever the group changes."""
        rows: list[list[str]] = []
        group = None
        for record in self.frame.to_dict("records"):
            mine = record.get(self.group_column) if self.group_column else None
            if mine != group:
                group = mine
                title = str(mine)[:1].upper() + str(mine)[1:]
                rows.append([heading(title), *[""] * (len(columns) - 1)])
            rows.append([self._cell(record, column) for column in columns])
        return rows

    def _cell(self, record: Mapping[Hashable, Any], column: str) -> str:
        value, std = record[column], record.get(column + STD)
        if pd.isna(value):
            return MISSING
        if isinstance(value, str):
            return value
        spec = self.formats.get(column, "")
        if std is None or pd.isna(std) or column + STD in self.hidden:
            return format(value, spec)
        return f"{format(value, spec)} ± {format(std, spec)}"

    def _align(self, columns: Sequence[str]) -> list[str]:
        numeric = pd.api.types.is_numeric_dtype
        return ["right" if numeric(self.frame[column].dtype) else "left" for column in columns]


@dataclass(frozen=True)
class Figure:
    """A figure of matplotlib, saved as PNG.

    Attributes:
        name: file name without its ending.
        title: one line for listings; what the figure itself shows is the report's choice.
        figure: a matplotlib Figure, made without pyplot so that no window and no global state is involved.
    """

    name: str
    title: str
    figure: Canvas

    def png(self, dpi: int = 150) -> bytes:
        """The file's content; equal figures give equal bytes."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", metadata={"Software": None})
        return buffer.getvalue()


def _grid(rows: Sequence[Sequence[str]], style: str, align: Sequence[str], columns: Sequence[int]) -> str:
    """Some columns of rows (headers first) as text."""
    if not columns:
        return ""
    chosen = [[row[column] for column in columns] for row in rows]
    headers, body = ((), chosen) if style == "plain" else (chosen[0], chosen[1:])
    sides = [align[column] for column in columns] if body else None
    lines = tabulate(body, headers, style, disable_numparse=True, colalign=sides).splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _blocks(widths: Sequence[int], limit: int) -> list[list[int]]:
    """Split columns into blocks of at most ``limit`` characters, each led by column 0."""
    blocks: list[list[int]] = [[0]] if widths else []
    used = widths[0] if widths else 0
    for column, width in enumerate(widths[1:], start=1):
        if used + GAP + width > limit and len(blocks[-1]) > 1:
            blocks.append([0])
            used = widths[0]
        blocks[-1].append(column)
        used += GAP + width
    return blocks
