"""The papers' claims, each put to the results: a comparison paired by seed, and what its interval allows to say.

A claim *holds* where the 95 % interval of every comparison lies within what the claim says, *does not hold* where that
of one lies outside, and is *undecided* otherwise, as with a single seed. *not tested*: there are no results for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isnan

import pandas as pd

from mmbench.reporting import Results, Table

from .scaling_figure import COUNTED
from .scores import DS, FLOWERS, RDS, RS, RSD, SD, Direction, Scores, Side, collect, growth
from .statistics import Interval, paired

NAME = "claims"
TITLE = "The papers' claims"

HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "does not hold", "undecided", "not tested"
CLOSE = 2.0  # mIoU: the thesis calls 0.7 (table 4.4) similar and 2.5 (table 4.3) a significant gain
BOTTOM = 3.0  # mIoU: CycleGAN and StarGAN are at most 2.98 above the lowest row in tables 4.4 and 4.6
ADVERSARIAL = ("cyclegan", "stargan-unpaired", "stargan-paired")


@dataclass(frozen=True)
class Comparison:
    """Two sides, and between which bounds the first minus the second lies if the claim is right."""

    label: str
    unit: str
    first: Side
    second: Side
    lower: float = 0.0
    upper: float = inf
    exact: float | None = None  # counted, not measured: the effect, without seeds

    @cached_property
    def effect(self) -> Interval:
        """The mean difference over common seeds and its 95 % interval."""
        if self.exact is not None:
            return Interval(self.exact, self.exact, self.exact, float("nan"), 1)
        return paired(self.first, self.second)

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
        """How far the effect is on the claim's side of the nearer bound."""
        return min(self.effect.effect - self.lower, self.upper - self.effect.effect)


@dataclass(frozen=True)
class Claim:
    """A claim of the papers.

    Attributes:
        id: ``C1`` to ``C14``.
        sentence: what is claimed.
        source: where.
        about: the unseen translation that a data set must have for the claim to concern it; None: unpaired domains.
        compare: selects the two sides of each comparison.
    """

    id: str
    sentence: str
    source: str
    about: Direction | None
    compare: Callable[[Scores], list[Comparison]]


def _more(label: str, where: Direction, first: Side, second: Side) -> Comparison:
    return Comparison(label, where.header, first, second)


def _methods(first: str, second: str, where: Direction, scores: Scores) -> Comparison:
    return _more(f"{first} - {second}", where, scores.side(first, where), scores.side(second, where))


def _variants(*pairs: tuple[str, str], where: Direction = DS) -> Callable[[Scores], list[Comparison]]:
    """Methods of which the first of each pair is claimed to be the better one."""
    return lambda scores: [_methods(first, second, where, scores) for first, second in pairs]


def _beats_baselines(where: Direction) -> Callable[[Scores], list[Comparison]]:
    return lambda scores: [
        _more(f"mmnet - {name}", where, scores.side("mmnet", where), theirs) for name, theirs in scores.baselines(where)
    ]


def _multi_modal(scores: Scores) -> list[Comparison]:
    both = scores.side("mmnet", RDS)
    return [
        _more(f"mmnet, (R, D) - {name}", DS, both, scores.side("mmnet", where))
        for name, where in (("D", DS), ("R", RS))
    ]


def _upper_bound(one: Direction, both: Direction) -> Callable[[Scores], list[Comparison]]:
    return lambda scores: [
        _methods(oracle, method, where, scores)
        for oracle, where in (("oracle", one), ("oracle-multimodal", both))
        for method in ("mmnet", "mmnet-pp")
    ]


def _pretraining(scores: Scores) -> list[Comparison]:
    with_it = scores.side("mmnet", DS) if scores.pretrained.get("mmnet") else {}
    return [_more("mmnet, pretrained - mmnet-scratch", DS, with_it, scores.side("mmnet-scratch", DS))]


