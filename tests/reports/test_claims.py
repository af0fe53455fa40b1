"""The scorecard: verdicts of comparisons and of claims, what is listed for a data set, missing or damaged input."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log, sqrt
from typing import Any

import pandas as pd
import pytest
from claim_results import DOMAINS, DS, cards, results, row
from mmbench.reports import claims
from mmbench.reports.claim_list import CLAIMS
from mmbench.reports.claim_verdicts import (
    FAILS,
    FAIR,
    HOLDS,
    OURS,
    PAPERS,
    UNDECIDED,
    UNTESTED,
    Comparison,
    decisive,
    verdict,
)

from mmbench.reporting import COLUMNS, Results


def compare(
    first: Sequence[float], second: Sequence[float], lower: float = 0.0, upper: float = inf, *, ratio: bool = False
) -> Comparison:
    return Comparison("", "", dict(enumerate(first)), dict(enumerate(second)), lower, upper, ratio=ratio)


@pytest.mark.parametrize(
    ("first", "second", "bounds", "expected"),
    [
        ((5.0, 5.1, 5.2), (1.0, 1.2, 1.1), (), HOLDS),
        ((1.0, 1.2, 1.1), (5.0, 5.1, 5.2), (), FAILS),
        ((5.0, 1.0, 3.0), (1.0, 4.0, 2.5), (), UNDECIDED),
        ((5.0,), (1.0,), (), UNDECIDED),
        ((), (1.0, 2.0), (), UNTESTED),
        ((1.0, 1.0), (1.0, 1.0), (), UNDECIDED),
        ((5.0, 5.1), (5.1, 5.2), (-2.0, 2.0), HOLDS),
        ((5.0, 5.1, 5.2), (1.0, 1.1, 1.2), (-2.0, 2.0), FAILS),
        ((1.0, 1.1, 1.2), (5.0, 5.1, 5.2), (-2.0, 2.0), FAILS),
        ((5.0, 5.9), (5.1, 4.2), (-2.0, 2.0), UNDECIDED),
        ((2.0, 2.1), (0.0, 0.1), (-inf, 3.0), HOLDS),
        ((9.0, 9.1), (0.0, 0.1), (-inf, 3.0), FAILS),
    ],
)
def test_a_comparison_is_decided_by_its_interval_only(
    first: tuple[float, ...], second: tuple[float, ...], bounds: tuple[float, ...], expected: str
) -> None:
    assert compare(first, second, *bounds).verdict == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((50.0, 51.0, 52.0), (20.0, 20.1, 20.2), HOLDS),
        ((39.0, 39.1, 39.2), (20.0, 20.1, 20.2), FAILS),
        ((50.0, 30.0, 44.0), (20.0, 20.1, 20.2), UNDECIDED),
        ((50.0,), (20.0,), UNDECIDED),
        ((50.0, 51.0), (20.0, 0.0), UNDECIDED),
        ((50.0, 51.0), (-1.0, -1.0), UNDECIDED),
        ((), (20.0,), UNTESTED),
    ],
)
def test_a_ratio_is_decided_by_its_interval_only(
    first: tuple[float, ...], second: tuple[float, ...], expected: str
) -> None:
    assert compare(first, second, 2.0, ratio=True).verdict == expected


def test_the_interval_of_a_ratio_is_that_of_the_logarithms() -> None:
    """Ratios 2, 4, 8: geometric mean 4, logarithms log 4 - log 2, log 4, log 4 + log 2 with deviation log 2."""
    effect = compare((2.0, 12.0, 40.0), (1.0, 3.0, 5.0), 2.0, ratio=True).effect
    half = 4.302653 * log(2) / sqrt(3)
    assert effect.effect == pytest.approx(4.0)
    assert effect.low == pytest.approx(exp(log(4) - half), rel=1e-5)
    assert effect.high == pytest.approx(exp(log(4) + half), rel=1e-5)
    assert effect.pairs == 3


def test_a_claim_holds_only_if_all_do_and_fails_if_one_does() -> None:
    holds, fails = compare((5.0, 5.0), (1.0, 1.0)), compare((1.0, 1.0), (5.0, 5.0))
    single, none = compare((5.0,), (1.0,)), compare((), ())
    assert verdict([holds, holds]) == HOLDS
    assert verdict([holds, none]) == verdict([holds, single]) == verdict([none, single]) == UNDECIDED
    assert verdict([holds, fails, single, none]) == FAILS
    assert verdict([none, none]) == verdict([]) == UNTESTED


def test_the_decisive_comparison_is_the_least_favourable() -> None:
    barely, clearly = compare((1.1, 1.1), (1.0, 1.0)), compare((5.0, 5.0), (1.0, 1.0))
    single, none, fails = compare((9.0,), (1.0,)), compare((), ()), compare((0.0, 0.0), (1.0, 1.0))
    assert decisive([clearly, barely]) is barely
    assert decisive([none, single, barely]) is single
    assert decisive([none, barely]) is none
    assert decisive([barely, fails, none]) is fails
    assert decisive([]) is None


def test_comparisons_of_metrics_with_other_units_are_ordered_by_share() -> None:
    """3 of 60 points are less than 20 of 200 centimetres."""
    points, length = compare((63.0, 63.0), (60.0, 60.0)), compare((180.0, 180.0), (200.0, 200.0), -inf, 0.0)
    assert decisive([length, points]) is points
    assert decisive([length, compare((120.0, 120.0), (60.0, 60.0))]) is length


def test_the_effect_and_interval_are_paired_by_seed() -> None:
    # Differences 2, 3, 4: mean 3, standard deviation 1, t(2, 97.5 %) = 4.3027, so 3 ± 2.4842.
    made = cards(row("mmnet-pp", 40.0, (2.0, 13.0, 24.0)), row("mmnet-control", 40.0, (0.0, 10.0, 20.0)))
    card = made.loc["C2 fair"]
    assert (card["effect"], card["seeds"], card["verdict"]) == (pytest.approx(3.0), 3, HOLDS)
    assert (card["low"], card["high"]) == (pytest.approx(0.5158, abs=1e-4), pytest.approx(5.4842, abs=1e-4))


def test_ids_run_from_c1_without_a_gap_and_every_claim_of_the_papers_has_their_words() -> None:
    assert list(dict.fromkeys(claim.id for claim in CLAIMS)) == [f"C{number}" for number in range(1, 32)]
    for claim in CLAIMS:
        assert claim.reading in (PAPERS, FAIR, OURS)
        assert bool(claim.quote) == (claim.reading == PAPERS), claim.sentence
        assert bool(claim.source) == (claim.reading != OURS), claim.sentence
    assert len({(claim.id, claim.reading, claim.sentence) for claim in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize(
    ("fields", "about"),
    [
        (DS, ("depth", "segmentation")),
        ({"inputs": "nir", "output": "segmentation", "output_kind": "segmentation"}, ("nir", "segmentation")),
        ({"inputs": "segmentation", "output": "depth", "output_kind": "depth", "metric": "rmse_log"},
         ("segmentation", "depth")),
        ({"inputs": "theta2", "output": "theta3", "output_kind": "rgb", "metric": "classification_accuracy"},
         ("theta2", "theta3")),
        ({**DOMAINS, "metric": "classification_accuracy"}, None),
    ],
)  # fmt: skip
def test_a_data_set_shows_the_claims_that_concern_it(fields: dict[str, Any], about: tuple[str, str] | None) -> None:
    """Untested where their methods have no results; claims that are counted hold without any."""
    card = cards(row("prior", 5.0, **{"group": "chance", **fields}))
    concern = [claim for claim in CLAIMS if (claim.about and tuple(claim.about[:2])) == about]
    assert list(card["claim"]) == [claim.id for claim in concern]
    assert list(card["statement"]) == [claim.sentence for claim in concern]
    counted = card["unit"] == "degree"
    assert set(card.loc[~counted, "verdict"]) == {UNTESTED}
    assert set(card.loc[counted, "verdict"]) <= {HOLDS}


def test_the_page_says_that_no_point_of_a_figure_is_transcribed() -> None:
    with_figures, _ = claims.build(results(row("prior", 5.0, group="chance")), pd.DataFrame())
    without, _ = claims.build(results(row("prior", 5.0, **{**DOMAINS, "metric": "kid"})), pd.DataFrame())
    assert "no point of these figures is transcribed" in with_figures.note
    assert "transcribed" not in without.note


def test_a_changed_method_is_judged_apart() -> None:
    """Methods that a change does not concern stand beside it as they are; two changes are never one."""
    changed: dict[str, Any] = {"base_method": "mmnet-pp"}
    low = row("mmnet-pp+1", 1.0, change="latent_noise=9", **changed)
    high = row("mmnet-pp+2", 90.0, change="latent_noise=0.1", **changed)
    made = cards(row("mmnet-pp", 41.0), low, high, row("mmnet", 40.0)).loc["C2 papers"]
    assert made.set_index("where")["verdict"].to_dict() == {
        "rooms, profile laptop": HOLDS,
        "rooms, profile laptop, latent_noise=0.1 where it concerns a method": HOLDS,
        "rooms, profile laptop, latent_noise=9 where it concerns a method": FAILS,
    }


def test_stale_values_count_and_are_named_failed_ones_do_not() -> None:
    given = [row("mmnet-pp", 45.0, state="stale"), row("mmnet-control", 40.0), row("oracle", 90.0, state="failed")]
    table, details = claims.build(results(*given), pd.DataFrame())
    card = table.frame[(table.frame["claim"] == "C2") & (table.frame["reading"] == FAIR)].iloc[0]
    assert card["verdict"] == HOLDS
    assert table.note.endswith("3 of the values were made with other code (stale).")
    assert set(details.frame.loc[details.frame["claim"] == "C4", "verdict"]) == {UNTESTED}


@pytest.mark.parametrize("given", [pd.DataFrame(), pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame({"value": [1]})])
def test_nothing_without_results(given: pd.DataFrame) -> None:
    assert claims.build(Results(given), pd.DataFrame()) == []


@pytest.mark.parametrize("missing", [column for column in COLUMNS if column != "metric"])
def test_a_missing_column_does_not_crash(missing: str) -> None:
    given = pd.DataFrame([*row("mmnet-pp", 45.0), *row("mmnet-control", 40.0)], columns=list(COLUMNS))
    given.loc[0, "value"] = float("nan")
    for table in claims.build(Results(given.drop(columns=missing)), pd.DataFrame()):
        assert table.text()
