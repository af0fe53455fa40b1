"""Domains: seen and unseen pairs apart, and the matrix with its frames."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mmbench.reports import domain_matrix, domain_table
from PIL import Image

from mmbench.evaluation.reverse import FEWEST
from mmbench.reporting import COLUMNS, Results

COMMON = {
    "dataset": "colours", "profile": "laptop", "method": "mmnet-domains", "title": "M&MNets, domains", "seed": 0,
    "state": "done", "output_kind": "domain", "group": "zero-pair", "selection": "", "cls": "",
}  # fmt: skip


def row(inputs: str, output: str, value: float, metric: str = "classification_accuracy", **rest: Any) -> dict[str, Any]:
    return {**COMMON, "inputs": inputs, "output": output, "metric": metric, "value": value, **rest}


def frame(*rows: dict[str, Any], **rest: Any) -> Results:
    return Results(pd.DataFrame(list(rows), columns=list(COLUMNS)), **rest)


def test_seen_and_unseen_pairs_stand_apart_under_the_ceiling() -> None:
    judge = {"method": "judge-domains", "title": "Judge", "group": "ceiling"}
    results = frame(
        row("red", "green", 20.0), row("green", "red", 40.0), row("red", "green", 50.0, seed=1),
        row("green", "red", 30.0, seed=1), row("blue", "red", 90.0, group="seen"),
        row("red", "green", 0.5, "content"), row("real", "real", 80.0, **judge),
    )  # fmt: skip
    table, by_target = domain_table.build(results, pd.DataFrame())
    assert list(table.frame["pairs"]) == ["real images", "seen pairs", "unseen pairs"]
    assert list(table.frame["Accuracy"]) == [80.0, 90.0, 35.0]
    unseen = table.frame.iloc[2]
    assert unseen["Accuracy std"] == pytest.approx(50**0.5), "over the means of the seeds, 30 and 40"
    assert (unseen["translations"], unseen["seeds"], unseen["contours"]) == (2, 2, 0.5)
    assert "50.0 %" in table.note, "two domains"
    assert not {"RCA", "Diversity"} & set(table.frame), "nobody has them"
    assert list(by_target.frame["pairs"]) == ["seen pairs", "unseen pairs"]
    assert list(by_target.frame[["green", "red", "Mean"]].iloc[1]) == [35.0, 35.0, 35.0]


def reverse(inputs: str, output: str, value: float, kind: str, **rest: Any) -> dict[str, Any]:
    return row(inputs, output, value, "reverse_accuracy", cls=kind, **rest)


def test_the_reverse_accuracy_is_a_mean_over_targets_under_that_of_real_images() -> None:
    """Two rows lead to the anchor, blue; its classifier's accuracy counts once."""
    results = frame(
        reverse("red", "blue", 90.0, "seen"), reverse("green", "blue", 90.0, "seen"),
        reverse("blue", "red", 60.0, "seen"), reverse("blue", "green", 30.0, "seen"),
        reverse("red", "green", 20.0, "unseen"), reverse("green", "red", 50.0, "unseen"),
        row("red", "green", 75.0, "reverse_ceiling"), row("green", "red", 85.0, "reverse_ceiling"),
        row("green", "red", 85.0, "reverse_ceiling", seed=1),
        row("real", "real", 80.0, method="judge-domains", title="Judge", group="ceiling"),
        row("red", "green", 6.0, "real_images"), row("green", "red", 50.0, "real_images"),
    )  # fmt: skip
    table, by_target = domain_table.build(results, pd.DataFrame())
    assert list(table.frame["title"]) == ["Judge", "M&MNets, domains", "M&MNets, domains"]
    assert list(table.frame["RCA"]) == [80.0, 60.0, 35.0]
    assert list(table.frame["translations"]) == [1, 4, 2] and table.frame["seeds"].iloc[0] == 1
    assert table.frame["Accuracy"].iloc[0] == 80.0
    assert "per domain: 6 to 50" in table.note and "RCA" in table.note and "absent" not in table.note
    assert by_target.name == "domains-reverse-colours-laptop"
    seen = by_target.frame[by_target.frame["pairs"] == "seen pairs"].iloc[0]
    assert (seen["blue"], seen["red"], seen["green"], seen["Mean"]) == (90.0, 60.0, 30.0, 60.0)
    unseen = by_target.frame[by_target.frame["pairs"] == "unseen pairs"].iloc[0]
    assert np.isnan(unseen["blue"]) and unseen["Mean"] == 35.0


def test_baselines_pairs_are_told_by_their_rows() -> None:
    """A baseline has one group for all its rows; what kind a pair is stands in one of them, or in another method's."""
    baseline = {"method": "stargan", "title": "StarGAN", "group": "baselines"}
    results = frame(
        row("blue", "red", 70.0, **baseline), row("red", "green", 40.0, **baseline),
        reverse("blue", "red", float("nan"), "seen", **baseline), row("blue", "green", 30.0, **baseline),
        row("blue", "green", 90.0, group="seen"),
    )  # fmt: skip
    table = domain_table.build(results, pd.DataFrame())[0]
    mine = table.frame[table.frame["method"] == "stargan"].set_index("pairs")
    assert list(mine["Accuracy"]) == [50.0, 40.0] and list(mine.index) == ["seen pairs", "unseen pairs"]


