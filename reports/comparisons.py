"""Our numbers beside the published ones: each pair with its verdict, what blocks it and what is only noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmbench.reporting import Results

from .clean import text
from .commands import Commands
from .comparability import Comparability, comparability
from .published import Number, Numbers
from .statistics import Summary
from .verdicts import Judgement, Verdict, judge


@dataclass(frozen=True)
class Compared:
    """One of our numbers beside a published one.

    Attributes:
        dataset, profile, group, row: where it stands, ``row`` as its table prints it.
        change: what ``--set`` changed of the method, or empty.
        metric: name in the table of results.
        header, spec: how its table names and prints it.
        ours: over seeds.
        theirs: the published number.
        mark: what is to be known of the row, see ``prior_level.py``.
    """

    dataset: str
    profile: str
    group: str
    row: str
    change: str
    metric: str
    header: str
    spec: str
    ours: Summary
    theirs: Number
    judgement: Judgement
    mark: str = ""


class Comparer:
    """Finds published numbers for rows of the results table and judges them.

    Attributes:
        numbers: the published ones.
        commands: what makes a row again.
    """

    def __init__(self, results: Results, published: pd.DataFrame) -> None:
        # Most of a paper's numbers are of data sets that a runs folder has nothing of.
        here = text(results.rows["published_dataset"]).unique() if "published_dataset" in results.rows else ()
        self.numbers, self.commands = Numbers(published, here), Commands(results)
        self._known: dict[tuple[Any, ...], Comparability] = {}

    def judge(
        self,
        row: Mapping[str, str] | pd.Series,
        metric: str,
        ours: Summary,
        theirs: Number,
        pretrained: bool | None = None,
        reasons: Sequence[str] = (),
    ) -> Judgement:
        """The verdict on one metric of a row, which has ``dataset``, ``profile``, ``method``, ``published_dataset``.

        Args:
            pretrained: whether the published row says that its RGB encoder was.
            reasons: what else blocks the comparison.
        """
        source = theirs.places[0].source
        who = row["dataset"], row["profile"], row["method"]
        key = (*who, row["published_dataset"], source, pretrained)
        if key not in self._known:
            cells = self.commands.cells(row)
            self._known[key] = comparability(row["published_dataset"], cells, source=source, pretrained=pretrained)
        made = self._known[key]
        return judge(
            metric, theirs.value, ours, reasons=(*made.reasons, *reasons), notes=made.notes,
            inconsistent=theirs.inconsistent,
        )  # fmt: skip


def remarks(compared: Sequence[Compared]) -> str:
    """What a table's note says below published numbers: where they stand, what blocks, what is only noted."""
    if not compared:
        return ""
    places = sorted({place.text for one in compared for place in one.theirs.places})
    lines = [f"published: {'; '.join(places)}."]
    if any(one.judgement.difference == one.judgement.difference for one in compared):
        lines.append("difference: ours - published.")
    for verdict in (Verdict.NOT_COMPARABLE, Verdict.INCONSISTENT):
        blocked = [one for one in compared if one.judgement.verdict == verdict]
        if blocked:
            reasons = _with_rows((one.row, one.judgement.reasons) for one in blocked)
            everything = " (all)" if len(blocked) == len(compared) else ""
            lines.append(f"{verdict.capitalize()}{everything}: {reasons}.")
    if noted := _with_rows((one.row, one.judgement.notes) for one in compared):
        lines.append(f"Noted: {noted}.")
    return " ".join(lines)


def _with_rows(said: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Sentences, those that do not hold of every row with the rows that they hold of."""
    rows: dict[str, None] = {}
    holds: dict[str, dict[str, None]] = {}
    for row, sentences in said:
        rows[row] = None
        for sentence in sentences:
            holds.setdefault(sentence, {})[row] = None
    return "; ".join(
        sentence if len(mine) == len(rows) else f"{sentence} ({', '.join(mine)})" for sentence, mine in holds.items()
    )
