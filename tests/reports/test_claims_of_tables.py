"""Claims on the papers' tables: results made so that each holds, does not or is undecided; readings kept apart."""

from __future__ import annotations

from typing import Any

import pytest
from claim_results import BASELINE, CASCADE, DS, FAIR, OTHERS, RDS, SD, baselines, cards, row
from mmbench.reports.claim_sides import ADVERSARIAL, TO_FOREST
from mmbench.reports.claim_verdicts import FAILS, HOLDS, UNDECIDED, UNTESTED
from mmbench.reports.scores import TABLE_BASELINES

from mmbench.reporting import SWEEP

RS: dict[str, Any] = {**DS, "inputs": "rgb", "group": "seen"}
NS: dict[str, Any] = {**DS, "inputs": "nir"}
RNS: dict[str, Any] = {**DS, "inputs": "rgb+nir", "group": "multi-modal"}
RDNS: dict[str, Any] = {**DS, "inputs": "rgb+depth+nir", "group": "multi-modal"}
RSD: dict[str, Any] = {**SD, "inputs": "rgb+segmentation", "group": "multi-modal"}
GLOBAL: dict[str, Any] = {"metric": "global_accuracy"}
OBSTACLE: dict[str, Any] = {"metric": "iou", "cls": "obstacle"}
FLOWERS: dict[str, Any] = {"dataset": "flowers", "inputs": "theta2", "output": "theta3", "output_kind": "rgb",
                           "metric": "classification_accuracy"}  # fmt: skip
SEEN_FLOWERS: dict[str, Any] = {**FLOWERS, "inputs": "theta1", "group": "seen"}
BOTH_FLOWERS: dict[str, Any] = {**FLOWERS, "inputs": "theta1+theta2", "group": "multi-modal"}
FIVE = {"delta_1.25": 0.01, "delta_1.25^2": 0.01, "delta_1.25^3": 0.01, "rmse_linear": -0.1, "rmse_log": -0.1}


def five(method: str, quality: float, **fields: Any) -> list[dict[str, Any]]:
    """A row in all five metrics of depth; more quality is a larger delta and a smaller error."""
    made = []
    for metric, share in FIVE.items():
        start = 0.3 if share > 0 else 9.0
        made += row(method, start + share * quality, (0.0, 0.0), **{**SD, **fields, "metric": metric})
    return made


def test_c1_of_the_papers_takes_their_baselines_as_they_evaluate_them() -> None:
    ours = row("mmnet", 40.0, OTHERS)
    card = cards(ours, baselines(), row("cascade", 50.0, **FAIR), row("unit", 50.0, **BASELINE))
    assert (card.loc["C1 papers", "verdict"], card.loc["C1 papers", "held"]) == (HOLDS, "6 of 6")
    assert cards(ours, baselines(50.0)).loc["C1 papers", "verdict"] == FAILS
    some = [record for record in baselines() if record["method"] != "stargan-paired"]
    card = cards(ours, some)
    assert (card.loc["C1 papers", "verdict"], card.loc["C1 papers", "held"]) == (UNDECIDED, "5 of 6")
    assert card.loc["C1 papers", "comparison"] == "mmnet - stargan-paired"


def test_c1_that_is_fair_takes_every_baseline_run() -> None:
    ours = row("mmnet", 40.0, OTHERS)
    assert cards(ours, baselines()).loc["C1 fair", "verdict"] == HOLDS
    card = cards(ours, baselines(), row("cascade", 50.0, **FAIR)).loc["C1 fair"]
    assert (card["verdict"], card["comparison"]) == (FAILS, "mmnet - cascade, BN re-estimated")
    card = cards(ours, baselines(), row("mmnet", 50.0, **CASCADE)).loc["C1 fair"]
    assert (card["verdict"], card["comparison"]) == (FAILS, "mmnet - mmnet via rgb")
    assert cards(ours, baselines(), row("unit", 50.0, **BASELINE)).loc["C1 fair", "verdict"] == FAILS
    assert cards(ours, baselines(), row("mmnet-pp", 50.0, **CASCADE)).loc["C1 fair", "verdict"] == HOLDS


@pytest.mark.parametrize(("theirs", "expected"), [(15.0, HOLDS), (25.0, FAILS), (20.0, UNDECIDED)])
def test_c1_more_than_doubles_is_a_ratio(theirs: float, expected: str) -> None:
    """Above in any case, by a factor of 2.67, 1.6 and about 2."""
    card = cards(row("mmnet", 40.0), baselines(theirs))
    assert list(card.loc[["C1 papers", "C1 fair"], "verdict"]) == [HOLDS, HOLDS]
    assert list(card.loc[["C1 papers 2", "C1 fair 2"], "verdict"]) == [expected, expected]
    shown = card.loc["C1 papers 2"]
    assert (shown["effect"], shown["unit"]) == (pytest.approx(40.0 / theirs, rel=1e-3), "ratio of mIoU")


