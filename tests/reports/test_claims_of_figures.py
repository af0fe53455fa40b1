"""Claims on alignment during training (figure 4.11) and on unpaired domains (chapter 6, growth with their number)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from claim_results import DOMAINS, OTHERS, SEEDS, cards, factors, log, results, row
from mmbench.reports import claims
from mmbench.reports.alignment_log import points
from mmbench.reports.claim_verdicts import FAILS, HOLDS, UNDECIDED, UNTESTED
from mmbench.reports.scores import growth

BROKEN = (
    '{"stage": "align", "alignment/a-b": 0.1',
    '["alignment/"]',
    '{"stage": "align", "total_step": 2, "alignment/a-b": "x"}',
)


def test_c13_reads_the_alignment_at_each_stages_end(tmp_path: Path) -> None:
    for seed in (0, 1):
        rise = 0.01 * seed
        before = ("translate", 1, factors(0.9, 0.9)), ("translate", 2, factors(0.3, 0.5))
        nothing: dict[str, Any] = {"losses": {}}
        after = ("align", 1, factors(0.8 + rise, 0.9)), ("align", 2, nothing), ("re-estimate", 1, factors(0.0, 0.0))
        log(tmp_path, "mmnet", seed, *before, *after, *BROKEN)
        log(tmp_path, "mmnet-pp", seed, ("pseudo-pairs", 1, factors(0.84 + rise, 0.9)))
    (tmp_path / "rooms/laptop/mmnet/seed-x").mkdir()
    card = cards(row("mmnet", 40.0), runs=tmp_path).loc["C13 papers"]
    # Means of two pairs: 0.4, then 0.85, then 0.87 (seed 1: 0.855 and 0.875).
    assert (card["verdict"], card["comparison"]) == (HOLDS, "rise in stage 3")
    assert card["effect"] == pytest.approx(2.0)


def test_lines_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    log(tmp_path, "mmnet", 0, *BROKEN, ("align", 3, factors(0.5, 0.7)))
    (point,) = points(tmp_path / "rooms/laptop/mmnet/seed-0")
    assert (point.stage, point.step, dict(point.factors)) == ("align", 3, {"a-b": 50.0, "a-c": 70.0})
    assert point.mean == pytest.approx(60.0)


@pytest.mark.parametrize(("later", "expected"), [(0.6, HOLDS), (0.4, FAILS)])
def test_c21_wants_each_curve_to_rise(tmp_path: Path, later: float, expected: str) -> None:
    """The second pair rises from 0.5 to 0.6 in stage two or falls to 0.4, while the mean rises."""
    for seed in (0, 1):
        start, end = ("translate", 1, factors(0.3, 0.5)), ("align", 1, factors(0.9, later))
        log(tmp_path, "mmnet", seed, start, end)
        log(tmp_path, "mmnet-pp", seed, ("pseudo-pairs", 1, factors(0.95, later + 0.01)))
    card = cards(row("mmnet", 40.0), runs=tmp_path)
    assert (card.loc["C21 papers", "verdict"], card.loc["C13 papers", "verdict"]) == (expected, HOLDS)
    assert card.loc["C21 papers", "held"] == ("4 of 4" if expected == HOLDS else "3 of 4")


@pytest.mark.parametrize(
    ("middle", "end", "expected"), [(0.7, 0.75, HOLDS), (0.55, 0.75, FAILS), (0.45, 0.5, FAILS), (0.7, 0.4, FAILS)]
)
def test_c22_wants_most_of_a_rise_in_a_stages_first_half(
    tmp_path: Path, middle: float, end: float, expected: str
) -> None:
    """Stage two starts at 0.5: first half +0.2, +0.05, -0.05, +0.2; second half +0.05, +0.2, +0.05, -0.3."""
    for seed in (0, 1):
        first = [("translate", step, factors(value, value)) for step, value in ((2, 0.1), (5, 0.48), (10, 0.5))]
        second = [("align", step, factors(value, value)) for step, value in ((4, 0.6), (5, middle), (10, end))]
        log(tmp_path, "mmnet", seed, *first, *second)
        third = [("pseudo-pairs", step, factors(value, value)) for step, value in ((2, end + 0.02), (4, end + 0.03))]
        log(tmp_path, "mmnet-pp", seed, *third)
    card = cards(row("mmnet", 40.0), runs=tmp_path).loc["C22 papers"]
    assert card["verdict"] == expected


def test_c22_needs_a_line_within_each_stage(tmp_path: Path) -> None:
    for seed in (0, 1):
        log(tmp_path, "mmnet", seed, ("translate", 10, factors(0.3, 0.3)), ("align", 10, factors(0.8, 0.8)))
        log(tmp_path, "mmnet-pp", seed, ("pseudo-pairs", 10, factors(0.9, 0.9)))
    assert cards(row("mmnet", 40.0), runs=tmp_path).loc["C22 papers", "verdict"] == UNTESTED


ROWS = ("mmnet-translations", "mmnet-autoencoders", "mmnet-no-noise", "mmnet", "mmnet-pp")


@pytest.mark.parametrize(
    ("alignment", "expected"), [((0.1, 0.3, 0.5, 0.7, 0.9), HOLDS), ((0.9, 0.7, 0.5, 0.3, 0.1), FAILS)]
)
def test_c23_ranks_the_rows_of_table_4_3(tmp_path: Path, alignment: tuple[float, ...], expected: str) -> None:
    for name, value in zip(ROWS, alignment, strict=True):
        for seed in (0, 1):
            stage = "pseudo-pairs" if name == "mmnet-pp" else "align"
            log(tmp_path, name, seed, (stage, 1, factors(value, value)))
    results = [row(name, 10.0 + 5 * place) for place, name in enumerate(ROWS)]
    card = cards(*results, runs=tmp_path).loc["C23 papers"]
    assert (card["verdict"], card["effect"]) == (expected, pytest.approx(1.0 if expected == HOLDS else -1.0))
    assert cards(*results[:4], runs=tmp_path).loc["C23 papers", "verdict"] == UNTESTED


def test_c12_and_c27_read_how_networks_grow(tmp_path: Path) -> None:
    counts = [("mmnet-domains", n, 2 * n) for n in (2, 3, 4, 5, 11)] + [("cyclegan", n, n * n - n) for n in range(2, 9)]
    counts += [("sdit", n, 1) for n in (2, 3, 4)]
    file = tmp_path / "scaling.csv"
    pd.DataFrame(counts, columns=["method", "domains", "encoders"]).to_csv(file, index=False)
    assert growth(file) == {"mmnet-domains": 1.0, "cyclegan": 2.0, "sdit": 0.0}
    card = cards(row("stargan", 40.0, **DOMAINS, metric="classification_accuracy"))
    assert list(card.loc[["C12 papers", "C27 papers"], "verdict"]) == [HOLDS, HOLDS], "counted, whatever was trained"
    assert "C12 papers" not in cards(row("mmnet", 40.0)).index
    file.write_text("method,domains\nmmnet-domains,2\n")
    assert growth(file) == {}
    assert growth(tmp_path / "absent.csv") == {}


BASELINES = ("cyclegan-domains", "icgan", "stargan", "munit")
LPIPS: dict[str, Any] = {**DOMAINS, "metric": "lpips", "cls": "translated"}
REVERSE: dict[str, Any] = {**DOMAINS, "metric": "reverse_accuracy", "cls": "all"}


@pytest.mark.parametrize(("ours", "expected"), [(0.62, HOLDS), (0.58, FAILS), (0.607, UNDECIDED)])
def test_c25_compares_diversity_over_targets(ours: float, expected: str) -> None:
    """MUNIT has 0.5 and 0.714 of two targets. Real images, and samples of one image, are something else."""
    noise = (0.001, 0.0, -0.001)
    theirs = [row(name, 0.59, noise, **LPIPS) for name in BASELINES[:3]]
    munit = row("munit", 0.5, noise, **LPIPS), row("munit", 0.714, noise, **{**LPIPS, "output": "c"})
    others = row("sdit", 0.1, **{**LPIPS, "cls": "real"}), row("sdit", 0.1, **{**LPIPS, "cls": ""})
    card = cards(row("sdit", ours, (0.0, -0.001, 0.001), **LPIPS), *theirs, *munit, *others).loc["C25 papers"]
    assert (card["verdict"], card["unit"]) == (expected, "LPIPS")
    assert card["effect"] == pytest.approx(ours - 0.607)


def test_an_effect_of_any_unit_is_printed_with_three_digits() -> None:
    """The papers' SDIT is 0.004 of LPIPS above their MUNIT, the least favourable of its comparisons."""
    lpips = [row(name, value, **LPIPS) for name, value in zip(("sdit", *BASELINES), (0.612, *4 * [0.608]), strict=True)]
    scorecard, _ = claims.build(results(*lpips), pd.DataFrame())
    assert "+0.00400" in scorecard.text() and "+1.00" in scorecard.text(), "the latter is the degree in C12"


