"""Tables 6.3 and 6.4 beside ours: golden text, every number found, what blocks a comparison, what is absent."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pandas as pd
import pytest
from mmbench.reports import all_pairs, domain_table, published, verdict_table
from result_rows import paper_results, table_of, values_of

from mmbench.reporting import Results, Table

NAN = float("nan")
COLOURS = ("blue", "green", "orange", "yellow")
ARTS = ("photo", "monet", "ukiyoe", "cezanne")
ROWS = {
    "colored-objects-4": (COLOURS, ("cyclegan-domains", "stargan", "icgan", "munit", "sdit")),
    "artworks-4": (ARTS, ("cyclegan-domains", "stargan", "icgan", "munit", "sdit-no-attention")),
}
TITLES = {"cyclegan-domains": "CycleGAN, domains", "stargan": "StarGAN", "sdit": "SDIT", "munit": "MUNIT"}


def cell(
    method: str,
    made: Mapping[str, tuple[float, float]],
    real: Mapping[str, tuple[float, float]],
    published: str = "colored-objects-4",
    seeds: int = 3,
    **fields: Any,
) -> list[dict[str, Any]]:
    """A method's rows of every pair. ``made`` and ``real``: target -> reverse accuracy and LPIPS."""
    rows = []
    for seed in range(seeds):
        for source, target in permutations(made, 2):
            metrics = {
                "content": 0.5,
                "sample_diversity": 0.0,
                "lpips/translated": made[target][1],
                "lpips/real": real[target][1],
                "reverse_accuracy/seen": 1.0,
                "reverse_accuracy/all": made[target][0],
                "reverse_ceiling": real[target][0],
            }
            place = {"dataset": published, "published_dataset": published, "profile": "paper"}
            about = {**place, "inputs": source, "output": target, "output_kind": "domain", "base_method": method}
            rows += values_of(method, metrics, seed=seed, **{**about, "title": TITLES.get(method, method), **fields})
    return rows


def theirs(dataset: str, method: str) -> dict[str, tuple[float, float]]:
    """The published accuracy and LPIPS of every domain."""
    numbers = published.load()
    numbers = numbers[(numbers["dataset"] == dataset) & (numbers["method"] == method)]
    found = numbers.pivot_table("value", "output", "metric")
    domains = ROWS[dataset][0]
    pairs = zip(found["reverse_classification_accuracy"][list(domains)], found["lpips"][list(domains)], strict=True)
    return dict(zip(domains, pairs, strict=True))


def means(results: Results) -> Table:
    (table,) = (
        t for t in domain_table.build(results, published.load()) if t.name.startswith("domains-all-") and not t.detail
    )
    return table


GOLDEN = """\
Domains, all pairs: colored-objects-4, profile paper

method             seeds         RCA  published  difference  verdict          LPIPS  published  difference  verdict
-----------------  -----  ----------  ---------  ----------  -------  -------------  ---------  ----------  -------
REAL IMAGES
Real images            3  98.4 ± 0.0       98.4        +0.0  agrees   0.652 ± 0.000      0.652      +0.000  agrees
TRANSLATIONS
CycleGAN, domains      3  88.5 ± 0.0       93.5        -5.0  worse    0.593 ± 0.000      0.592      +0.001  agrees
SDIT                   3  97.1 ± 0.0       97.1        +0.0  agrees   0.512 ± 0.000      0.612      -0.100  worse

Means over targets"""
MARKDOWN = """\
| SDIT              |       3 | 97.1 ± 0.0 |        97.1 |         +0.0 | agrees    |\
 0.512 ± 0.000 |       0.612 |       -0.100 | worse     |
"""


def test_golden_table() -> None:
    """CycleGAN as published but for blue's accuracy, 20 points lower, so that the mean is 5; SDIT is not diverse."""
    real = theirs("colored-objects-4", "real")
    cyclegan = theirs("colored-objects-4", "cyclegan")
    cyclegan["blue"] = (cyclegan["blue"][0] - 20, cyclegan["blue"][1])
    sdit = {target: (rca, lpips - 0.1) for target, (rca, lpips) in theirs("colored-objects-4", "sdit").items()}
    results = paper_results(table_of(cell("sdit", sdit, real), cell("cyclegan-domains", cyclegan, real)))
    table = means(results)
    assert table.text().startswith(GOLDEN)
    assert MARKDOWN in table.markdown()
    assert table.name == "domains-all-colored-objects-4-paper"
    methods = table.frame["command"].str.extract("--methods ([a-z-]+) --dataset colored-objects-4 --profile paper")
    assert methods[0].tolist() == ["sdit", "cyclegan-domains", "sdit"] and table.tip == "command"


def test_every_published_number_stands_beside_a_result() -> None:
    """Put at the papers' sizes, with the metrics that a cell writes."""
    parts = []
    for dataset, (domains, methods) in ROWS.items():
        some = dict.fromkeys(domains, (50.0, 0.5))
        parts += [cell(method, some, some, dataset) for method in methods]
    found = all_pairs.compared(paper_results(table_of(*parts)), published.load())
    lines = [place.line for one in found for place in one.theirs.places]
    numbers = published.load()
    assert sorted(lines) == numbers.index[numbers["table"].isin(["6.3", "6.4"])].tolist() and len(lines) == 120
    summary = verdict_table.build(paper_results(table_of(*parts)), published.load())[0]
    assert summary.frame.loc[summary.frame["table"] == "thesis, table 6.4", "no result"].item() == 0


