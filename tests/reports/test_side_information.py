"""The report on side information: means and shares worked out by hand, groups, and what odd files do to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mmbench.reports import side_information

from mmbench.reporting import COLUMNS, Figure, Results, Table
from mmbench.store.digests import of_file
from mmbench.store.files import write_json, write_sealed

WHO = {"dataset": "rooms", "profile": "laptop", "method": "mmnet", "title": "M&MNets", "change": ""}


def score(side: str, group: str, miou: Any, latent: str = "input") -> dict[str, Any]:
    fields = {"inputs": "depth", "output": "segmentation", "output_kind": "segmentation", "side": side}
    return {**fields, "latent": latent, "group": group, "metrics": {"miou": miou}}


def counted(level: int, scenes: str, agreeing: int, compared: int, windows: int = 100) -> dict[str, Any]:
    counts = {"agreeing": agreeing, "compared": compared, "windows": windows}
    return {"modalities": "rgb,depth", "level": level, "scenes": scenes, **counts}


def looked_into(runs: Path, seed: int, rows: list[Any], agreement: list[Any]) -> None:
    cell = runs / "rooms" / "laptop" / "mmnet" / f"seed-{seed}"
    write_json(cell / "result.json", {"seed": seed})
    found = {"result": of_file(cell / "result.json"), "rows": rows, "agreement": agreement}
    write_sealed(cell / side_information.FILE, found)


def build(runs: Path, seeds: int = 2) -> dict[str, Table | Figure]:
    rows = [{**WHO, "seed": seed, "state": "done", "value": 1.0} for seed in range(seeds)]
    results = Results(pd.DataFrame(rows, columns=list(COLUMNS)), runs=runs)
    return {item.name: item for item in side_information.build(results, pd.DataFrame())}


def test_means_over_seeds_and_shares_of_windows(tmp_path: Path) -> None:
    for seed, miou in enumerate((10.0, 20.0)):
        rows = [score("rgb", "not zero-pair", 50.0 + seed), score("input", "zero-pair", miou)]
        rows += [score("random", "probe", 5.0), score("input", "probe", 8.0, "another scene")]
        agreement = [counted(1, "one", 10 + 10 * seed, 40), counted(1, "different", 10, 40), counted(2, "one", 0, 0)]
        looked_into(tmp_path, seed, rows, agreement)
    made = build(tmp_path)
    table, indices = made["side-information-rooms-laptop-segmentation"], made["side-information-indices-rooms-laptop"]
    assert isinstance(table, Table)
    assert isinstance(indices, Table)
    assert table.frame[["group", "side information of", "latent of", "mIoU", "seeds"]].values.tolist() == [
        ["zero-pair", "depth", "depth", 15.0, 2],
        ["probe", "nobody: random", "depth", 5.0, 2],
        ["probe", "depth", "another scene", 8.0, 2],
        ["not zero-pair", "rgb, as released", "depth", 50.5, 2],
    ]
    assert indices.frame[["level", "one scene", "different scenes", "compared", "seeds"]].values.tolist() == [
        [1, 37.5, 25.0, 40.0, 2]
    ], "mean of 10/40 and 20/40; a level without a window to compare has no share"
    assert "NOT ZERO-PAIR" in table.text()
    figure = made["side-information-rooms-laptop"]
    assert isinstance(figure, Figure)
    assert figure.png(dpi=30) == build(tmp_path)["side-information-rooms-laptop"].png(dpi=30)  # type: ignore[union-attr]


def test_released_names_rgbs_indices_for_depth_to_segmentation_alone() -> None:
    assert side_information._named("rgb", "depth", "segmentation") == "rgb, as released"
    assert side_information._named("rgb", "segmentation", "depth") == "rgb"
    assert side_information._named("depth", "segmentation", "depth") == "depth, the truth"
    assert side_information._named("input", "depth", "segmentation") == "depth"


@pytest.mark.parametrize(
    ("rows", "agreement"),
    [
        ([score("input", "zero-pair", None)], []),
        ([{**score("input", "zero-pair", 1.0), "output_kind": "nonsense"}], []),
        ([], [counted(1, "one", 0, 0)]),
        ([], []),
        ([score("input", "zero-pair", 1.0)], [{"level": 1}]),
        ([{"inputs": "depth"}], []),
        ([score("input", "zero-pair", "much")], []),
    ],
)
def test_without_a_number_there_is_nothing_to_show(rows: list[Any], agreement: list[Any], tmp_path: Path) -> None:
    looked_into(tmp_path, 0, rows, agreement)
    assert build(tmp_path, seeds=1) == {}


def test_scores_without_agreement_and_agreement_without_scores_are_shown(tmp_path: Path) -> None:
    looked_into(tmp_path, 0, [score("", "zero-pair", 1.0)], [])
    assert set(build(tmp_path, seeds=1)) == {
        "side-information-rooms-laptop",
        "side-information-rooms-laptop-segmentation",
    }
    looked_into(tmp_path, 0, [], [counted(1, "one", 1, 4)])
    made = build(tmp_path, seeds=1)
    assert set(made) == {"side-information-rooms-laptop", "side-information-indices-rooms-laptop"}
    assert all(item.png(dpi=30) for item in made.values() if isinstance(item, Figure))