def _cascades(scores: Scores) -> list[Comparison]:
    skip, pix2pix, indices = (scores.fair(name, DS) for name in ("cascade-skip", "pix2pix-cascade", "cascade"))
    return [
        Comparison("cascade-skip - pix2pix-cascade", DS.header, skip, pix2pix, -CLOSE, CLOSE),
        _more("cascade-skip - cascade", DS, skip, indices),
        _more("pix2pix-cascade - cascade", DS, pix2pix, indices),
    ]


def _order(scores: Scores) -> list[Comparison]:
    both = _more("mmnet, (R, S) - S", SD, scores.side("mmnet", RSD), scores.side("mmnet", SD))
    pseudo_pairs = _methods("mmnet-pp", "mmnet-control", SD, scores)
    return [*_beats_baselines(SD)(scores), pseudo_pairs, both, *_upper_bound(SD, RSD)(scores)]


def _alignment(scores: Scores) -> list[Comparison]:
    before, aligned = (scores.alignment("mmnet", stage) for stage in ("translate", "align"))
    after = scores.alignment("mmnet-pp", "pseudo-pairs")
    sharp, little = _difference(aligned, before), _difference(after, aligned)
    return [
        Comparison("rise in stage 2", "0.01 AF", aligned, before),
        Comparison("rise in stage 3", "0.01 AF", after, aligned),
        Comparison("rise in stage 2 - rise in stage 3", "0.01 AF", sharp, little),
    ]


def _difference(first: Side, second: Side) -> Side:
    return {seed: first[seed] - second[seed] for seed in first.keys() & second.keys()}


def _scaling(scores: Scores) -> list[Comparison]:
    degrees = growth(COUNTED)
    return [
        Comparison(f"degree in N, {method}", "degree", {}, {}, degree - 0.5, degree + 0.5, degrees[method])
        for method, degree in (("mmnet-domains", 1), ("cyclegan-pairwise", 2))
        if method in degrees
    ]


def _bottom(scores: Scores) -> list[Comparison]:
    lowest = scores.side("cascade", DS, "rgb")
    return [
        Comparison(f"{name} - cascade, BN trained", DS.header, scores.side(name, DS), lowest, -inf, BOTTOM)
        for name in ADVERSARIAL
    ]


CLAIMS = (
    Claim("C1", "Zero-pair M&MNets beat every baseline on D→S, fairly treated cascades included", "thesis, table 4.4",
          DS, _beats_baselines(DS)),
    Claim("C2", "+PP beats its control of equal steps", "thesis, table 4.3", DS,
          _variants(("mmnet-pp", "mmnet-control"))),
    Claim("C3", "Multi-modal beats one modality", "thesis, table 4.4", DS, _multi_modal),
    Claim("C4", "The oracle is the upper bound", "thesis, table 4.4", DS, _upper_bound(DS, RDS)),
    Claim("C5", "Pooling indices > none > skip on the unseen direction", "thesis, table 4.2", DS,
          _variants(("mmnet", "mmnet-none"), ("mmnet-none", "mmnet-skip"))),
    Claim("C6", "Autoencoders, then latent consistency, then noise each help", "thesis, table 4.3", DS,
          _variants(("mmnet-autoencoders", "mmnet-translations"), ("mmnet-no-noise", "mmnet-autoencoders"),
                    ("mmnet", "mmnet-no-noise"))),
    Claim("C7", "A pretrained RGB encoder helps", "thesis, table 4.2", DS, _pretraining),
    Claim("C8", "Pooling indices in the RGB decoder hurt", "thesis, 4.6.2", DS,
          _variants(("mmnet", "mmnet-rgb-indices"))),
    Claim("C9", f"Cascade with skip within {CLOSE:g} points of 2 x pix2pix, both above the one with indices",
          "thesis, table 4.4", DS, _cascades),
    Claim("C10", "The same order for S→D", "thesis, tables 4.5 and 4.7", SD, _order),
    Claim("C11", "On flowers PP gains on the unseen translation", "thesis, table 4.1", FLOWERS,
          _variants(("mmnet-pp", "mmnet-control"), where=FLOWERS)),
    Claim("C12", "Networks grow linearly in N for M&MNets, quadratically for pairwise translators",
          "thesis, figure 4.3", None, _scaling),
    Claim("C13", "AF rises sharply at stage 2 and a little at stage 3", "thesis, figure 4.11", DS, _alignment),
    Claim("C14", f"CycleGAN and StarGAN at most {BOTTOM:g} points above the cascade with indices", "thesis, table 4.4",
          DS, _bottom),
)  # fmt: skip


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """For each data set and profile a scorecard of the claims that concern it, and every comparison behind it."""
    everywhere: dict[tuple[str, str], list[Scores]] = {}
    for scores in collect(results):
        everywhere.setdefault((scores.dataset, scores.profile), []).append(scores)
    scaling = _of_domains(results.rows)
    tables = []
    for place in sorted(everywhere.keys() | scaling):
        cards: list[dict[str, object]] = []
        details: list[dict[str, object]] = []
        mine = everywhere.get(place, [])
        where = f"{place[0]}, profile {place[1]}"
        for scores in mine:
            change = f", {scores.change} where it concerns a method" if scores.change else ""
            for claim in CLAIMS:
                if claim.about and scores.has(claim.about):
                    _judge(claim, scores, where + change, cards, details)
        for claim in CLAIMS:
            if claim.about is None and place in scaling:
                _judge(claim, Scores(*place, results.folder(*place)), where, cards, details)
        if cards:
            stale = sum(scores.stale for scores in mine)
            tables += [_scorecard(place, cards, stale), _details(place, details)]
    return tables


