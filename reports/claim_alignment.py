"""What the thesis' text says of figure 4.11, as comparisons: how alignment factors rise over the stages of training."""

from __future__ import annotations

import numpy as np

from .alignment_log import log_of
from .claim_sides import COMPONENTS, PP, difference
from .claim_verdicts import Comparison
from .scores import DS, Scores

ROWS = (*COMPONENTS, PP)  # of table 4.3


def alignment(scores: Scores) -> list[Comparison]:
    """Figure 4.11: how the mean of the curves rises over stages two and three."""
    log = log_of(scores)
    before, aligned = (log.at_end("mmnet", stage) for stage in ("translate", "align"))
    after = log.at_end(PP, "pseudo-pairs")
    sharp, little = difference(aligned, before), difference(after, aligned)
    return [
        Comparison("rise in stage 2", "0.01 AF", aligned, before),
        Comparison("rise in stage 3", "0.01 AF", after, aligned),
        Comparison("rise in stage 2 - rise in stage 3", "0.01 AF", sharp, little),
    ]


def curves(scores: Scores) -> list[Comparison]:
    """Figure 4.11: each pair's curve rises over stages two and three."""
    log = log_of(scores)
    made = []
    for pair in log.pairs("mmnet") or [""]:
        before, aligned = (log.at_end("mmnet", stage, pair) for stage in ("translate", "align"))
        after = log.at_end(PP, "pseudo-pairs", pair)
        for number, first, second in ((2, aligned, before), (3, after, aligned)):
            made.append(Comparison(f"rise in stage {number}, {pair or 'each pair'}", "0.01 AF", first, second))
    return made


def stabilizing(scores: Scores) -> list[Comparison]:
    """Figure 4.11: in each stage AF rises over the first half of the steps, and changes less over the second."""
    log = log_of(scores)
    before, aligned = (log.at_end("mmnet", stage) for stage in ("translate", "align"))
    made = []
    for number, method, stage, start in (
        (1, "mmnet", "translate", None),
        (2, "mmnet", "align", before),
        (3, PP, "pseudo-pairs", aligned),
    ):
        first, second = log.halves(method, stage, start)
        change = {seed: abs(value) for seed, value in second.items()}
        made += [
            Comparison(f"rise, first half of stage {number}", "0.01 AF", first, dict.fromkeys(first, 0.0)),
            Comparison(f"rise, first half - change, second half of stage {number}", "0.01 AF", first, change),
        ]
    return made


def alignment_and_results(scores: Scores) -> list[Comparison]:
    """Over the rows of table 4.3: rank correlation of AF at the end of training and mIoU."""
    log = log_of(scores)
    factors = [log.at_end(name, "pseudo-pairs" if name == PP else "align") for name in ROWS]
    results = [scores.side(name, DS) for name in ROWS]
    found = {}
    for seed in set.intersection(*({*side} for side in (*factors, *results))):
        ranks = [np.argsort(np.argsort([side[seed] for side in sides])) for sides in (factors, results)]
        found[seed] = float(np.asarray(np.corrcoef(ranks))[0, 1])
    return [Comparison("AF and mIoU over table 4.3", "rank correlation", found, dict.fromkeys(found, 0.0))]
