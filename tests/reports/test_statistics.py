"""Intervals, bootstraps and corrections against scipy, mmbench's own metrics and worked examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmbench.reports.statistics import (
    Interval,
    Summary,
    accuracy,
    bootstrap_interval,
    holm,
    paired,
    replicates_of,
    resampled_sums,
    summary,
)
from scipy import stats

from mmbench.modality import Depth, Rgb, Segmentation
from mmbench.plugins.metrics import load_metrics

METRICS = load_metrics()
MODALITIES = {
    "miou": Segmentation("labels", classes=tuple("abcde"), palette=((0, 0, 0),) * 6),
    "delta_1.25": Depth("depth"),
    "psnr": Rgb("rgb"),
}

VALUES = [41.9, 41.7, 42.3, 40.8]


def test_summary_agrees_with_scipy() -> None:
    made = summary(VALUES)
    assert (made.mean, made.std, made.seeds) == (pytest.approx(41.675), pytest.approx(np.std(VALUES, ddof=1)), 4)
    theirs = stats.t.interval(0.95, 3, np.mean(VALUES), stats.sem(VALUES))
    assert (made.low, made.high) == pytest.approx(theirs, rel=1e-12)


def test_summary_of_one_value_and_of_none() -> None:
    assert summary([3.0])[:1] == (3.0,)
    assert all(math.isnan(value) for value in summary([3.0])[1:4])
    assert all(math.isnan(value) for value in summary([])[:4])
    assert summary([2.0, 2.0]) == Summary(2.0, 0.0, 2.0, 2.0, 2)


def test_paired_differences_agree_with_the_paired_t_test() -> None:
    first, second = dict(enumerate(VALUES)), dict(enumerate([40.0, 41.0, 41.5, 40.9]))
    made = paired({**first, 7: 100.0}, {**second, 8: -100.0})
    theirs = stats.ttest_rel(list(first.values()), list(second.values()))
    interval = theirs.confidence_interval(0.95)
    assert made.pairs == 4
    assert made.effect == pytest.approx(np.mean(list(first.values())) - np.mean(list(second.values())))
    assert (made.low, made.high, made.p) == pytest.approx((interval.low, interval.high, theirs.pvalue), rel=1e-9)


def test_pairs_are_of_the_same_seed() -> None:
    # By position the differences would be 9 and -9, by seed they are 1 and 1.
    assert paired({0: 10.0, 1: 1.0}, {1: 0.0, 0: 9.0}) == Interval(1.0, 1.0, 1.0, 0.0, 2)
    assert paired({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}).p == 1.0
    alone = paired({0: 5.0, 1: 6.0}, {0: 3.0})
    assert (alone.effect, alone.pairs) == (2.0, 1)
    assert math.isnan(alone.low) and math.isnan(alone.p)
    assert paired({0: 1.0}, {1: 1.0}).pairs == 0


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04; the last may not fall below 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_out_what_is_missing_and_stops_at_one() -> None:
    adjusted = holm([0.6, math.nan, 0.02])
    assert adjusted[0] == pytest.approx(0.6)
    assert math.isnan(adjusted[1])
    assert adjusted[2] == pytest.approx(0.04)
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_resampled_sums_draw_images_with_replacement() -> None:
    images = 7
    counts = resampled_sums(np.eye(images), replicates=4000)
    assert (counts.sum(axis=1) == images).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(images), abs=0.06)
    assert counts.var(axis=0) == pytest.approx(np.full(images, 1 - 1 / images), abs=0.08)


def test_draws_depend_on_the_number_of_images_only() -> None:
    values = np.arange(50.0)[:, None]
    both = resampled_sums(np.hstack([values, values**2]), replicates=300)
    assert (both[:, :1] == resampled_sums(values, replicates=300)).all()
    assert not (both[:, :1] == resampled_sums(values, replicates=300, seed=1)).all()


def test_blocks_of_draws_do_not_change_them(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(40.0)[:, None]
    whole = resampled_sums(values, replicates=50)
    monkeypatch.setattr("mmbench.reports.statistics.BLOCK", 40 * 7)
    assert (resampled_sums(values, replicates=50) == whole).all()


def test_the_interval_of_a_mean_agrees_with_scipys_bootstrap() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.3, 1.0, 200)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=rng)
    low, high, _ = bootstrap_interval(resampled_sums(values[:, None])[:, 0] / len(values))
    assert (low, high) == pytest.approx(theirs.confidence_interval, abs=0.01)


def test_bootstrapped_p() -> None:
    # 2 of 99 replicates are at or below 0: twice (1 + 2) of 100.
    differences = np.concatenate([[-1.0, 0.0], np.ones(97)])
    assert bootstrap_interval(differences)[2] == pytest.approx(0.06)
    assert bootstrap_interval(-differences)[2] == pytest.approx(0.06)
    assert bootstrap_interval(np.ones(99))[2] == pytest.approx(0.02)
    assert bootstrap_interval(np.zeros(99))[2] == 1.0
    assert all(math.isnan(value) for value in bootstrap_interval(np.full(9, math.nan)))


def _update(metric: str, prediction: torch.Tensor, truth: torch.Tensor) -> np.ndarray:
    modality = MODALITIES[metric]
    return METRICS[modality.metric].update(prediction, truth, modality)


def _replicates(metric: str, statistics: np.ndarray, replicates: int) -> np.ndarray:
    modality = MODALITIES[metric]
    score = METRICS[modality.metric].score
    return replicates_of(statistics, lambda sums, images: score(sums, images, modality)[metric], replicates)


def _statistics(metric: str, images: int) -> np.ndarray:
    rng = torch.Generator().manual_seed(0)
    if metric == "miou":
        # Classes 4 and 5 occur in few images, so that resamples miss them in the truth.
        truth = torch.randint(0, 4, (images, 6, 6), generator=rng)
        truth[0, 0] = 4
        truth[1, 0] = 5
        return _update(metric, torch.randint(1, 6, (images, 6, 6), generator=rng), truth)
    if metric == "delta_1.25":
        truth = 5 * torch.rand(images, 1, 6, 6, generator=rng)
        return _update(metric, truth * (1 + 0.5 * torch.rand(truth.shape, generator=rng)), truth.clamp(min=1) - 1)
    truth = 2 * torch.rand(images, 3, 12, 12, generator=rng) - 1
    return _update(metric, truth * torch.rand(images, 1, 1, 1, generator=rng), truth)


@pytest.mark.parametrize("metric", ["miou", "delta_1.25", "psnr"])
def test_replicates_are_the_metric_of_the_drawn_images(metric: str) -> None:
    statistics = _statistics(metric, images=9)
    counts = resampled_sums(np.eye(9), replicates=40).astype(int)
    made = _replicates(metric, statistics, replicates=40)
    for drawn, value in zip(counts, made, strict=True):
        chosen = np.repeat(statistics, drawn, axis=0)
        expected = METRICS[MODALITIES[metric].metric].numbers(chosen, MODALITIES[metric])[metric]
        assert value == pytest.approx(expected, rel=1e-10)


def test_accuracy_and_empty_statistics() -> None:
    correct = np.array([1, 0, 1, 1], np.int8)
    values = replicates_of(correct[:, None], accuracy, replicates=20)
    assert set(values) <= {0.0, 25.0, 50.0, 75.0, 100.0}
    assert np.isnan(_replicates("miou", np.zeros((3, 25)), replicates=5)).all()
    assert np.isnan(_replicates("delta_1.25", np.zeros((3, 6)), replicates=5)).all()


@pytest.mark.parametrize(
    ("metric", "shape"), [("miou", (3, 6)), ("psnr", (3, 6)), ("delta_1.25", (3, 2, 2)), ("psnr", (3, 8))]
)
def test_statistics_of_another_metric_are_refused(metric: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="are not those of"):
        METRICS[MODALITIES[metric].metric].check(np.zeros(shape), MODALITIES[metric])