@pytest.mark.parametrize(
    ("munit", "stargan", "expected"),
    [(97.0, 90.0, HOLDS), (90.0, 90.0, FAILS), (99.5, 90.0, FAILS), (97.0, 98.0, FAILS), (99.0, 90.0, UNDECIDED)],
)
def test_c26_compares_reverse_accuracy_of_all_pairs(munit: float, stargan: float, expected: str) -> None:
    means = {"sdit": 96.0, "cyclegan-domains": 90.0, "icgan": 90.0, "stargan": stargan, "munit": munit}
    noise = {"munit": OTHERS}
    parts = [row(name, mean, noise.get(name, SEEDS), **REVERSE) for name, mean in means.items()]
    others = row("sdit", 10.0, **{**REVERSE, "cls": "seen"}), row("sdit", 10.0, **{**REVERSE, "cls": "unseen"})
    assert cards(*parts, *others).loc["C26 papers", "verdict"] == expected
    assert cards(*parts[1:], *others).loc["C26 papers", "verdict"] == UNTESTED


def test_on_artworks_it_is_sdit_without_attention_that_table_6_4_prints() -> None:
    place = {**LPIPS, "dataset": "artworks-4"}
    theirs = [row(name, 0.59, (0.001, 0.0, -0.001), **place) for name in BASELINES]
    ours = row("sdit-no-attention", 0.62, (0.0, -0.001, 0.001), **place)
    card = cards(ours, *theirs, row("sdit", 0.1, **place)).loc["C25 papers"]
    assert (card["verdict"], card["comparison"]) == (HOLDS, "sdit-no-attention - cyclegan-domains")


def test_c26_averages_over_targets_not_over_rows() -> None:
    """One target has three rows with one classifier's 90, the other one row with 50: the mean is 70."""
    rows = [row("sdit", 90.0, **{**REVERSE, "inputs": name}) for name in "acd"]
    rows.append(row("sdit", 50.0, **{**REVERSE, "output": "c"}))
    card = cards(*rows, row("munit", 60.0, **REVERSE)).loc["C26 papers"]
    assert (card["comparison"], card["effect"]) == ("sdit - munit", pytest.approx(10.0))
