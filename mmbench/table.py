"""A table that is printed for people and written in full precision for machines."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.given import texts
from mmbench.given.texts import lines_shown, shown

if TYPE_CHECKING:
    import pandas as pd  # imported by the functions that need it: a listing of methods takes as long as pandas' import

WIDTH = 160  # columns of text that a table may take before it continues below
GAP = 2  # spaces between two columns
MISSING = "-"
STD = " std"  # the column "mIoU std" is printed after the value of "mIoU", as mean ± std
LOW, HIGH = " low", " high"  # the columns "mIoU low" and "mIoU high" are the ends of its 95 % interval over seeds


@dataclass(frozen=True)
class Line:
    """A printed row: a group's heading, or cells with, for each, whether it is the best and its interval as text, and
    what the page shows of the row where one points at its first cell.
    """

    heading: str = ""
    cells: Sequence[str] = ()
    best: Sequence[bool] = ()
    intervals: Sequence[str] = ()
    tip: str = ""


@dataclass(frozen=True)
class Table:
    """A table that is printed for people and written in full precision for machines.

    Attributes:
        name: file name without its ending; with ``-<dataset>-<profile>`` in it, the table stands in that section of
            the page.
        title: one line above the table.
        frame: the rows. A column ``x std`` is printed inside column ``x`` as ``mean ± std``; ``x low`` and ``x high``
            stand below it on the page and decide whether the best value is set in bold.
        note: printed below the table.
        group_column: the column whose values head groups of rows; rows of a group stand together.
        formats: column -> format specification of its numbers, such as ``.1f`` or ``+.3f``.
        headers: column -> shorter header in print.
        hidden: columns that stand in the CSV only; a hidden ``x std`` is not printed inside ``x`` either.
        better: column -> which of its numbers are better. Only such a column has a best value in bold, and only where
            the 95 % interval of the best does not overlap that of the next best.
        rivals: groups (values of ``group_column``) whose rows compete for the best value; all without any.
        tip: a hidden column with what the page shows of a row where one points at its first cell.
        detail: stands in the files and on the page; not printed by a command that was not asked for it by name.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"method": ["oracle"], "mIoU": [78.92], "mIoU std": [0.51]})
    >>> table = Table("scores", "Depth to segmentation", frame, formats={"mIoU": ".1f", "mIoU std": ".1f"})
    >>> print(table.text(), end="")
    Depth to segmentation
    <BLANKLINE>
    method        mIoU
    ------  ----------
    oracle  78.9 ± 0.5
    """

    name: str
    title: str
    frame: pd.DataFrame
    note: str = ""
    group_column: str | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    better: Mapping[str, Literal["higher", "lower"]] = field(default_factory=dict)
    rivals: Sequence[str] = ()
    tip: str = ""
    detail: bool = False

    def text(self, width: int = WIDTH) -> str:
        """The table for a terminal; columns beyond ``width`` continue in a second block with the first repeated."""
        rows = self._rows(str.upper)
        widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        rows.insert(1, ["-" * size for size in widths])
        columns = _padded(rows, widths, self.align())
        lines = [zip(*(columns[column] for column in block), strict=True) for block in _blocks(widths, width)]
        parts = ["\n".join((" " * GAP).join(cells).rstrip() for cells in block) for block in lines]
        return "\n\n".join(filter(None, [shown(self.title), *parts, lines_shown(self.note)])) + "\n"

    def markdown(self) -> str:
        """The table as Markdown, groups in bold."""
        rows = [[texts.markdown(cell) for cell in row] for row in self._rows("**{}**".format)]
        # Two more than the header, as many tools have it: no line of a table changes unless its cells do.
        widths = [max(len(cells[0]) + 2, *map(len, cells)) for cells in zip(*rows, strict=True)]
        columns = [[f" {cell} " for cell in cells] for cells in _padded(rows, widths, self.align())]
        for cells, side in zip(columns, self.align(), strict=True):
            rule = "-" * (len(cells[0]) - 1)
            cells.insert(1, f"{rule}:" if side == "right" else f":{rule}")
        grid = "\n".join(f"|{'|'.join(cells)}|" for cells in zip(*columns, strict=True))
        note = "\n".join(map(texts.markdown, self.note.split("\n")))
        return "\n\n".join(filter(None, [f"### {texts.markdown(self.title)}", grid, note])) + "\n"

    def csv(self) -> str:
        """Every column of the frame in full precision; a missing value is an empty field.

        Text that a spreadsheet would take for a formula is led by an apostrophe.
        """
        frame = self.frame.rename(columns=lambda name: texts.csv(str(name)))
        return frame.map(lambda value: texts.csv(value) if isinstance(value, str) else value).to_csv(
            index=False, lineterminator="\n"
        )

    def columns(self) -> list[str]:
        """Columns to print: not hidden, not the group, none whose numbers stand in another column's cells."""
        every = [str(column) for column in self.frame.columns]
        folded = {column + end for column in every for end in (STD, LOW, HIGH)}
        return [c for c in every if c not in folded and c not in self.hidden and c != self.group_column]

    def titles(self) -> list[str]:
        """What stands above the printed columns."""
        return [shown(self.headers.get(column, column)) for column in self.columns()]

    def align(self) -> list[str]:
        """``left`` or, where a column holds numbers, ``right``."""
        from pandas.api.types import is_numeric_dtype as numeric

        return ["right" if numeric(self.frame[column].dtype) else "left" for column in self.columns()]

    @functools.cached_property
    def lines(self) -> Sequence[Line]:
        """The printed rows, with a heading wherever the group changes."""
        columns, lines, group = self.columns(), list[Line](), None
        values = {str(column): self.frame[column].to_list() for column in self.frame.columns}
        winners = [self._winner(column) for column in columns]
        # Column by column, which takes a fraction of the time where there are thousands of rows.
        cells = list(zip(*(self._cells(values, column) for column in columns), strict=True))
        intervals = list(zip(*(self._intervals(values, column) for column in columns), strict=True))
        for number in range(len(cells)):
            mine = values[self.group_column][number] if self.group_column in values else None
            if mine != group:
                group = mine
                heading = shown(str(mine))
                lines.append(Line(heading=heading[:1].upper() + heading[1:]))
            best = [winner == number for winner in winners]
            tip = values[self.tip][number] if self.tip in values else ""
            lines.append(Line("", cells[number], best, intervals[number], "" if _missing(tip) else shown(str(tip))))
        return lines

    def _rows(self, heading: Callable[[str], str]) -> list[list[str]]:
        """Headers and printed rows as text."""
        rows = [self.titles()]
        for line in self.lines:
            rows.append(list(line.cells) or [heading(line.heading), *[""] * (len(rows[0]) - 1)])
        return rows

    def _cells(self, values: Mapping[str, Sequence[Any]], column: str) -> list[str]:
        spec, spread = self.formats.get(column, ""), column + STD
        shown = [MISSING if _missing(value) else _formatted(value, spec) for value in values[column]]
        if spread not in values or spread in self.hidden:
            return shown
        return [
            text if text == MISSING or _missing(std) else f"{text} ± {_formatted(std, spec)}"
            for text, std in zip(shown, values[spread], strict=True)
        ]

    def _intervals(self, values: Mapping[str, Sequence[Any]], column: str) -> list[str]:
        parts, spec = (column, column + LOW, column + HIGH), self.formats.get(column, "")
        if not set(parts) <= values.keys() or column + STD in self.hidden:
            return [""] * len(values[column])
        return [
            "" if any(map(_missing, row)) else f"[{_formatted(row[1], spec)}, {_formatted(row[2], spec)}]"
            for row in zip(*(values[part] for part in parts), strict=True)
        ]

    def _winner(self, column: str) -> int | None:
        """The row with a column's best value; None where its interval does not lie apart from the next best's."""
        parts = [column, column + LOW, column + HIGH]
        if column not in self.better or not all(part in self.frame.columns for part in parts):
            return None
        import pandas as pd

        value, low, high = (pd.to_numeric(self.frame[part], errors="coerce").to_numpy(float) for part in parts)
        if self.better[column] == "lower":
            value, low, high = -value, -high, -low
        racing = ~np.isnan(value)
        if self.rivals and self.group_column:
            racing &= self.frame[self.group_column].isin(self.rivals).to_numpy()
        order = sorted(np.flatnonzero(racing), key=lambda row: -value[row])
        return int(order[0]) if len(order) > 1 and low[order[0]] > high[order[1]] else None


def ranges(seeds: Sequence[str]) -> str:
    """Seeds as ``0-2, 5``; anything but a whole number stands as it is, at the end."""
    numbers = sorted(int(seed) for seed in seeds if seed.isdigit())
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join(["-".join(map(str, part)) for part in parts] + sorted(s for s in seeds if not s.isdigit()))


def _missing(value: Any) -> bool:
    if isinstance(value, str | int):
        return False
    if value is None or isinstance(value, float):
        return value is None or value != value
    import pandas as pd

    return bool(pd.api.types.is_scalar(value)) and bool(pd.isna(value))


def _formatted(value: Any, spec: str) -> str:
    """A cell as text; what a damaged result holds instead of a number is shown as it is."""
    if isinstance(value, str):
        return shown(value)
    try:
        return format(value, spec)
    except (TypeError, ValueError):
        return shown(str(value))


def _padded(rows: Sequence[Sequence[str]], widths: Sequence[int], sides: Sequence[str]) -> list[list[str]]:
    """The columns of some rows, each cell as wide as its column."""
    return [
        [cell.rjust(width) if side == "right" else cell.ljust(width) for cell in cells]
        for cells, width, side in zip(zip(*rows, strict=True), widths, sides, strict=True)
    ]


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