def test_c2_is_against_mmnet_as_in_the_papers_and_against_the_control() -> None:
    pp, mmnet, control = row("mmnet-pp", 45.0), row("mmnet", 42.0), row("mmnet-control", 46.0)
    card = cards(pp, mmnet, control)
    assert (card.loc["C2 papers", "verdict"], card.loc["C2 papers", "effect"]) == (HOLDS, pytest.approx(3.0))
    assert (card.loc["C2 fair", "verdict"], card.loc["C2 fair", "effect"]) == (FAILS, pytest.approx(-1.0))
    assert cards(pp).loc["C2 papers", "verdict"] == UNTESTED


@pytest.mark.parametrize(("accuracy", "expected"), [(72.0, HOLDS), (74.0, FAILS), (69.0, FAILS), (73.0, UNDECIDED)])
def test_c2_gains_less_in_global_accuracy(accuracy: float, expected: str) -> None:
    """3 points of mIoU, and 2, 4, -1 or 3 of accuracy."""
    for reading, against in (("papers", "mmnet"), ("fair", "mmnet-control")):
        parts = [row("mmnet-pp", 45.0), row(against, 42.0, OTHERS)]
        parts += [row("mmnet-pp", accuracy, **GLOBAL), row(against, 70.0, OTHERS, **GLOBAL)]
        assert cards(*parts).loc[f"C2 {reading} 2", "verdict"] == expected


def test_c3_above_depth_is_the_papers_and_above_rgb_is_ours() -> None:
    both = row("mmnet", 45.0, **RDS, weights="0.8,0.2")
    swept = row("mmnet", 10.0, **RDS, weights="0,1", selection=SWEEP)
    card = cards(both, swept, row("mmnet", 42.0), row("mmnet", 46.0, **RS))
    assert (card.loc["C3 papers", "verdict"], card.loc["C3 papers", "effect"]) == (HOLDS, pytest.approx(3.0))
    assert (card.loc["C3 ours", "verdict"], card.loc["C3 ours", "effect"]) == (FAILS, pytest.approx(-1.0))


def test_c4_covers_pseudo_pairs_and_several_inputs() -> None:
    oracle = row("oracle", 60.0, group="oracle"), row("oracle-multimodal", 65.0, **{**RDS, "group": "oracle"})
    ours = row("mmnet", 50.0), row("mmnet-pp", 55.0), row("mmnet", 52.0, **RDS)
    assert cards(*oracle, *ours, row("mmnet-pp", 56.0, **RDS)).loc["C4 papers", "verdict"] == HOLDS
    assert cards(*oracle, *ours, row("mmnet-pp", 70.0, **RDS)).loc["C4 papers", "verdict"] == FAILS


@pytest.mark.parametrize(
    ("claim", "order"),
    [
        ("C5 papers", ["mmnet", "mmnet-none", "mmnet-skip"]),
        ("C6 papers", ["mmnet", "mmnet-no-noise", "mmnet-autoencoders", "mmnet-translations"]),
        ("C8 papers", ["mmnet", "mmnet-rgb-indices"]),
        ("C2 fair", ["mmnet-pp", "mmnet-control"]),
        ("C24 papers", ["unit", "cyclegan"]),
        ("C24 papers", ["unit", "cyclegan-residual"]),
    ],
)
def test_orders_of_methods(claim: str, order: list[str]) -> None:
    noise = ((0.1, 0.0, -0.1), (0.0, 0.1, 0.0))
    others = [row(name, 10.0) for name in ("cyclegan", "cyclegan-residual") if "unit" in order and name not in order]
    right = [row(name, 40.0 - 5 * place, noise[place % 2]) for place, name in enumerate(order)]
    wrong = [row(name, 40.0 + 5 * place, noise[place % 2]) for place, name in enumerate(order)]
    single = [row(name, 40.0 - 5 * place, (0.0,)) for place, name in enumerate(order)]
    assert cards(*right, *others).loc[claim, "verdict"] == HOLDS
    assert cards(*wrong, *others).loc[claim, "verdict"] == FAILS
    assert cards(*single, *others).loc[claim, "verdict"] == UNDECIDED
    assert cards(right[0]).loc[claim, "verdict"] == UNTESTED