def compared(method: str, dataset: str = "colored-objects-4", seeds: int = 3, **more: Any) -> dict[str, str]:
    some = dict.fromkeys(ROWS[dataset][0], (50.0, 0.5))
    results = paper_results(table_of(cell(method, some, some, dataset, seeds)), **more)
    found = [one for one in all_pairs.compared(results, published.load()) if one.row != "Real images"]
    return {one.header: f"{one.judgement.verdict}: {'; '.join(one.judgement.reasons)}" for one in found}


def test_what_blocks_a_comparison() -> None:
    assert compared("sdit")["RCA mean"] == "worse: "
    assert compared("sdit", seeds=1)["RCA mean"] == "not comparable: seeds: 1, at least 3 are needed"
    small = compared("sdit", profile_values={"size": 64, "network": {"width": 4, "poolings": 2}})
    assert set(small.values()) == {"not comparable: image size: 64, published 128"}
    said = "not comparable: pairs: only those with the anchor are trained, published a model for every pair"
    assert set(compared("munit").values()) == {said}
    assert compared("mmnet-domains") == compared("cyclegan-anchor") == {}


def test_on_artworks_the_published_sdit_is_without_attention() -> None:
    assert compared("sdit", "artworks-4") == {}
    found = compared("sdit-no-attention", "artworks-4")
    assert found["RCA mean"] == "worse: "
    said = "source inconsistent: source: its domains average 0.813, its mean is 0.828"
    assert {header for header, verdict in found.items() if verdict == said} == {
        "LPIPS photo", "LPIPS monet", "LPIPS ukiyoe", "LPIPS cezanne", "LPIPS mean"
    }  # fmt: skip


def test_without_lpips_the_accuracies_stand_alone() -> None:
    """As where AlexNet's weights cannot be had; a mean is one of all targets, or none."""
    real = dict.fromkeys(COLOURS, (90.0, NAN))
    made = {**dict.fromkeys(COLOURS, (60.0, NAN)), "blue": (NAN, NAN)}
    results = paper_results(table_of(cell("sdit", made, real)))
    table = means(results)
    assert "LPIPS" not in table.frame and "LPIPS is absent" in table.note
    assert table.frame["RCA"].tolist() == pytest.approx([90.0, NAN], nan_ok=True)
    headers = [one.header for one in all_pairs.compared(results, published.load()) if one.row == "SDIT"]
    assert sorted(headers) == ["RCA green", "RCA orange", "RCA yellow"]


def test_real_images_are_those_of_the_method_with_most_seeds_and_no_change() -> None:
    real, more = dict.fromkeys(COLOURS, (90.0, 0.6)), dict.fromkeys(COLOURS, (80.0, 0.6))
    parts = [
        cell("sdit", real, real, seeds=2),
        cell("stargan", real, more, seeds=4, change="lr=1"),
        cell("icgan", real, real),
    ]
    frame = means(paper_results(table_of(*parts))).frame
    assert (frame["row"][0], frame["seeds"][0], frame["RCA"][0]) == ("Real images", 3, 90.0)


def test_without_published_numbers_ours_stand_alone() -> None:
    some = {"a": (50.0, 0.5), "b": (60.0, 0.7)}
    rows = table_of(cell("sdit", some, some, published_dataset="", dataset="own"))
    names = [table.name for table in all_pairs.tables(Results(rows), published.load())]
    assert names == ["domains-all-own-paper", "domains-all-rca-own-paper", "domains-all-lpips-own-paper"]
    table, accuracy, lpips = all_pairs.tables(Results(rows), pd.DataFrame())
    assert "published RCA" not in table.frame and "agrees" not in table.text()
    assert table.frame["RCA"].tolist() == [55.0, 55.0] and table.frame["LPIPS"].tolist() == pytest.approx([0.6, 0.6])
    assert accuracy.frame[["a", "b", "mean"]].values.tolist() == [[50.0, 60.0, 55.0]] * 2
    assert lpips.frame["b"].tolist() == pytest.approx([0.7, 0.7])


def test_what_older_results_call_lpips_is_the_diversity_of_samples() -> None:
    old = {"content": 0.5, "lpips": 0.25, "reverse_accuracy/seen": 40.0, "reverse_ceiling": 90.0}
    about: dict[str, Any] = {"dataset": "own", "published_dataset": "", "profile": "paper", "output_kind": "domain"}
    rows = table_of(values_of("sdit", old, inputs="a", output="b", **about))
    tables = domain_table.build(Results(rows), published.load())
    assert tables[0].frame["Diversity"].dropna().tolist() == [0.25]
    assert not [table.name for table in tables if "domains-all" in table.name]


def test_rows_without_lpips_are_named() -> None:
    whole, half = {"blue": (50.0, 0.4), "green": (50.0, 0.4)}, {"blue": (50.0, NAN), "green": (50.0, NAN)}
    rows = table_of(cell("stargan", whole, whole), cell("sdit", half, whole))
    table = all_pairs.tables(Results(rows), published.load())[0]
    assert "LPIPS is absent for SDIT: AlexNet's weights could not be had" in table.note
