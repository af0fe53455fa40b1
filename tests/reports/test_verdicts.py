"""Verdicts: hand-computed cases on and beside every boundary, the interval against scipy's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from mmbench.reports.statistics import Summary, summary
from mmbench.reports.verdicts import CRITERIA, Criterion, Verdict, decide, judge
from scipy import stats

POINTS = Criterion("miou", 2.0, "points")
METRES = Criterion("rmse_linear", 0.05, "m", lower=True)


def interval(mean: float, half: float, seeds: int = 3) -> Summary:
    return Summary(mean, 1.0, mean - half, mean + half, seeds)


@pytest.mark.parametrize(
    ("mean", "half", "verdict"),
    [
        (55.4, 0.0, "agrees"),
        (57.4, 0.1, "agrees"),  # a difference of exactly the tolerance
        (53.4, 0.1, "agrees"),
        (57.41, 0.1, "undecided"),  # the mean is beyond it, the interval is not
        (55.4, 4.0, "agrees"),  # a half-width of exactly twice the tolerance
        (55.4, 4.01, "undecided"),
        (60.0, 2.6, "undecided"),  # the low end is exactly at published + tolerance
        (60.0, 2.59, "better"),
        (50.0, 3.4, "undecided"),
        (50.0, 3.39, "worse"),
        (70.0, 12.0, "better"),  # a wide interval that lies beyond the tolerance as a whole
        (70.0, 20.0, "undecided"),
        (math.nan, math.nan, "undecided"),
    ],
)
def test_more_is_better(mean: float, half: float, verdict: str) -> None:
    assert decide(POINTS, 55.4, interval(mean, half)) == verdict


@pytest.mark.parametrize(
    ("mean", "verdict"), [(2.85, "agrees"), (2.75, "agrees"), (2.95, "worse"), (2.65, "better"), (2.86, "undecided")]
)
def test_less_is_better(mean: float, verdict: str) -> None:
    assert decide(METRES, 2.80, interval(mean, 0.02)) == verdict


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        # Half-widths by t(2 degrees of freedom, 97.5 %) = 4.3027 times std / sqrt(3): of std 1 2.484, of std 2 4.968.
        ((54.4, 55.4, 56.4), "agrees"),
        ((53.4, 55.4, 57.4), "undecided"),
        ((59.4, 60.4, 61.4), "better"),  # 57.916 is above 57.4
        ((58.8, 59.8, 60.8), "undecided"),  # 57.316 is not
        ((49.4, 50.4, 51.4), "worse"),
    ],
)
def test_values_of_three_seeds(values: Sequence[float], verdict: str) -> None:
    ours = summary(values)
    low, high = stats.t.interval(0.95, 2, loc=ours.mean, scale=stats.sem(values))
    assert (ours.low, ours.high) == pytest.approx((low, high))
    made = judge("miou", 55.4, ours)
    assert (made.verdict, made.reasons) == (verdict, ())
    assert made.difference == pytest.approx(sum(values) / 3 - 55.4)


@pytest.mark.parametrize("seeds", [0, 1, 2])
def test_fewer_than_three_seeds_are_not_compared(seeds: int) -> None:
    made = judge("miou", 55.4, summary([55.0, 56.0][:seeds]))
    assert made.verdict == "not comparable"
    assert made.reasons == (f"seeds: {seeds}, at least 3 are needed",)
    assert math.isnan(made.difference)


def test_what_blocks_and_what_is_only_noted() -> None:
    ours = interval(55.4, 1.0)
    blocked = judge("miou", 55.4, ours, reasons=["image size: 16, published 256"], notes=["a validation part"])
    assert (blocked.verdict, blocked.notes) == ("not comparable", ("a validation part",))
    assert math.isnan(blocked.difference)
    noted = judge("miou", 55.4, ours, notes=["a validation part"])
    assert (noted.verdict, noted.difference, noted.notes) == ("agrees", 0.0, ("a validation part",))
    assert judge("psnr", 20.0, ours).reasons == ("metric: psnr has no published counterpart",)


def test_a_source_that_contradicts_itself_is_never_agreed_with() -> None:
    made = judge("miou", 25.4, interval(25.4, 0.1), inconsistent="classes average 28.0, mIoU 25.4")
    assert (made.verdict, made.reasons) == ("source inconsistent", ("classes average 28.0, mIoU 25.4",))
    assert math.isnan(made.difference)


def test_the_list_is_closed_and_fixed() -> None:
    assert [str(verdict) for verdict in Verdict] == [
        "agrees", "better", "worse", "undecided", "not comparable", "source inconsistent"
    ]  # fmt: skip
    assert {name: (made.tolerance, made.lower) for name, made in CRITERIA.items()} == {
        "miou": (2.0, False),
        "global_accuracy": (2.0, False),
        "classification_accuracy": (2.0, False),
        "iou": (5.0, False),
        "delta_1.25": (0.02, False),
        "delta_1.25^2": (0.02, False),
        "delta_1.25^3": (0.02, False),
        "rmse_linear": (0.05, True),
        "rmse_log": (0.02, True),
        "reverse_classification_accuracy": (3.0, False),
        "lpips": (0.02, False),
    }
