"""What claims on unpaired domains compare: means over pairs of domains, and how networks grow with their number."""

from __future__ import annotations

from .claim_sides import Compare
from .claim_verdicts import Comparison
from .published import published_name
from .scaling_figure import COUNTED
from .scores import LPIPS, REVERSE, Scores, growth

CLOSE_REVERSE = 3.0  # reverse accuracy: the thesis calls 0.1 (table 6.3) and 1.2 (table 6.4) similar
DETERMINISTIC = ("cyclegan-domains", "icgan", "stargan")  # of tables 6.3 and 6.4; MUNIT samples, as SDIT does


def scaling(*degrees: tuple[str, int]) -> Compare:
    """How the number of encoders grows with the number of domains, counted on the real modules."""

    def compare(scores: Scores) -> list[Comparison]:
        counted = growth(COUNTED)
        return [
            Comparison(f"degree in N, {method}", "degree", {}, {}, degree - 0.5, degree + 0.5, counted[method])
            for method, degree in degrees
            if method in counted
        ]

    return compare


def diversity(scores: Scores) -> list[Comparison]:
    """SDIT's LPIPS above that of the other rows of tables 6.3 and 6.4."""
    mine = _sdit(scores)
    ours = scores.domains.get((mine, *LPIPS), {})
    return [
        Comparison(f"{mine} - {name}", "LPIPS", ours, scores.domains.get((name, *LPIPS), {}))
        for name in (*DETERMINISTIC, "munit")
    ]


def reverse_accuracy(scores: Scores) -> list[Comparison]:
    """SDIT's reverse accuracy above that of translators without samples, and close to MUNIT's."""
    mine = _sdit(scores)
    ours, *theirs, munit = (scores.domains.get((name, *REVERSE), {}) for name in (mine, *DETERMINISTIC, "munit"))
    others = zip(DETERMINISTIC, theirs, strict=True)
    return [
        *(Comparison(f"{mine} - {name}", "RCA, %", ours, side) for name, side in others),
        Comparison(f"{mine} - munit", "RCA, %", ours, munit, -CLOSE_REVERSE, CLOSE_REVERSE),
    ]


def _sdit(scores: Scores) -> str:
    """The method that is the tables' SDIT on a data set: without attention on artworks (6.5.4)."""
    return next(name for name in ("sdit", "sdit-no-attention") if published_name(scores.dataset, name) == "sdit")