def test_c5_takes_the_rows_without_pretraining_where_there_are_two_forms() -> None:
    pretrained = [row(name, 40.0, pretrained=True) for name in ("mmnet", "mmnet-none", "mmnet-skip")]
    scratch = [
        row(f"{name}-scratch", mean) for name, mean in (("mmnet", 43.0), ("mmnet-none", 30.0), ("mmnet-skip", 13.0))
    ]
    card = cards(*pretrained, *scratch).loc["C5 papers"]
    assert (card["verdict"], card["comparison"]) == (HOLDS, "mmnet-scratch - mmnet-none-scratch")


@pytest.mark.parametrize(("aligned", "expected"), [(45.0, HOLDS), (38.0, FAILS), (40.0, UNDECIDED)])
def test_c6_components_more_than_double(aligned: float, expected: str) -> None:
    parts = row("mmnet-translations", 6.5), row("mmnet-autoencoders", 20.0, OTHERS), row("mmnet-no-noise", aligned)
    assert cards(*parts).loc["C6 papers 2", "verdict"] == expected


def test_c7_is_about_pretrained_encoders_only() -> None:
    scratch = row("mmnet-scratch", 40.0)
    assert cards(row("mmnet", 45.0, pretrained=True), scratch).loc["C7 papers", "verdict"] == HOLDS
    assert cards(row("mmnet", 45.0, pretrained=False), scratch).loc["C7 papers", "verdict"] == UNTESTED


def test_c9_has_the_cascades_as_printed_and_as_they_are_fair() -> None:
    printed = (
        row("cascade", 6.0, **CASCADE),
        row("cascade-skip", 24.0, **CASCADE),
        row("pix2pix-cascade", 25.0, **CASCADE),
    )
    fair = row("cascade", 30.0, **FAIR), row("cascade-skip", 33.0, **FAIR), row("cyclegan", 6.5, **BASELINE)
    card = cards(*printed, *fair)
    assert (card.loc["C9 papers", "verdict"], card.loc["C9 papers", "effect"]) == (HOLDS, pytest.approx(-1.0))
    assert (card.loc["C9 papers 2", "verdict"], card.loc["C9 papers 2", "effect"]) == (HOLDS, pytest.approx(-0.5))
    assert (card.loc["C9 fair", "verdict"], card.loc["C9 fair 2", "verdict"]) == (FAILS, FAILS)
    assert card.loc["C9 fair 2", "effect"] == pytest.approx(23.5)
    far = row("pix2pix-cascade", 29.0, **CASCADE)
    worse = cards(*printed[:2], far).loc["C9 papers"]
    assert (worse["verdict"], worse["effect"]) == (FAILS, pytest.approx(-5.0))


ORDER = [
    five("mmnet", 30.0), five("mmnet-control", 31.0), five("mmnet-pp", 35.0), five("mmnet", 40.0, **RSD),
    five("mmnet-control", 41.0, **RSD), five("mmnet-pp", 42.0, **RSD), five("oracle", 50.0, group="oracle"),
    five("oracle-multimodal", 60.0, **{**RSD, "group": "oracle"}),
    *(five(name, 5.0, **(CASCADE if "cascade" in name else BASELINE)) for name in TABLE_BASELINES),
]  # fmt: skip
OF_C10 = {"papers": "25 of 25", "papers 2": "10 of 10", "papers 3": "5 of 5", "papers 4": "20 of 20",
          "fair": "30 of 30", "fair 2": "10 of 10"}  # fmt: skip


def test_c10_is_in_all_five_metrics_each_in_its_direction() -> None:
    card = cards(*ORDER)
    assert {name: card.loc[f"C10 {name}", "held"] for name in OF_C10} == OF_C10
    assert {card.loc[f"C10 {name}", "verdict"] for name in OF_C10} == {HOLDS}
    assert "C1 papers" not in card.index


@pytest.mark.parametrize("metric", FIVE)
def test_c10_fails_where_one_metric_does(metric: str) -> None:
    shift = -50 * FIVE[metric]  # below the baselines
    changed = [
        {**record, "value": record["value"] + shift}
        if (record["method"], record["metric"], record["inputs"]) == ("mmnet", metric, "segmentation")
        else record
        for part in ORDER
        for record in part
    ]
    card = cards(changed)
    assert list(card.loc[["C10 papers", "C10 fair"], "verdict"]) == [FAILS, FAILS]
    assert card.loc["C10 papers", "held"] == "20 of 25"


def test_c10_takes_cascades_with_bn_re_estimated_where_it_is_fair() -> None:
    card = cards(*ORDER, five("cascade", 32.0, **FAIR))
    assert (card.loc["C10 papers", "verdict"], card.loc["C10 fair", "verdict"]) == (HOLDS, FAILS)
    card = cards(*ORDER, five("mmnet-control", 36.0))
    assert (card.loc["C10 papers 2", "verdict"], card.loc["C10 fair 2", "verdict"]) == (HOLDS, FAILS)


