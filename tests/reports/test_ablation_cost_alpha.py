"""The ablation tables beside the papers' rows, the cost table's units, and the alpha figure's lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from mmbench.reports import ablation_table, alpha_figure, cost_table, segmentation_table
from mmbench.reports.clean import cells
from mmbench.reports.published import load
from result_rows import paper_results

from mmbench.publishing import page
from mmbench.reporting import COLUMNS, SWEEP, VALIDATION, Results

COMMON = {
    "dataset": "rooms", "published_dataset": "", "profile": "laptop", "seed": 0, "state": "done", "group": "zero-pair",
    "inputs": "depth", "output": "segmentation", "output_kind": "segmentation", "via": "", "weights": "",
    "side_from": "", "bn": "trained", "checkpoint": "last", "selection": "", "side_information": "",
    "pretrained": False, "cls": "",
}  # fmt: skip


def frame(*rows: dict[str, Any], **common: Any) -> Results:
    made = [{**COMMON, "title": row["method"], **row, **common} for row in rows]
    return Results(pd.DataFrame(made, columns=list(COLUMNS)))


def scores(method: str, miou: float, seed: int = 0, **rest: Any) -> list[dict[str, Any]]:
    row = {"method": method, "seed": seed, **rest}
    return [{**row, "metric": "miou", "value": miou}, {**row, "metric": "global_accuracy", "value": miou + 30}]


def test_ablations_stand_beside_the_papers_rows_of_the_same_switches() -> None:
    results = frame(
        *scores("mmnet", 38.0), *scores("mmnet", 40.0, seed=1), *scores("mmnet-none", 30.0),
        *scores("mmnet-scratch", 35.0), *scores("mmnet-translations", 5.0), *scores("mmnet", 99.0, selection=SWEEP),
        published_dataset="scenenet-51k",
    )  # fmt: skip
    side, components = ablation_table.build(results, load())
    assert list(side.frame["method"]) == ["mmnet-none", "mmnet-scratch", "mmnet"]
    column = "published, 51K: mIoU"
    assert list(side.frame[column]) == [29.8, 43.2, 43.2]  # thesis, table 4.2, without pretraining
    assert side.frame["mIoU"].tolist() == [30.0, 35.0, 39.0]
    assert side.frame["mIoU std"].iloc[2] == pytest.approx(2**0.5)
    # mean ± t(0.975, 1 degree of freedom) * std / sqrt(2), by a table of t
    assert list(side.frame.loc[2, ["mIoU low", "mIoU high"]]) == pytest.approx([39 - 12.706, 39 + 12.706], abs=1e-3)
    assert side.frame["difference: mIoU"].isna().all()  # nothing is known of the cells
    assert set(side.frame["verdict: mIoU"]) == {"not comparable"}
    assert "Noise" not in side.note
    assert components.frame.set_index("method")[column].to_dict() == {"mmnet-translations": 6.48, "mmnet": 46.7}
    assert "Noise Y" in components.note


def test_ablations_at_the_papers_size_are_judged() -> None:
    """Seeds without scatter: 45.7 is within 2 points of the thesis' 46.7, and of CVPR's 49.5 it is not."""
    rows = [row for seed in range(3) for row in scores("mmnet", 45.7, seed, pretrained=True)]
    rows += [row for seed in range(3) for row in scores("mmnet-none", 29.8, seed, pretrained=True)]
    rows += [row for seed in range(3) for row in scores("mmnet-cvpr2018", 45.7, seed, pretrained=True)]
    results = paper_results(frame(*rows, published_dataset="scenenet-51k").rows)
    (side,) = ablation_table.build(results, load())
    made = side.frame.set_index("method")
    assert made["verdict: mIoU"].to_dict() == {"mmnet": "agrees", "mmnet-none": "not comparable"}
    assert made["difference: mIoU"]["mmnet"] == pytest.approx(-1.0)
    assert "RGB encoder: pretrained, published from random weights." in side.note
    judged = {one.theirs.where: one.judgement.verdict for one in ablation_table.compared(results, load())}
    assert judged["cvpr2018, table 2"] == "worse"


def test_the_best_ablation_is_bold_only_where_its_interval_lies_apart() -> None:
    near = [score for seed in range(3) for score in scores("mmnet-none", 39.0 + seed, seed=seed)]
    far = [score for seed in range(3) for score in scores("mmnet-none", 69.0 + seed / 10, seed=seed)]
    own = [score for seed in range(3) for score in scores("mmnet", 40.0 + seed / 10, seed=seed)]
    (undecided,), (decided,) = (ablation_table.build(frame(*own, *other), load()) for other in (near, far))
    assert "<strong>" not in page.table(undecided)
    assert "<strong>69.1" in page.table(decided)


def test_a_pretrained_encoder_stands_beside_the_pretrained_row() -> None:
    rows = *scores("mmnet", 50.0, pretrained=True), *scores("mmnet-scratch", 45.0)
    results = frame(*rows, published_dataset="scenenet-51k")
    (side,) = ablation_table.build(results, load())
    assert side.frame.set_index("method")["published, 51K: Global"].to_dict() == {"mmnet-scratch": 73.5, "mmnet": 78.4}


def test_every_row_of_table_4_2_and_of_cvprs_two_tables_has_a_method() -> None:
    """Both papers' tables, typed off: side information none, skip, indices, indices pretrained; then the switches."""
    tables = {
        "side-information": (
            ("mmnet-none-scratch", "mmnet-skip-scratch", "mmnet-scratch", "mmnet"), [29.8, 12.7, 43.2, 46.7]
        ),
        "cvpr2018-side-information": (
            tuple(f"mmnet-cvpr2018{x}" for x in ("-none-scratch", "-skip-scratch", "-scratch", "")),
            [32.2, 14.1, 45.6, 49.5],
        ),
        "cvpr2018-components": (
            tuple(f"mmnet-cvpr2018{x}" for x in ("-translations", "-autoencoders", "-no-noise", "")),
            [5.64, 22.9, 48.9, 49.5],
        ),
    }  # fmt: skip
    methods = dict.fromkeys(method for names, _ in tables.values() for method in names)
    rows = [score for m in methods for score in scores(m, 40.0, pretrained=not m.endswith("scratch"))]
    made = ablation_table.build(frame(*rows, published_dataset="scenenet-51k"), load())
    assert [table.name for table in made] == [f"ablation-{name}-rooms-laptop" for name in tables]
    for table, (names, published) in zip(made, tables.values(), strict=True):
        assert (tuple(table.frame["method"]), table.frame["published, 51K: mIoU"].tolist()) == (names, published)


