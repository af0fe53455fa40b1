"""The papers' numbers and the verdict on ours beside each: a summary by paper table, and every number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mmbench.reporting import Results, Table

from . import ablation_table, all_pairs, depth_table, image_table, segmentation_table
from .clean import complete
from .comparisons import Compared, remarks
from .prior_level import HEADER, MARK, marked, note
from .published import KEYS, Place
from .rows import GROUPS, compared
from .verdicts import CRITERIA, Verdict

NAME = "verdicts"
TITLE = "Our numbers beside the papers'"

LAYOUTS = (segmentation_table.LAYOUT, depth_table.LAYOUT, image_table.LAYOUT)
WITHOUT, ALL = "no result", "all"
NOTE = (
    "How many of the numbers that a paper's table prints stand beside a result, by verdict. agrees: the means differ "
    "by no more than the metric's tolerance, and the half-width of the 95 % t-interval over at least 3 seeds is at "
    "most twice that; better, worse: the whole interval lies beyond the tolerance on that side; undecided: neither. "
    "Results with settings of their method changed by --set are not counted; changes of the profile or the data are "
    "named."
)


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """A summary and a list of all numbers for each data set and profile; nothing where nothing is published."""
    if not {"source", "table", *KEYS} <= set(published) or "metric" not in results.rows:
        return []
    if not results.rows["published_dataset"].isin(set(published["dataset"])).any():
        return []
    found = _found(results, published)
    found.sort(key=lambda one: GROUPS.index(one.group) if one.group in GROUPS else len(GROUPS))
    rows = complete(results.rows)
    tables = []
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        mine = [one for one in found if (one.dataset, one.profile) == (dataset, profile)]
        theirs = published[published["dataset"].isin(set(part["published_dataset"]) - {""})]
        if mine:
            tables += [
                _summary(str(dataset), str(profile), mine, theirs),
                _numbers(str(dataset), str(profile), mine),
            ]
    return tables


def counts(results: Results, published: pd.DataFrame) -> Mapping[str, Mapping[str, int]]:
    """How many numbers of each table of the papers have which verdict, by source and table, such as ``thesis 4.4``.

    Args:
        results: of one data set and profile.
    """
    verdicts = _verdicts(_found(results, published))
    tables = dict.fromkeys(f"{place.source} {place.table}" for place in verdicts)
    given = Counter((f"{place.source} {place.table}", verdict) for place, verdict in verdicts.items())
    return {
        table: {str(verdict): given[table, verdict] for verdict in Verdict if given[table, verdict]} for table in tables
    }


def _found(results: Results, published: pd.DataFrame) -> list[Compared]:
    """Every number of every report that stands beside a published one."""
    found = [one for layout in LAYOUTS for one in compared(results, published, layout)]
    return [*found, *ablation_table.compared(results, published), *all_pairs.compared(results, published)]


def _verdicts(mine: Sequence[Compared]) -> Mapping[Place, Verdict]:
    """The verdict that counts for each printed number; results changed by ``--set`` do not.

    A row that has one paper's numbers only was made with that paper's schedule, and counts for it before others.
    """
    verdicts: dict[Place, Verdict] = {}
    for one in sorted(mine, key=lambda one: len({place.source for place in one.theirs.places})):
        for place in one.theirs.places:
            if not one.change:
                verdicts.setdefault(place, one.judgement.verdict)
    return verdicts


def _summary(dataset: str, profile: str, mine: Sequence[Compared], theirs: pd.DataFrame) -> Table:
    """A row per table of the papers that has numbers of this data set."""
    verdicts = _verdicts(mine)
    lines = []
    for where, printed in theirs.groupby(["source", "table"], sort=False):
        source, table = map(str, where)
        here = [verdict for place, verdict in verdicts.items() if (place.source, place.table) == (source, table)]
        lines.append(_counts(Place(source, table, 0).text, len(printed), here))
    lines.append(_counts(ALL, len(theirs), list(verdicts.values())))
    frame = pd.DataFrame([{"dataset": dataset, "profile": profile, **line} for line in lines])
    return Table(
        f"{NAME}-{dataset}-{profile}", f"Verdicts: {dataset}, profile {profile}", frame, f"{NOTE} {remarks(mine)}",
        hidden=("dataset", "profile"),
    )  # fmt: skip


def _counts(table: str, total: int, verdicts: Sequence[Verdict]) -> Mapping[str, Any]:
    counted = {str(verdict): verdicts.count(verdict) for verdict in Verdict}
    return {"table": table, "numbers": total, **counted, WITHOUT: total - len(verdicts)}


def _numbers(dataset: str, profile: str, mine: Sequence[Compared]) -> Table:
    """A line per published number, below the row that it stands beside."""
    frame = pd.DataFrame(
        [
            {
                "dataset": dataset,
                "profile": profile,
                "row": one.row,
                "metric": one.header,
                "ours": _text(one.ours.mean, one.spec),
                "published": _text(one.theirs.value, one.spec),
                "difference": _text(one.judgement.difference, f"+{one.spec}"),
                "verdict": str(one.judgement.verdict),
                "because": ", ".join(dict.fromkeys(said.partition(":")[0] for said in one.judgement.reasons)),
                "source": one.theirs.where,
                "seeds": one.ours.seeds,
                "group": one.group,
                "change": one.change,
                "key": one.metric,
                "mean": one.ours.mean,
                "std": one.ours.std,
                "low": one.ours.low,
                "high": one.ours.high,
                "published value": one.theirs.value,
                "tolerance": CRITERIA[one.metric].tolerance if one.metric in CRITERIA else None,
                "reasons": "; ".join(one.judgement.reasons),
                "noted": "; ".join(one.judgement.notes),
            }
            for one in mine
        ]
    )
    frame = marked(frame, [one.mark for one in mine], "row")
    shown = ("row", MARK, "metric", "ours", "published", "difference", "verdict", "because", "source", "seeds")
    return Table(
        f"{NAME}-numbers-{dataset}-{profile}", f"Every published number: {dataset}, profile {profile}", frame,
        " ".join(filter(None, [remarks(mine), note(frame, "the main score")])), headers={MARK: HEADER},
        group_column="row", hidden=[str(column) for column in frame if column not in shown], detail=True,
    )  # fmt: skip


def _text(value: float, spec: str) -> str | None:
    return None if value != value else format(value, spec)