def _of_domains(rows: pd.DataFrame) -> set[tuple[str, str]]:
    """Data sets and profiles with results over unpaired domains, which the claim on scaling concerns."""
    if not {"dataset", "profile", "output_kind"} <= set(rows):
        return set()
    found = rows[rows["output_kind"] == "domain"]
    return {(str(dataset), str(profile)) for dataset, profile in zip(found["dataset"], found["profile"], strict=True)}


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


def _judge(
    claim: Claim, scores: Scores, where: str, cards: list[dict[str, object]], details: list[dict[str, object]]
) -> None:
    comparisons = claim.compare(scores)
    place = {"where": where, "dataset": scores.dataset, "profile": scores.profile, "claim": claim.id}
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
        | {"source": claim.source}
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


FORMATS = {"effect": "+.2f", "low": "+.2f", "high": "+.2f"}
NOTE = (
    "Effect: mean difference over the seeds that both have, low and high: its 95 % t-interval, unit: of the effect. "
    "A claim holds where the interval of every comparison (held) lies above 0, or within what the claim names; it does "
    "not hold where that of one lies outside, and is undecided otherwise, as with one seed. not tested: no results. "
    "Shown is the comparison that the verdict hangs on; all stand in the table of comparisons."
)


def _scorecard(place: tuple[str, str], cards: list[dict[str, object]], stale: int) -> Table:
    note = NOTE + (f" {stale} of the values were made with other code (stale)." if stale else "")
    hidden = ("dataset", "profile", "source")
    name, title = f"{NAME}-{place[0]}-{place[1]}", f"{TITLE}: {place[0]}, profile {place[1]}"
    return Table(name, title, pd.DataFrame(cards), note, "where", FORMATS, hidden=hidden)


def _details(place: tuple[str, str], details: list[dict[str, object]]) -> Table:
    note = "lower, upper: between which bounds the effect lies if the claim is right."
    frame = pd.DataFrame(details)
    formats = {**FORMATS, "lower": "g", "upper": "g"}
    name = f"{NAME}-comparisons-{place[0]}-{place[1]}"
    title = f"{TITLE}, every comparison: {place[0]}, profile {place[1]}"
    return Table(name, title, frame, note, "where", formats,
                 hidden=("dataset", "profile"), detail=True)  # fmt: skip
