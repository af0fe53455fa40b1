"""Rows below the per-pixel prior: marked in every table with their score, and only those."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from mmbench.reports import (
    ablation_table,
    depth_table,
    image_table,
    segmentation_table,
    significance_table,
    verdict_table,
)
from mmbench.reports.prior_level import BELOW, MARK
from mmbench.reports.published import load
from result_rows import FLOWERS, ROOMS, only, paper_results, table_of, values_of

from mmbench.publishing import latex, page
from mmbench.reporting import Results, Table

PLAIN = {**ROOMS, "dataset": "own", "published_dataset": ""}
DEPTH = {**PLAIN, "inputs": "segmentation", "output": "depth", "output_kind": "depth"}
PRIOR: dict[str, Any] = {"title": "Per-pixel prior", "group": "chance"}
SENTENCE = "below the prior: on average over the seeds, mIoU is below that of the per-pixel prior"


def rows(method: str, scores: list[float], **fields: Any) -> list[dict[str, Any]]:
    """mIoU by seed; a method of its own name."""
    common = {**PLAIN, "title": method, "change": "", "base_method": method.partition("+")[0], **fields}
    return [row for seed, score in enumerate(scores) for row in values_of(method, {"miou": score}, seed=seed, **common)]


def segmentation(*parts: list[dict[str, Any]]) -> Table:
    return only(segmentation_table.build(Results(table_of(*parts)), load()))


def marks(table: Table) -> dict[str, str]:
    return dict(zip(table.frame["method"], table.frame[MARK], strict=True)) if MARK in table.frame else {}


def test_the_mean_over_seeds_counts_and_one_seed_of_the_prior_is_enough() -> None:
    table = segmentation(
        rows("low", [9.0, 6.9]), rows("high", [9.0, 7.1]), rows("equal", [8.0, 8.0]), rows("prior", [8.0], **PRIOR),
        rows("majority", [3.0], group="chance"),
    )  # fmt: skip
    assert marks(table) == {"low": BELOW, "high": "", "equal": "", "prior": "", "majority": ""}


def test_it_is_said_in_every_form_once() -> None:
    table = segmentation(rows("low", [7.0]), rows("lower", [6.0]), rows("prior", [8.0], **PRIOR))
    for made in (table.text(), table.markdown(), str(page.table(table)), latex.table(table)):
        assert made.count(SENTENCE) == 1
        assert made.count(BELOW) == 3  # two rows and the sentence
    assert table.csv().splitlines()[0].split(",")[2:5] == ["group", "row", "mark"]


@pytest.mark.parametrize(
    "other",
    [
        {"profile": "short"},
        {"dataset": "other"},
        {"output": "labels"},
        {"state": "failed"},
        {"base_method": "prior", "change": "per_pixel=False"},
    ],
)
def test_only_the_prior_of_the_same_data_and_profile_counts(other: dict[str, Any]) -> None:
    name = "prior+1f2e3d4c" if "change" in other else "prior"
    given = table_of(rows("low", [7.0]), rows(name, [8.0], **{**PRIOR, **other}))
    for table in segmentation_table.build(Results(given), load()):
        assert MARK not in table.frame and BELOW not in table.text()


@pytest.mark.parametrize("value", [float("nan"), "much", None])
def test_a_damaged_prior_marks_nothing(value: Any) -> None:
    assert not marks(segmentation(rows("low", [7.0]), rows("prior", [value], **PRIOR)))


def test_depth_goes_by_its_first_threshold_and_images_by_psnr() -> None:
    """Not by an error, of which less is better."""
    depth = [
        *values_of("low", {"delta_1.25": 0.3, "rmse_linear": 0.1}, **{**DEPTH, "title": "low"}),
        *values_of("prior", {"delta_1.25": 0.4, "rmse_linear": 0.9}, **{**DEPTH, **PRIOR}),
    ]
    made = only(depth_table.build(Results(table_of(depth)), load()))
    assert marks(made) == {"low": BELOW, "prior": ""}
    assert "δ < 1.25 is below that" in made.note
    image = [
        *values_of("low", {"psnr": 9.0}, **FLOWERS),
        *values_of("prior", {"psnr": 10.0}, **{**FLOWERS, **PRIOR}),
    ]
    assert marks(only(image_table.build(Results(table_of(image)), load()))) == {"low": BELOW, "prior": ""}


def test_ablations_and_verdicts_have_the_mark() -> None:
    where = {**ROOMS, "published_dataset": "scenenet-51k"}
    given = table_of(
        rows("mmnet", [40.0, 40.0, 40.0], **where), rows("mmnet-none", [7.0, 7.0, 7.0], **where),
        rows("prior", [8.0], **{**where, **PRIOR}),
    )  # fmt: skip
    results = paper_results(given, pretrained=False)
    side = ablation_table.build(results, load())[0]
    assert marks(side) == {"mmnet-none": BELOW, "mmnet": ""}
    assert SENTENCE in side.note
    numbers = verdict_table.build(results, load())[1]
    low = numbers.frame["row"].str.contains("none")
    assert low.any() and not low.all()
    assert (numbers.frame[MARK] == BELOW).tolist() == low.tolist()
    assert "the main score is below that" in numbers.text()


def test_differences_have_the_mark() -> None:
    """Statistics of the images are absent, and the means stand there nevertheless."""
    given = table_of(rows("mmnet", [40.0]), rows("low", [7.0]), rows("prior", [8.0], **PRIOR))
    made = only(significance_table.build(Results(given), pd.DataFrame()))
    assert marks(made) == {"low": BELOW, "prior": ""}
    assert SENTENCE in made.note
