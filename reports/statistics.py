"""Intervals over seeds, paired bootstraps over test images, and the correction for many comparisons.

Two questions, two tools. *Would another training say the same?* The t-interval over seeds, of a mean or of differences
paired by seed. *Would other test images say the same?* The paired bootstrap: the same images are drawn for both
methods, their statistics are summed, and the metric is taken of the sums, as over the whole test set.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit  # scipy.stats.t's own functions, without the half second of its import

from mmbench.reporting import HIGH, LOW, STD

LEVEL = 0.95
REPLICATES = 10_000
SEED = 20180618
BLOCK = 2**22  # draws held at a time
NAN = float("nan")


class Summary(NamedTuple):
    """Values of several seeds: mean, standard deviation (ddof 1) and the t-interval's ends; nan where undefined."""

    mean: float
    std: float
    low: float
    high: float
    seeds: int

    def columns(self, header: str) -> dict[str, float]:
        """The mean under ``header``, deviation and interval under the names that a table prints with it."""
        return {header: self.mean, header + STD: self.std, header + LOW: self.low, header + HIGH: self.high}


class Interval(NamedTuple):
    """A mean difference, its 95 % interval and two-sided p, and the number of pairs."""

    effect: float
    low: float
    high: float
    p: float
    pairs: int


def summary(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Summary:
    """Mean, standard deviation and t-interval of independent values.

    Without values all is nan; of a single one there is a mean only.
    """
    array = np.asarray(values, np.float64)
    seeds = len(array)
    if not seeds:
        return Summary(NAN, NAN, NAN, NAN, 0)
    mean = float(array.mean())
    if seeds == 1:
        return Summary(mean, NAN, NAN, NAN, 1)
    with np.errstate(invalid="ignore"):
        std = float(array.std(ddof=1))
    half = _quantile(seeds - 1, level) * std / math.sqrt(seeds)
    return Summary(mean, std, mean - half, mean + half, seeds)


def paired(first: Mapping[int, float], second: Mapping[int, float], level: float = LEVEL) -> Interval:
    """Differences first - second of the seeds that both have, with t-interval and p of the paired t-test.

    With one common seed there is an effect without an interval, with none all is nan. Equal differences have an
    interval of no width; p is then 0, or 1 where they are all 0.
    """
    differences = [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]
    mean, std, low, high, pairs = summary(differences, level)
    if pairs < 2 or math.isnan(std):
        return Interval(mean, NAN, NAN, NAN, pairs)
    if std == 0:
        return Interval(mean, low, high, float(mean == 0), pairs)
    return Interval(mean, low, high, float(2 * stdtr(pairs - 1, -abs(mean) / (std / math.sqrt(pairs)))), pairs)


def paired_ratio(first: Mapping[int, float], second: Mapping[int, float], level: float = LEVEL) -> Interval:
    """Ratios first / second of the seeds that both have: what :func:`paired` says of the logarithms, exponentiated.

    The effect is the geometric mean of the ratios, p that of a ratio of 1. nan where a value is not above 0.
    """
    one, two = (
        {seed: math.log(value) if value > 0 else NAN for seed, value in side.items()} for side in (first, second)
    )
    logs = paired(one, two, level)
    with np.errstate(over="ignore"):
        effect, low, high = (float(np.exp(value)) for value in logs[:3])
    return Interval(effect, low, high, logs.p, logs.pairs)


@functools.cache
def _quantile(freedom: int, level: float) -> float:
    return float(stdtrit(freedom, 0.5 + level / 2))


def resampled_sums(columns: np.ndarray, replicates: int = REPLICATES, seed: int = SEED) -> np.ndarray:
    """Sums over test images drawn with replacement.

    Which images are drawn depends on their number and on the seed only, so that two methods' sums are paired.

    Args:
        columns: ``(N, C)``, a row per test image.

    Returns:
        float64 ``(replicates, C)``.
    """
    columns = np.asarray(columns, np.float64)
    return np.concatenate([counts @ columns for counts in _draws(len(columns), replicates, seed)])


def _draws(images: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """How often each image is drawn, ``(some replicates, images)``."""
    generator = np.random.default_rng(seed)
    size = max(1, BLOCK // max(images, 1))
    for start in range(0, replicates, size):
        rows = min(size, replicates - start)
        drawn = generator.integers(0, images, (rows, images)) + images * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images).astype(np.float64)


def bootstrap_interval(differences: np.ndarray, level: float = LEVEL) -> tuple[float, float, float]:
    """Low, high and two-sided p of bootstrapped differences ``(R,)`` by percentiles; nan among them are left out.

    p counts the replicates on either side of 0, each side with one more than there are, so that it is never 0.
    """
    valid = differences[~np.isnan(differences)]
    if not len(valid):
        return NAN, NAN, NAN
    low, high = np.quantile(valid, [0.5 - level / 2, 0.5 + level / 2])
    tail = 1 + min(int((valid <= 0).sum()), int((valid >= 0).sum()))
    return float(low), float(high), min(1.0, 2 * tail / (len(valid) + 1))


def replicates_of(
    statistics: np.ndarray,
    compute: Callable[[np.ndarray, int], np.ndarray],
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> np.ndarray:
    """A number over resampled test images, ``(replicates,)``.

    Args:
        statistics: ``(N, C)``, a row per test image.
        compute: the number of sums ``(..., C)`` over as many images, such as a metric's (``mmbench/metric.py``).
    """
    return np.asarray(compute(resampled_sums(statistics, replicates, seed), len(statistics)))


def accuracy(sums: np.ndarray, images: int) -> np.ndarray:
    """Percent of right guesses from their number ``(..., 1)``."""
    return 100.0 * sums[..., 0] / images


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): p-values of one family, adjusted for their number; nan is no member.

    Rejecting where the adjusted value is below a level keeps the chance of any false rejection below that level.
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full(len(p), NAN)
    members = np.flatnonzero(~np.isnan(p))
    order = members[np.argsort(p[members], kind="stable")]
    scaled = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in adjusted]
