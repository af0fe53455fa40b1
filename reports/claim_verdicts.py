"""A claim and its comparisons: what an interval paired by seed allows to say, and what all of them say together.

A claim *holds* where the 95 % interval of every comparison lies within what the claim says, *does not hold* where that
of one lies outside, and is *undecided* otherwise, as with a single seed. *not tested*: there are no results for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isnan

from .scores import Direction, Scores, Side
from .statistics import Interval, paired, paired_ratio

HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "does not hold", "undecided", "not tested"
PAPERS, FAIR, OURS = "papers", "fair", "ours"


@dataclass(frozen=True)
class Comparison:
    """Two sides, and between which bounds the first minus the second lies if the claim is right.

    Attributes:
        label: names both sides.
        unit: of the effect.
        first, second: values per seed.
        lower, upper: the bounds.
        exact: counted, not measured: the effect, without seeds.
        ratio: whether the first divided by the second is what lies between the bounds.
    """

    label: str
    unit: str
    first: Side
    second: Side
    lower: float = 0.0
    upper: float = inf
    exact: float | None = None
    ratio: bool = False

    @cached_property
    def effect(self) -> Interval:
        """The mean difference, or ratio, over common seeds and its 95 % interval."""
        if self.exact is not None:
            return Interval(self.exact, self.exact, self.exact, float("nan"), 1)
        return paired_ratio(self.first, self.second) if self.ratio else paired(self.first, self.second)

    @cached_property
    def verdict(self) -> str:
        """What the interval allows to say; nothing without one."""
        if not self.effect.pairs:
            return UNTESTED
        if self.lower < self.effect.low and self.effect.high < self.upper:
            return HOLDS
        return FAILS if self.effect.high < self.lower or self.effect.low > self.upper else UNDECIDED

    @property
    def margin(self) -> float:
        """How far the effect is on the claim's side of the nearer bound, in shares of the second side.

        A share, so that comparisons of metrics with different units can be ordered.
        """
        common = self.first.keys() & self.second.keys()
        size = abs(sum(self.second[seed] for seed in common)) / len(common) if common and not self.ratio else 0.0
        return min(self.effect.effect - self.lower, self.upper - self.effect.effect) / (size or 1.0)


@dataclass(frozen=True)
class Claim:
    """A claim, in one reading of it.

    Attributes:
        id: ``C1`` and on; several readings share one.
        reading: ``papers``: compared as the papers do; ``fair``: against equal steps and cascades whose BN statistics
            are re-estimated; ``ours``: a claim that the papers do not make.
        sentence: what is claimed.
        quote: the papers' own words; empty where they have none.
        source: where they stand.
        about: the unseen translation that a data set must have for the claim to concern it; None: unpaired domains.
        compare: selects the two sides of each comparison.
    """

    id: str
    reading: str
    sentence: str
    quote: str
    source: str
    about: Direction | None
    compare: Callable[[Scores], list[Comparison]]


def verdict(comparisons: Sequence[Comparison]) -> str:
    """A claim's: it holds only if all comparisons do, and does not hold if one of them is reversed."""
    each = {comparison.verdict for comparison in comparisons}
    if FAILS in each:
        return FAILS
    if each <= {UNTESTED}:
        return UNTESTED
    return HOLDS if each == {HOLDS} else UNDECIDED


def decisive(comparisons: Sequence[Comparison]) -> Comparison | None:
    """The comparison that the verdict hangs on: of those with the least favourable verdict the least favourable."""
    for outcome in (FAILS, UNDECIDED, UNTESTED, HOLDS):
        found = [comparison for comparison in comparisons if comparison.verdict == outcome]
        if found:
            return min(found, key=lambda comparison: inf if isnan(comparison.margin) else comparison.margin)
    return None