def test_a_changed_method_has_rows_of_its_own_that_name_the_change() -> None:
    changed = {"method": "mmnet-domains+1", "change": "noise=0"}
    rows = [row("red", "green", 20.0), row("red", "green", 90.0, **changed)]
    table, by_target = domain_table.build(frame(*rows), pd.DataFrame())
    for made in (table, by_target):
        assert made.frame["title"].tolist() == ["M&MNets, domains", "M&MNets, domains, noise=0"]
    assert table.frame["Accuracy"].tolist() == [20.0, 90.0]


def test_what_is_absent_is_said() -> None:
    sdit = {"method": "sdit", "title": "SDIT", "group": "baselines"}
    results = frame(
        row("red", "green", 0.0, "sample_diversity"), row("red", "green", float("nan"), "sample_diversity", **sdit),
        row("red", "green", 2.0, "real_images"), reverse("red", "green", float("nan"), "unseen"),
        row("red", "green", 20.0, **sdit), row("red", "green", float("nan"), "kid"),
    )  # fmt: skip
    table = domain_table.build(results, pd.DataFrame())[0]
    assert "RCA" not in table.frame
    assert "Real test images per domain: 2. KID and RCA need 4" in table.note
    assert domain_table.FEW == FEWEST, "told without importing torch"
    assert "Diversity is absent for SDIT:" in table.note
    assert list(table.frame["Diversity"].fillna(-1)) == [0.0, -1.0]


def test_other_results_give_no_table() -> None:
    assert domain_table.build(frame(row("a", "b", 1.0, output_kind="rgb")), pd.DataFrame()) == []


def test_the_matrix_is_framed_as_in_the_paper(tmp_path: Path) -> None:
    folder = tmp_path / "colours" / "laptop" / "mmnet-domains" / "seed-0"
    (folder / "samples").mkdir(parents=True)
    task = {"seen": [{"inputs": ["blue"], "output": "red"}], "unseen": [{"inputs": ["green"], "output": "red"}]}
    (folder / "cell.json").write_text(json.dumps({"task": task}))
    names = np.array(["blue", "red", "green"])
    matrix = np.empty((3, 3, 4, 4, 3), np.uint8)
    matrix[:] = np.array([[10 * y + x for x in range(3)] for y in range(3)])[..., None, None, None]
    np.savez(folder / "samples" / "matrix.npz", matrix=matrix, domains=names)
    results = frame(row("green", "red", 20.0), row("blue", "red", 30.0), runs=tmp_path)
    (figure,) = domain_matrix.build(results, pd.DataFrame())
    framed = [
        [axes.spines["top"].get_visible() for axes in figure.figure.axes[3 * line : 3 * line + 3]] for line in range(3)
    ]
    assert framed == [[True, True, False], [False, True, False], [False, False, True]]
    assert figure.gallery
    first, second = figure.gallery.examples
    assert first.choices == {"input": "blue", "to": "red", "method": "M&MNets, domains", "seed": "0"}
    assert [panel.caption for panel in first.panels] == ["blue, input", "red by M&MNets, domains (seen pair)"]
    assert [panel.caption for panel in second.panels] == ["green, input", "red by M&MNets, domains (unseen pair)"]
    shown = [np.asarray(Image.open(io.BytesIO(panel.png)).convert("RGB"))[0, 0, 0] for panel in second.panels]
    assert shown == [22, 21], "line 2 of the matrix: its own image, and the one in column 1"


def test_translations_of_all_methods_and_of_three_seeds_stand_above_the_first_matrix(tmp_path: Path) -> None:
    rows = []
    for method in ("a", "b"):
        for seed in range(4):
            folder = tmp_path / "colours" / "laptop" / method / f"seed-{seed}"
            (folder / "samples").mkdir(parents=True)
            (folder / "cell.json").write_text('{"task": {"seen": []}}')
            matrix, domains = np.zeros((2, 2, 4, 4, 3), np.uint8), np.array(["green", "red"])
            np.savez(folder / "samples" / "matrix.npz", matrix=matrix, domains=domains)
            rows.append(row("green", "red", 1.0, method=method, title=method.upper(), seed=seed))
    first, second = domain_matrix.build(frame(*rows, runs=tmp_path), pd.DataFrame())
    assert (first.name, second.name) == ("matrix-colours-laptop-a", "matrix-colours-laptop-b")
    assert second.gallery is None and first.gallery
    chosen = [(one.choices["method"], one.choices["seed"], one.rank) for one in first.gallery.examples]
    assert chosen == [(method, str(seed), seed) for seed in range(3) for method in ("A", "B")]


def test_a_damaged_matrix_leaves_out_its_figure_only(tmp_path: Path) -> None:
    folder = tmp_path / "colours" / "laptop" / "mmnet-domains" / "seed-0"
    (folder / "samples").mkdir(parents=True)
    (folder / "cell.json").write_text('{"task": {"seen": []}}')
    (folder / "samples" / "matrix.npz").write_bytes(b"PK")
    results = frame(row("green", "red", 20.0), runs=tmp_path)
    assert domain_matrix.build(results, pd.DataFrame()) == []
