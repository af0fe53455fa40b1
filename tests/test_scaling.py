"""Numbers of networks against N domains: real modules, the papers' claims, and the curve that carries on."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from mmbench.reports import scaling_figure

from mmbench.reporting import Results


@pytest.fixture
def scaling(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    return importlib.import_module("benchmarks.scaling")


@pytest.mark.parametrize("number", [3, 4])
def test_networks_of_every_method(scaling: ModuleType, number: int) -> None:
    pairs = number * (number - 1)
    expected = {
        "mmnet-domains": number, "pairwise-same": pairs, "cyclegan-pairwise": pairs,
        "cyclegan-anchor": 2 * (number - 1), "stargan": 1, "sdit": 1, "munit": number, "icgan": 1,
    }  # fmt: skip
    # Teachers from the anchor to each other modality, and a student for each unseen pair of those.
    students = (number - 1) + (number - 1) * (number - 2)
    without = {
        "dcn": (1, 1), "router": (1, 1), "frozen-features": (number, number - 1), "pseudo-label": (students, students)
    }  # fmt: skip
    assert {*expected, *without} == set(scaling.METHODS) == set(scaling_figure.LABELS)
    for method, networks in expected.items():
        made = scaling.count(method, number)
        assert (made.encoders, made.decoders, made.discriminators) == (networks,) * 3, method
    for method, both in without.items():
        made = scaling.count(method, number)
        assert (made.encoders, made.decoders, made.discriminators) == (*both, 0), method


def test_one_network_for_all_grows_by_stem_head_and_normalization(scaling: ModuleType) -> None:
    """Widths 64, 128, 256, with 2, 2 and 3 convolutions, the last of a level as wide as the next one: the decoder's
    norms have 256, 256, 128; 128, 64; 64, 64 channels, with a scale and a shift each; the sums have both twice.
    """
    ends = 2 * (3 * 64 * 9) + 64 + 3
    norms = 2 * (2 * 256 + 2 * 128 + 3 * 64)
    for method, times in (("dcn", 1), ("router", 2)):
        four, five = (scaling.count(method, number).parameters for number in (4, 5))
        assert five - four == ends + times * norms, method


def test_the_committed_counts_are_those_of_the_modules(scaling: ModuleType) -> None:
    committed = pd.read_csv(scaling_figure.COUNTED)
    for method in scaling.METHODS:
        made = scaling.count(method, 3)
        (row,) = committed[(committed["method"] == method) & (committed["domains"] == 3)].to_dict("records")
        assert row == vars(made)
    assert set(committed["domains"]) == set(scaling.NUMBERS)


def test_linear_for_mix_and_match_and_quadratic_for_pairs() -> None:
    committed = pd.read_csv(scaling_figure.COUNTED)
    squares = {}
    for method, mine in committed.groupby("method"):
        squares[method] = scaling_figure.polynomial(list(mine["domains"]), list(mine["parameters"]))[2]
    quadratic = {method for method, square in squares.items() if square > 0}
    assert quadratic == {"cyclegan-pairwise", "pairwise-same", "pseudo-label"}
    assert all(square == 0 for method, square in squares.items() if method not in quadratic)


def test_the_polynomial_is_that_of_numpy_and_must_meet_every_point() -> None:
    numbers = [2, 3, 4, 11, 20]
    values = [3 * n * n - 5 * n + 7 for n in numbers]
    found = scaling_figure.polynomial(numbers, values)
    assert [float(c) for c in found] == pytest.approx(np.polyfit(numbers, values, 2)[::-1].tolist())
    assert scaling_figure.at(found, 100) == 3 * 10**4 - 500 + 7
    with pytest.raises(ValueError, match="20 domains"):
        scaling_figure.polynomial(numbers, [*values[:-1], values[-1] + 1])


def test_the_figure_needs_results_of_domains() -> None:
    rows = pd.DataFrame({"output_kind": ["segmentation", "depth"]})
    assert scaling_figure.build(Results(rows), pd.DataFrame()) == []
    (figure,) = scaling_figure.build(Results(rows.assign(output_kind="domain")), pd.DataFrame())
    assert len(figure.png()) > 10_000