def test_c11_is_on_flowers_against_mmnet_and_the_control() -> None:
    pp, control = row("mmnet-pp", 57.0, **FLOWERS), row("mmnet-control", 60.0, **FLOWERS)
    card = cards(pp, row("mmnet", 37.0, **FLOWERS), control)
    assert (card.loc["C11 papers", "verdict"], card.loc["C11 fair", "verdict"]) == (HOLDS, FAILS)
    assert card.loc["C11 papers", "where"] == "flowers, profile laptop"
    assert "C1 papers" not in card.index


def test_c14_has_a_tolerance_above_the_cascade_as_printed_and_as_it_is_fair() -> None:
    lowest, fair = row("cascade", 10.0, **CASCADE), row("cascade", 1.0, **FAIR)
    low = [row(name, 12.0, **BASELINE) for name in ADVERSARIAL]
    card = cards(lowest, fair, *low)
    assert (card.loc["C14 papers", "verdict"], card.loc["C14 fair", "verdict"]) == (HOLDS, FAILS)
    above = row("stargan-paired", 20.0, **BASELINE)
    assert cards(lowest, *low[:2], above).loc["C14 papers", "verdict"] == FAILS
    below = [row(name, 1.0, **BASELINE) for name in ADVERSARIAL]
    assert cards(lowest, fair, *below).loc["C14 papers", "verdict"] == HOLDS, (
        "far below the cascade is at most that much above"
    )


@pytest.mark.parametrize(("pp", "papers", "fair"), [(47.0, HOLDS, HOLDS), (45.0, HOLDS, FAILS), (43.0, FAILS, FAILS)])
def test_c15_is_of_the_multi_modal_rows(pp: float, papers: str, fair: str) -> None:
    unseen = row("mmnet-pp", 60.0), row("mmnet", 10.0), row("mmnet-control", 10.0)
    both = row("mmnet-pp", pp, **RDS), row("mmnet", 44.0, **RDS), row("mmnet-control", 46.0, **RDS)
    card = cards(*unseen, *both)
    assert (card.loc["C15 papers", "verdict"], card.loc["C15 fair", "verdict"]) == (papers, fair)


@pytest.mark.parametrize(
    ("without", "with_them", "expected"),
    [(77.5, 82.5, HOLDS), (77.5, 78.5, FAILS), (74.0, 80.0, FAILS), (77.5, 80.0, UNDECIDED)],
)
def test_c16_pseudo_pairs_double_the_gain_of_both_inputs(without: float, with_them: float, expected: str) -> None:
    """Over Θ1's 75: gains 2.5 and 7.5, 2.5 and 3.5, -1 and 5, 2.5 and about 5."""
    seen, control = row("mmnet", 75.0, **SEEN_FLOWERS), row("mmnet-control", 79.0, **BOTH_FLOWERS)
    ours = row("mmnet", without, OTHERS, **BOTH_FLOWERS), row("mmnet-pp", with_them, **BOTH_FLOWERS)
    card = cards(seen, control, *ours, row("mmnet", 36.0, **FLOWERS))
    assert card.loc["C16 papers", "verdict"] == expected
    assert card.loc["C16 fair", "verdict"] == (HOLDS if with_them > 79 else FAILS)


def forest(*, third: float, obstacle: float = 60.0) -> list[list[dict[str, Any]]]:
    """Rows of table 4.8 with and without pseudo-pairs; with three inputs as given."""
    rows = []
    for name in ("mmnet", "mmnet-pp"):
        rows += [row(name, 70.0), row(name, 71.0, **NS), row(name, 80.0, **RDS), row(name, 80.5, **RNS)]
        rows += [row(name, third, **RDNS)]
    rows += [row("mmnet", 50.0, **{**place, **OBSTACLE}) for place in (RDS, RNS)]
    return [*rows, row("mmnet", obstacle, **{**RDNS, **OBSTACLE})]


def test_c17_more_modalities_help() -> None:
    card = cards(*forest(third=82.0))
    assert (card.loc["C17 papers", "verdict"], card.loc["C17 papers", "held"]) == (HOLDS, "8 of 8")
    assert cards(*forest(third=80.2)).loc["C17 papers", "verdict"] == FAILS, "a third one must help over either pair"
    assert cards(*forest(third=82.0)[:-8]).loc["C17 papers", "verdict"] == UNDECIDED
    assert "C17 papers" not in cards(row("mmnet", 40.0)).index, "without near infrared"


