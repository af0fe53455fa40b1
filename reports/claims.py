"""The papers' claims, each put to the results: a scorecard by data set and profile, and every comparison behind it."""

from __future__ import annotations

import pandas as pd

from mmbench.reporting import Results, Table

from .claim_list import CLAIMS
from .claim_verdicts import FAIR, HOLDS, OURS, PAPERS, Claim, Comparison, decisive, verdict
from .scores import DS, Scores, collect
from .statistics import Interval

NAME = "claims"
TITLE = "The papers' claims"

# Three digits that say something: one column has points of 100, and LPIPS of which the papers' rows differ by 0.004.
FORMATS = dict.fromkeys(("effect", "low", "high"), "+#.3g")
NOTE = (
    f"{PAPERS}: compared as the papers do; {FAIR}: cascades also with BN statistics re-estimated, pseudo-pairs against "
    f"a control of as many steps; {OURS}: not said by the papers. Effect: mean difference over the seeds that both "
    "have, or ratio where the unit says so; low, high: its 95 % t-interval; unit: of the effect. A claim holds where "
    "the interval of every comparison (held) lies on the better side of 0, or within what the claim names; it does not "
    "hold where that of one lies outside, and is undecided otherwise, as with one seed. not tested: no results. Shown "
    "is the comparison that the verdict hangs on; all stand in the table of comparisons. The papers' own words and "
    "where they stand are in this table's CSV."
)
FIGURES = (
    "The text at hand gives no points of thesis figure 4.11 and CVPR figure 7: no point of these figures is "
    "transcribed, and the claims on them are what the text says."
)


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """For each data set and profile a scorecard of the claims that concern it, and every comparison behind it."""
    everywhere: dict[tuple[str, str], list[Scores]] = {}
    for scores in collect(results):
        everywhere.setdefault((scores.dataset, scores.profile), []).append(scores)
    tables = []
    for place, mine in everywhere.items():
        cards: list[dict[str, object]] = []
        details: list[dict[str, object]] = []
        for scores in mine:
            change = f", {scores.change} where it concerns a method" if scores.change else ""
            where = f"{place[0]}, profile {place[1]}{change}"
            for claim in CLAIMS:
                if scores.has(claim.about):
                    _judge(claim, scores, where, cards, details)
        if cards:
            tables += [_scorecard(place, cards, mine), _details(place, details)]
    return tables


def _judge(
    claim: Claim, scores: Scores, where: str, cards: list[dict[str, object]], details: list[dict[str, object]]
) -> None:
    comparisons = claim.compare(scores)
    place = {
        "where": where,
        "dataset": scores.dataset,
        "profile": scores.profile,
        "claim": claim.id,
        "reading": claim.reading,
    }
    outcome, shown = verdict(comparisons), decisive(comparisons)
    held = sum(comparison.verdict == HOLDS for comparison in comparisons)
    cards.append(
        {
            **place,
            "statement": claim.sentence,
            "verdict": outcome,
            "held": f"{held} of {len(comparisons)}" if shown else "",
        }
        | _numbers(shown)
        | {"source": claim.source, "quote": claim.quote}
    )
    for comparison in comparisons:
        bounds = {"lower": comparison.lower, "upper": comparison.upper}
        details.append({**place, "verdict": comparison.verdict, **_numbers(comparison), **bounds})


def _numbers(comparison: Comparison | None) -> dict[str, object]:
    nothing = Interval(float("nan"), float("nan"), float("nan"), float("nan"), 0)
    effect = comparison.effect if comparison else nothing
    return {
        "comparison": comparison.label if comparison else "",
        "effect": effect.effect,
        "low": effect.low,
        "high": effect.high,
        "unit": comparison.unit if comparison else "",
        "seeds": effect.pairs,
    }


def _scorecard(place: tuple[str, str], cards: list[dict[str, object]], scores: list[Scores]) -> Table:
    notes = [NOTE]
    if any(one.has(DS) for one in scores):
        notes.append(FIGURES)
    if stale := sum(one.stale for one in scores):
        notes.append(f"{stale} of the values were made with other code (stale).")
    hidden = ("dataset", "profile", "source", "quote")
    name, title = f"{NAME}-{place[0]}-{place[1]}", f"{TITLE}: {place[0]}, profile {place[1]}"
    return Table(name, title, pd.DataFrame(cards), " ".join(notes), "where", FORMATS, hidden=hidden)


def _details(place: tuple[str, str], details: list[dict[str, object]]) -> Table:
    note = "lower, upper: between which bounds the effect lies if the claim is right."
    frame = pd.DataFrame(details)
    formats = {**FORMATS, "lower": "g", "upper": "g"}
    name = f"{NAME}-comparisons-{place[0]}-{place[1]}"
    title = f"{TITLE}, every comparison: {place[0]}, profile {place[1]}"
    return Table(name, title, frame, note, "where", formats,
                 hidden=("dataset", "profile"), detail=True)  # fmt: skip
