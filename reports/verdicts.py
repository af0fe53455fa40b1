"""The closed list of verdicts on one of our numbers beside a published one, and the rule that picks one.

Tolerances are fixed here before results are made; docs/results.md lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isnan, nan

from .statistics import Summary

SEEDS = 3  # fewer say too little about other trainings
WIDEST = 2.0  # times the tolerance: the widest half-width of an interval that may still agree
ROUNDING = 1e-9  # differences of printed decimals: 57.4 - 55.4 is not 2 in binary


class Verdict(StrEnum):
    """All that can be said of one of our numbers beside a published one."""

    AGREES = "agrees"
    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"
    NOT_COMPARABLE = "not comparable"
    INCONSISTENT = "source inconsistent"


@dataclass(frozen=True)
class Criterion:
    """When a metric agrees.

    Attributes:
        metric: its name in the table of results.
        tolerance: the largest difference that agrees, in the metric's unit.
        unit: of both, as text.
        lower: whether smaller numbers are better.
    """

    metric: str
    tolerance: float
    unit: str
    lower: bool = False


CRITERIA = {
    criterion.metric: criterion
    for criterion in (
        Criterion("miou", 2.0, "points"),
        Criterion("global_accuracy", 2.0, "points"),
        Criterion("classification_accuracy", 2.0, "points"),
        Criterion("iou", 5.0, "points"),
        Criterion("delta_1.25", 0.02, "share of pixels"),
        Criterion("delta_1.25^2", 0.02, "share of pixels"),
        Criterion("delta_1.25^3", 0.02, "share of pixels"),
        Criterion("rmse_linear", 0.05, "m", lower=True),
        Criterion("rmse_log", 0.02, "natural logarithm of m", lower=True),
        Criterion("reverse_classification_accuracy", 3.0, "points"),
        Criterion("lpips", 0.02, "LPIPS"),
    )
}


@dataclass(frozen=True)
class Judgement:
    """A verdict, why nothing could be compared, and what to know beside it.

    Attributes:
        difference: ours - published; nan where the two cannot be compared, so that nobody prints it.
    """

    verdict: Verdict
    difference: float
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def judge(
    metric: str,
    published: float,
    ours: Summary,
    *,
    reasons: Sequence[str] = (),
    notes: Sequence[str] = (),
    inconsistent: str = "",
) -> Judgement:
    """The verdict on our values of several seeds.

    Args:
        metric: its name in the table of results.
        ours: mean and 95 % t-interval over seeds.
        reasons: what blocks the comparison.
        notes: what does not block it, but should be known.
        inconsistent: how the source contradicts itself in this number; empty where it does not.
    """
    blocked = [*reasons]
    criterion = CRITERIA.get(metric)
    if criterion is None:
        blocked.append(f"metric: {metric} has no published counterpart")
    if ours.seeds < SEEDS:
        blocked.append(f"seeds: {ours.seeds}, at least {SEEDS} are needed")
    if inconsistent:
        return Judgement(Verdict.INCONSISTENT, nan, (inconsistent, *blocked), tuple(notes))
    if criterion is None or blocked:
        return Judgement(Verdict.NOT_COMPARABLE, nan, tuple(blocked), tuple(notes))
    return Judgement(decide(criterion, published, ours), ours.mean - published, (), tuple(notes))


def decide(criterion: Criterion, published: float, ours: Summary) -> Verdict:
    """The verdict on values that can be compared; undecided where they have no interval."""
    tolerance = criterion.tolerance
    if any(isnan(value) for value in (published, ours.mean, ours.low, ours.high)):
        return Verdict.UNDECIDED
    close = abs(ours.mean - published) <= tolerance + ROUNDING
    if close and (ours.high - ours.low) / 2 <= WIDEST * tolerance + ROUNDING:
        return Verdict.AGREES
    if ours.low - published > tolerance + ROUNDING:
        return Verdict.WORSE if criterion.lower else Verdict.BETTER
    if published - ours.high > tolerance + ROUNDING:
        return Verdict.BETTER if criterion.lower else Verdict.WORSE
    return Verdict.UNDECIDED