@pytest.mark.parametrize(("obstacle", "expected"), [(60.0, HOLDS), (50.5, FAILS), (49.0, FAILS)])
def test_c17_obstacles_most(obstacle: float, expected: str) -> None:
    """mIoU rises by 2 and 1.5."""
    assert cards(*forest(third=82.0, obstacle=obstacle)).loc["C17 papers 2", "verdict"] == expected


def test_c18_is_of_near_infrared_and_the_baselines_of_its_table() -> None:
    ours = row("mmnet", 72.0, OTHERS, **NS), row("mmnet-pp", 75.0, **NS)
    theirs = baselines(50.0, TO_FOREST, inputs="nir")
    card = cards(*ours, theirs)
    assert (card.loc["C18 papers", "verdict"], card.loc["C18 papers", "held"]) == (HOLDS, "8 of 8")
    assert (card.loc["C18 fair", "verdict"], card.loc["C18 fair", "held"]) == (UNDECIDED, "8 of 12")
    card = cards(*ours, baselines(50.0, inputs="nir"))
    assert (card.loc["C18 fair", "verdict"], card.loc["C18 fair", "held"]) == (HOLDS, "12 of 12")
    card = cards(*ours, theirs, row("cascade", 73.0, **{**NS, **FAIR}))
    assert (card.loc["C18 papers", "verdict"], card.loc["C18 fair", "verdict"]) == (HOLDS, FAILS)
    assert cards(*ours, baselines(80.0, TO_FOREST, inputs="nir")).loc["C18 papers", "verdict"] == FAILS
    assert cards(ours[0], theirs).loc["C18 papers", "verdict"] == UNDECIDED


def test_c1_takes_the_table_of_a_data_set_with_near_infrared() -> None:
    ours, theirs = row("mmnet", 72.0, OTHERS), baselines(50.0, TO_FOREST)
    assert cards(ours, theirs).loc["C1 papers", "held"] == "4 of 6"
    assert cards(ours, theirs, row("mmnet", 73.0, **NS)).loc["C1 papers", "held"] == "4 of 4"


def test_c19_pseudo_pairs_on_near_infrared_alone_and_beside_others() -> None:
    places = (NS, RNS, RDNS)
    rows = [row(name, mean, **place) for place in places for name, mean in (("mmnet-pp", 75.0), ("mmnet", 72.0))]
    card = cards(*rows, *(row("mmnet-control", 76.0, **place) for place in places))
    assert (card.loc["C19 papers", "verdict"], card.loc["C19 papers", "held"]) == (HOLDS, "3 of 3")
    assert card.loc["C19 fair", "verdict"] == FAILS


@pytest.mark.parametrize(("of_depth", "expected"), [(40.0, HOLDS), (50.0, FAILS)])
def test_c20_compares_indices_at_the_papers_weight(of_depth: float, expected: str) -> None:
    def swept(mean: float, weights: str, side: str) -> list[dict[str, Any]]:
        return row("mmnet", mean, **RDS, weights=weights, side_from=side, selection=SWEEP)

    rows = swept(45.0, "0.8,0.2", "rgb"), swept(of_depth, "0.8,0.2", "depth")
    others = swept(90.0, "0,1", "depth"), swept(1.0, "0,1", "rgb"), row("mmnet", 40.0)
    card = cards(*rows, *others).loc["C20 papers"]
    assert (card["verdict"], card["effect"]) == (expected, pytest.approx(45.0 - of_depth))
    assert cards(rows[0], *others).loc["C20 papers", "verdict"] == UNTESTED


def test_later_methods_are_compared_with_mmnet_and_with_each_other() -> None:
    ours = (row("mmnet", 40.0, OTHERS), row("mmnet-pp", 42.0, OTHERS))
    later = (row("router-direct", 30.0, OTHERS), row("router-indirect", 35.0, **CASCADE), row("dcn", 45.0))
    card = cards(*ours, *later, row("pseudo-label", 30.0))
    assert list(card.loc[["C28 ours", "C29 ours", "C30 ours"], "verdict"]) == [FAILS, HOLDS, HOLDS]
    assert card.loc["C28 ours", "comparison"] == "router-direct - router-indirect"
    assert card.loc["C31 ours", "verdict"] == UNTESTED
    assert cards(*ours, row("pseudo-label", 50.0)).loc["C30 ours", "verdict"] == FAILS
    diffusion = (row("diffusion-router-direct", 36.0, OTHERS), row("diffusion-router", 30.0, **CASCADE))
    assert cards(*ours, *diffusion).loc["C31 ours", "verdict"] == HOLDS