def test_no_published_number_stands_beside_another_data_set() -> None:
    (side,) = ablation_table.build(frame(*scores("mmnet", 38.0), *scores("mmnet-none", 30.0)), load())
    assert "published" not in side.text()


def test_a_changed_method_is_an_ablation_row_of_its_own() -> None:
    changed: dict[str, Any] = {"base_method": "mmnet", "change": "latent_noise=9"}
    results = frame(*scores("mmnet", 38.0), *scores("mmnet+11", 30.0, **changed), published_dataset="scenenet-51k")
    side, _ = ablation_table.build(results, load())
    assert side.frame[["method", "changed", "mIoU"]].to_numpy().tolist() == [
        ["mmnet", "", 38.0], ["mmnet", "latent_noise=9", 30.0]
    ]  # fmt: skip
    assert side.frame["published, 51K: mIoU"].tolist() == [43.2, 43.2]
    assert "changed" in side.columns()


def test_one_row_is_no_ablation() -> None:
    assert ablation_table.build(frame(*scores("mmnet", 38.0)), load()) == []


def test_costs_in_their_units_as_means_over_seeds() -> None:
    cell = {"method": "mmnet", "inputs": None, "output": None, "output_kind": None}
    values = {"parameters": 2.5e6, "flops": 4e9, "train_seconds": 90.0, "peak_memory_bytes": 2**21, "latency_ms": 3.0}
    rows = [{**cell, "metric": metric, "value": value} for metric, value in values.items()]
    slower = {**cell, "seed": 1, "metric": "train_seconds", "value": 150.0}
    (table,) = cost_table.build(frame(*rows, slower, *scores("mmnet", 38.0)), load())
    row = table.frame.iloc[0]
    assert row["method"] == "mmnet"
    units = ["parameters (M)", "GFLOP/image", "training (min)", "memory (MiB)", "latency (ms)"]
    assert row[units].tolist() == [2.5, 4.0, 2.0, 2.0, 3.0]


