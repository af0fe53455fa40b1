"""The leaderboard: who is ranked with whom, ties, marks, what has not been run, and the committed page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mmbench.reports import leaderboard
from result_rows import ROOMS, row_of, table_of, values_of

from mmbench.publishing.leaderboard import PAGE, REFERENCE, ROOT, page
from mmbench.reporting import Listed, Results, Table

HERE = {**ROOMS, "published_dataset": "", "profile": "laptop"}
CHANCE = {"group": "chance", "title": "Per-pixel prior"}
BASELINE = {"group": "baselines"}
COSTS = {"parameters": 2e6, "flops": 3e9, "train_seconds": 120.0, "peak_memory_bytes": 1e6, "latency_ms": 1.0}
BLANK = dict.fromkeys(("inputs", "output", "output_kind", "via", "bn"))
METHODS = (
    Listed("mmnet", "M&MNets", ("cross-modal",)),
    Listed("dcn", "DCN-0", ("cross-modal",)),
    Listed("sdit", "SDIT", ("cross-domain",)),
)
DATASETS = (Listed("rooms", "Rooms", ("cross-modal",)), Listed("nyuv2", "NYU", ("cross-modal",)))


def cells(method: str, mious: Sequence[object], **fields: Any) -> list[dict[str, Any]]:
    """Rows of one method, a seed each, with what it cost."""
    where = {**HERE, "title": method.upper(), **fields}
    rows = []
    for seed, miou in enumerate(mious):
        rows += values_of(method, {"miou": miou}, seed=seed, **where)
        rows += values_of(method, COSTS, seed=seed, **{**where, **BLANK})
    return rows


def facts(who: Mapping[Any, Any], **more: Any) -> dict[str, Any]:
    return {
        **who, "commit": "c1", "harness": "same", "manifest": "m", "split_hashes": {"test": "t" * 64}, "key": "k" * 16,
        "pretrained": False, "parameters": 2e6, "peak_memory_bytes": 1e6, "timing": {"seconds": 120.0, "steps": 10},
        "hardware": {"precision": "fp32", "threads": 1, "gpu": "", "cpu": "x", "python": "3.11", "packages": {}},
        **more,
    }  # fmt: skip


def results(*rows: list[dict[str, Any]], more: Mapping[str, Mapping[str, Any]] | None = None) -> Results:
    """Results whose cells are of one data version and code, but for what ``more`` says by method or method/seed."""
    frame, found = table_of(*rows), []
    for who in frame[["dataset", "profile", "method", "seed"]].drop_duplicates().to_dict("records"):
        mine = {key: value for name in (who["method"], f"{who['method']}/{who['seed']}")
                for key, value in ((more or {}).get(name) or {}).items()}  # fmt: skip
        found.append(facts(who, **mine))
    return Results(frame, tuple(found), Path("nowhere"))


def tables(given: Results) -> dict[str, Table]:
    return {table.name: table for table in leaderboard.build(given, pd.DataFrame())}


def places(given: Results, where: str = "rooms-laptop") -> dict[str, float]:
    frame = tables(given)[f"leaderboard-{where}"].frame
    return {name: rank for name, rank in zip(frame["name"], frame["rank"], strict=True) if not math.isnan(rank)}


def test_means_over_seeds_are_ranked_and_bounds_are_not() -> None:
    given = results(
        cells("mmnet", [40.0, 42.0]), cells("cascade", [30.0], via="rgb", bn="re-estimated", **BASELINE),
        cells("oracle", [80.0], group="oracle"), cells("prior", [8.0], **CHANCE),
    )  # fmt: skip
    assert places(given) == {"mmnet": 1, "cascade": 2}
    row = row_of(tables(given)["leaderboard-rooms-laptop"].frame, name="mmnet")
    assert row["mIoU"] == 41.0 and row["mIoU std"] == pytest.approx(math.sqrt(2)) and row["seeds"] == 2
    assert (row["parameters (M)"], row["GFLOP/image"], row["training (min)"]) == (2.0, 3.0, 2.0)
    assert "41.0 ± 1.4" in tables(given)["leaderboard-rooms-laptop"].text()


def test_scores_that_print_alike_share_a_place_and_the_next_is_left_out() -> None:
    given = results(*(cells(name, [score]) for name, score in zip("abcd", (40.04, 39.96, 39.9, 50.0), strict=True)))
    assert places(given) == {"d": 1, "a": 2, "b": 2, "c": 4}


def test_profiles_are_ranked_apart() -> None:
    smoke = [cells(name, [score], profile="smoke") for name, score in (("c", 35.0), ("d", 20.0))]
    given = results(cells("a", [40.0]), cells("b", [30.0]), *smoke)
    assert places(given) == {"a": 1, "b": 2}
    assert places(given, "rooms-smoke") == {"c": 1, "d": 2}


@pytest.mark.parametrize(
    "other",
    [{"harness": "other"}, {"manifest": "n"}, {"split_hashes": {"test": "u" * 64}}, {"data_settings": {"split": "x"}}],
)
def test_other_code_or_data_are_ranked_apart(other: dict[str, Any]) -> None:
    rows = [cells(name, [score]) for name, score in zip("abcd", (40.0, 30.0, 50.0, 20.0), strict=True)]
    given = results(*rows, more={"c": other, "d": other})
    assert places(given) == {"a": 1, "b": 2, "c": 1, "d": 2}
    table = tables(given)["leaderboard-rooms-laptop"]
    assert table.text().count("DATA ") == 2 and "not ranked with each other" in table.note


def test_commits_count_where_the_code_is_not_known_to_be_the_same() -> None:
    """A stale cell, and one that does not record what all methods share."""
    rows = [cells("a", [40.0]), cells("b", [30.0]), cells("c", [50.0], state="stale"), cells("d", [20.0])]
    given = results(*rows, more={"b": {"commit": "c2"}, "d": {"harness": None, "commit": "c2"}})
    assert places(given) == {"a": 1, "b": 2}, "two commits, one code"
    codes = tables(given)["leaderboard-rooms-laptop"].frame.set_index("name")["code"]
    assert (codes["c"], codes["d"]) == ("c1", "c2") and codes["a"] == codes["b"] == "same"


def test_seeds_of_different_code_have_a_mean_and_no_place() -> None:
    given = results(
        cells("a", [40.0, 41.0]), cells("b", [30.0]), cells("c", [20.0]), more={"a/1": {"harness": "other"}}
    )
    assert places(given) == {"b": 1, "c": 2}
    row = row_of(tables(given)["leaderboard-rooms-laptop"].frame, name="a")
    assert row["mIoU"] == 40.5 and row["mark"] == "seeds of different data or code"


def test_a_row_that_is_below_the_prior_or_not_above_the_best_chance_level_is_marked() -> None:
    given = results(
        cells("a", [40.0]), cells("b", [8.0]), cells("c", [7.0]), cells("d", [1.0]),
        cells("prior", [8.0], **CHANCE), cells("majority", [3.0], group="chance"), more={"d": {"harness": "other"}},
    )  # fmt: skip
    marked = tables(given)["leaderboard-rooms-laptop"].frame.set_index("name")["mark"]
    assert marked.to_dict() == {
        "a": "", "b": "not above: Per-pixel prior", "c": "below the prior", "prior": "", "majority": "", "d": "",
    }  # fmt: skip
    assert "which looks at no input" in tables(given)["leaderboard-rooms-laptop"].note
    overview = tables(given)["leaderboard-cross-modal"]
    shown = overview.frame.set_index("name")["rooms, laptop"]
    assert shown[["b", "c"]].tolist() == ["8.0 (2)", "7.0 (3)†"] and "†: below the prior" in overview.note


def test_below_the_prior_and_above_another_guess() -> None:
    given = results(
        cells("a", [8.5]), cells("b", [7.0]), cells("prior", [8.0], **CHANCE), cells("majority", [9.0], group="chance")
    )
    marked = tables(given)["leaderboard-rooms-laptop"].frame.set_index("name")["mark"]
    assert marked.loc[["a", "b"]].tolist() == ["not above: MAJORITY", "below the prior"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "much", None, [1]])
def test_what_is_no_number_has_no_place(value: object) -> None:
    given = results(cells("a", [40.0]), cells("b", [30.0]), cells("c", [value]))
    assert places(given) == {"a": 1, "b": 2}
    assert "c" not in tables(given)["leaderboard-cross-modal"].frame.query("`rooms, laptop` != ''")["name"].tolist()


def test_a_failed_cell_and_a_damaged_one_have_no_place() -> None:
    given = results(cells("a", [40.0]), cells("b", [30.0]), cells("c", [50.0], state="failed"), cells("d", [60.0]),
                    more={"d": {"hardware": "none"}})  # fmt: skip
    assert places(given) == {"a": 1, "b": 2}
    row = row_of(tables(given)["leaderboard-rooms-laptop"].frame, name="d")
    assert row["mark"] == "data or code not known"


def test_one_alone_has_no_place() -> None:
    assert places(results(cells("a", [40.0]), cells("oracle", [50.0], group="oracle"))) == {}


def test_a_cascade_counts_with_fair_statistics_and_a_direct_row_before_one_through_the_anchor() -> None:
    via = {"via": "rgb", **BASELINE}
    given = results(
        cells("a", [40.0]), cells("a", [55.0], bn="re-estimated", **via),
        cells("b", [10.0], bn="trained", **via), cells("b", [20.0], bn="re-estimated", **via),
    )  # fmt: skip
    scores = tables(given)["leaderboard-rooms-laptop"].frame.set_index("name")["mIoU"]
    assert scores.to_dict() == {"a": 40.0, "b": 20.0}


def test_depth_stands_beside_the_main_score() -> None:
    depth = {**HERE, "inputs": "segmentation", "output": "depth", "output_kind": "depth"}
    given = results(cells("a", [40.0]), cells("b", [30.0]), values_of("a", {"delta_1.25": 0.5}, **depth))
    frame = tables(given)["leaderboard-rooms-laptop"].frame.set_index("name")
    assert frame["δ < 1.25"]["a"] == 0.5 and math.isnan(frame["δ < 1.25"]["b"])


def test_domains_have_the_judges_accuracy_on_unseen_pairs() -> None:
    rows = []
    for method, seen, unseen in (("sdit", 90.0, 40.0), ("munit", 50.0, 60.0)):
        where: dict[str, Any] = {
            "dataset": "colours",
            "profile": "laptop",
            "output_kind": "domain",
            "title": method,
            "output": "red",
        }
        for inputs, group, value in (("blue", "seen", seen), ("green", "zero-pair", unseen)):
            rows += values_of(method, {"classification_accuracy": value}, inputs=inputs, group=group, **where)
    given = results(rows)
    assert places(given, "colours-laptop") == {"munit": 1, "sdit": 2}
    assert "cross-domain" in " ".join(tables(given))
    assert "group" in tables(given)["leaderboard-colours-laptop"].hidden, "domains are not divided into groups"


def test_every_method_and_data_set_stands_there_run_or_not() -> None:
    given = results(
        cells("mmnet", [40.0, 42.0]), cells("mmnet+1f2e3d4c", [50.0], base_method="mmnet", change="norm=none")
    )
    made = tables(replace(given, known_methods=METHODS, known_datasets=DATASETS))
    frame = made["leaderboard-cross-modal"].frame
    assert frame.to_dict("records") == [
        {"method": "M&MNets", "name": "mmnet", "rooms, laptop": "41.0 ± 1.4 (2)", "nyuv2": ""},
        {"method": "DCN-0", "name": "dcn", "rooms, laptop": "", "nyuv2": ""},
    ]
    assert made["leaderboard-cross-domain"].frame["name"].tolist() == ["sdit"]
    changed = row_of(made["leaderboard-rooms-laptop"].frame, name="mmnet+1f2e3d4c")
    assert changed["method"] == "MMNET+1F2E3D4C, norm=none"
    assert not leaderboard.build(Results(pd.DataFrame(columns=list(given.rows))), pd.DataFrame())


def test_the_committed_page_is_what_its_command_makes() -> None:
    made = page(ROOT / REFERENCE)
    assert (ROOT / PAGE).read_text(encoding="utf-8") == made, "renew it: python -m mmbench.publishing.leaderboard"
    assert "36.5 ± 0.2" in made and "**Data 49e904f3, code 0445a75d6870**" in made