def test_two_changes_of_a_method_are_named_wherever_it_is_called_by_its_title() -> None:
    changes = {"": "M&MNets", "noise=0": "M&MNets, noise=0", "noise=1": "M&MNets, noise=1"}
    rows = [
        {**row, "method": f"mmnet+{place}" if change else "mmnet", "title": "M&MNets", "change": change}
        for place, change in enumerate(changes)
        for row in scores("mmnet", 38.0)
    ]
    results = frame(*rows, *({**row, "metric": "parameters"} for row in rows))
    assert cells(results.rows)["title"].tolist() == list(changes.values())
    (table,) = cost_table.build(results, load())
    assert table.frame["method"].tolist() == list(changes.values())


def mixed(alpha: float, side: str, value: float, selection: str) -> dict[str, Any]:
    weights = f"{1 - alpha:g},{alpha:g}"
    row = {"method": "mmnet", "inputs": "rgb+depth", "group": "multi-modal", "weights": weights, "side_from": side}
    return {**row, "selection": selection, "metric": "miou", "value": value}


def test_the_sweep_is_in_its_figure_and_only_there() -> None:
    sweep = [
        mixed(a, side, 40 + 10 * a + (side == "depth"), SWEEP) for side in ("rgb", "depth") for a in (0.0, 0.2, 1.0)
    ]
    results = frame(*sweep, mixed(0.2, "rgb", 42.0, ""), mixed(1.0, "depth", 51.0, VALIDATION))
    (figure,) = alpha_figure.build(results, load())
    (axis,) = figure.figure.axes
    lines = {
        str(line.get_label()): list(zip(*(list(np.asarray(part)) for part in line.get_data()), strict=True))
        for line in axis.lines
    }
    assert lines == {
        "mmnet, indices of rgb": [(0.0, 40.0), (0.2, 42.0), (1.0, 50.0)],
        "mmnet, indices of depth": [(0.0, 41.0), (0.2, 43.0), (1.0, 51.0)],
    }
    (table,) = segmentation_table.build(results, load())
    assert table.frame["row"].tolist() == [
        "mmnet (R, D) → S, weights chosen on validation (uses unseen pairs)",
        "mmnet (R, D) → S, 0.8/0.2",
    ]


def test_a_data_set_with_near_infrared_has_its_figure_and_others_keep_theirs() -> None:
    """A kind that the figure did not know once took every data set's figure away."""
    sweep = [mixed(alpha, "rgb", 40.0, SWEEP) for alpha in (0.0, 1.0)]
    to_nir = {"dataset": "robot", "output": "nir", "output_kind": "scalar", "metric": "psnr"}
    made = alpha_figure.build(frame(*sweep, *({**row, **to_nir} for row in sweep)), load())
    labels = {figure.name: [axis.get_ylabel() for axis in figure.figure.axes] for figure in made}
    assert sorted(labels.values()) == [["PSNR, dB"], ["mIoU, %"]]
    assert [len(figure.figure.axes[0].lines) for figure in made] == [2, 2]
    assert any(name.startswith("alpha-robot-") for name in labels)
