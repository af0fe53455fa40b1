import math
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from mmbench.reports import clean, depth_table, image_table, published, segmentation_table

from mmbench.reporting import COLUMNS, Results, Table
from mmbench.store.collect import collect

REPORTS = (segmentation_table, depth_table, image_table)

FLOWERS: dict[str, Any] = {
    "dataset": "flowers",
    "published_dataset": "flowers-opponent",
    "profile": "laptop",
    "inputs": "theta2",
    "output": "theta3",
    "output_kind": "rgb",
}
ROOMS: dict[str, Any] = {
    "dataset": "rooms",
    "published_dataset": "scenenet-170k",
    "profile": "paper",
    "inputs": "depth",
    "output": "segmentation",
    "output_kind": "segmentation",
    "side_information": "pooling-indices",
}


def _rows(method: str, metrics: Mapping[str, object], *, seed: int = 0, **fields: Any) -> list[dict[str, Any]]:
    common = {
        "method": method,
        "title": "M&MNets",
        "group": "zero-pair",
        "seed": seed,
        "state": "done",
        "via": "",
        "weights": "",
        "side_from": "",
        "bn": "trained",
        "checkpoint": "last",
        "selection": "",
        "side_information": "",
        **fields,
    }
    return [
        {**common, "metric": name.partition("/")[0], "cls": name.partition("/")[2], "value": value}
        for name, value in metrics.items()
    ]


def _results(*rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([row for part in rows for row in part], columns=list(COLUMNS))


def _only(tables: list[Table]) -> Table:
    assert len(tables) == 1
    return tables[0]


def _row(frame: pd.DataFrame, **wanted: object) -> pd.Series:
    for column, value in wanted.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def _flowers() -> pd.DataFrame:
    real = {"title": "real images", "group": "ceiling", "inputs": ""}
    return _results(
        _rows("mmnet", {"classification_accuracy": 30.0, "psnr": 12.0}, **FLOWERS),
        _rows("mmnet", {"classification_accuracy": 33.0, "psnr": 13.0}, seed=1, **FLOWERS),
        _rows(
            "mmnet", {"classification_accuracy": 70.0, "psnr": 14.0}, **{**FLOWERS, "inputs": "theta1", "group": "seen"}
        ),
        _rows("real images", {"classification_accuracy": 88.75}, **{**FLOWERS, **real}),
    )


TEXT = """\
Images (judge's accuracy in %, PSNR in dB, SSIM, correlations with the truth): flowers, profile laptop, to theta3

method                   seeds    Accuracy  published  difference          PSNR
-----------------------  -----  ----------  ---------  ----------  ------------
CEILING
real images                  1        88.8          -           -             -
ZERO-PAIR
M&MNets theta2 → theta3      2  31.5 ± 2.1       36.5        -5.0  12.50 ± 0.71
SEEN
M&MNets theta1 → theta3      1        70.0       75.0        -5.0         14.00

Mean ± standard deviation (ddof 1) over seeds. published: thesis, table 4.1; difference: ours - published. \
The papers' sizes and schedules are not those of profile laptop.
"""

MARKDOWN = """\
| method                  |   seeds |   Accuracy |   published |   difference |         PSNR |
|:------------------------|--------:|-----------:|------------:|-------------:|-------------:|
| **Ceiling**             |         |            |             |              |              |
| real images             |       1 |       88.8 |           - |            - |            - |
| **Zero-pair**           |         |            |             |              |              |
| M&MNets theta2 → theta3 |       2 | 31.5 ± 2.1 |        36.5 |         -5.0 | 12.50 ± 0.71 |
| **Seen**                |         |            |             |              |              |
| M&MNets theta1 → theta3 |       1 |       70.0 |        75.0 |         -5.0 |        14.00 |
"""

CSV = """\
dataset,profile,group,row,conn.,seeds,Accuracy,Accuracy std,Accuracy low,Accuracy high,published Accuracy,\
difference Accuracy,PSNR,PSNR std,PSNR low,PSNR high,\
method,base_method,change,title,inputs,output,via,weights,side_from,bn,checkpoint,selection,side_information
flowers,laptop,ceiling,real images,,1,88.75,,,,,,,,,,real images,real images,,real images,,theta3,,,,trained,last,,
flowers,laptop,zero-pair,M&MNets theta2 → theta3,,2,31.5,2.1213203435596424,12.44069289573796,50.55930710426204,36.5,\
-5.0,12.5,0.7071067811865476,6.146897631912653,18.85310236808735,mmnet,mmnet,,M&MNets,theta2,theta3,,,,trained,last,,
flowers,laptop,seen,M&MNets theta1 → theta3,,1,70.0,,,,75.0,-5.0,14.0,,,,\
mmnet,mmnet,,M&MNets,theta1,theta3,,,,trained,last,,
"""


def test_golden_image_table() -> None:
    # Two seeds of 30 and 33: mean 31.5, standard deviation 3 / sqrt(2), interval of 12.7062 (t, one degree of freedom,
    # 97.5 %) times 1.5 on either side; table 4.1 prints 36.5.
    table = _only(image_table.build(Results(_flowers()), published.load()))
    assert table.name == "image-flowers-laptop-theta3"
    assert table.text() == TEXT
    assert MARKDOWN in table.markdown()
    assert table.csv() == CSV


def test_segmentation_has_classes_groups_in_order_and_missing_classes() -> None:
    # Given from last to first, as a scan of folders may find them.
    groups = ("oracle", "multi-modal", "seen", "zero-pair", "baselines", "chance", "ceiling")
    metrics = {"iou/bed": 20.0, "iou/window": math.nan, "miou": 20.0, "global_accuracy": 50.0}
    results = _results(*(_rows(f"method-{group}", metrics, **{**ROOMS, "group": group}) for group in groups))
    table = _only(segmentation_table.build(Results(results), published.load()))
    assert list(table.frame["group"]) == list(reversed(groups))
    lines = table.text().splitlines()
    assert lines[2].split() == ["method", "conn.", "seeds", "mIoU", "Global", "bed", "wind"]
    assert lines[5].split()[-6:] == ["PI", "1", "20.0", "50.0", "20.0", "-"]
    assert {"IoU bed", "IoU bed std", "IoU window"} <= set(table.frame)


def test_methods_stand_in_the_papers_order() -> None:
    names = ("zebra", "mmnet-pp", "mmnet", "another")
    results = _results(*(_rows(name, {"miou": 1.0}, **ROOMS) for name in names))
    frame = _only(segmentation_table.build(Results(results), published.load())).frame
    assert list(frame["method"]) == ["mmnet", "mmnet-pp", "another", "zebra"]


def test_rows_that_would_read_alike_are_told_apart() -> None:
    results = _results(*(_rows(name, {"miou": 1.0}, **ROOMS) for name in ("mmnet", "mmnet-no-side")))
    frame = _only(segmentation_table.build(Results(results), published.load())).frame
    assert list(frame["row"]) == [f"M&MNets D → S [{name}]" for name in ("mmnet", "mmnet-no-side")]


def test_labels_tell_how_a_row_was_made() -> None:
    results = _results(
        _rows("mmnet", {"miou": 1.0}, **{**ROOMS, "via": "rgb", "bn": "re-estimated"}),
        _rows("mmnet", {"miou": 1.0}, **{**ROOMS, "inputs": "rgb+depth", "weights": "0.8,0.2", "side_from": "rgb"}),
        _rows("mmnet", {"miou": 1.0}, **{**ROOMS, "checkpoint": "best"}),
    )
    frame = _only(segmentation_table.build(Results(results), published.load())).frame
    assert set(zip(frame["row"], frame["conn."], strict=True)) == {
        ("M&MNets D → R → S, BN re-estimated", "PI"),
        ("M&MNets (R, D) → S, 0.8/0.2", "PI (rgb)"),
        ("M&MNets D → S, checkpoint best", "PI"),
    }


def test_a_changed_method_keeps_its_place_and_its_published_number() -> None:
    changed = {"base_method": "mmnet", **ROOMS}
    results = _results(
        _rows(
            "unit",
            {"miou": 20.0},
            **ROOMS,
        ),
        _rows("mmnet", {"miou": 50.0}, **ROOMS),
        _rows("mmnet+11", {"miou": 40.0}, change="latent_noise=0.1", **changed),
        _rows("mmnet+22", {"miou": 30.0}, change="latent_noise=9", **changed),
    )
    frame = _only(segmentation_table.build(Results(results), published.load())).frame
    assert list(zip(frame["row"], frame["mIoU"], strict=True)) == [
        ("M&MNets D → S [mmnet]", 50.0), ("M&MNets D → S, latent_noise=0.1", 40.0),
        ("M&MNets D → S, latent_noise=9", 30.0), ("M&MNets D → S [unit]", 20.0),
    ]  # fmt: skip
    assert frame["published mIoU"].tolist()[:3] == [55.4] * 3


@pytest.mark.parametrize(
    ("method", "fields", "miou"),
    [
        ("mmnet", {}, 55.4),
        ("mmnet-pp", {}, 60.1),
        ("mmnet", {"via": "rgb"}, None),
        ("mmnet", {"checkpoint": "best"}, None),
        ("mmnet", {"dataset": "mine", "published_dataset": ""}, None),
        ("mmnet", {"published_dataset": "scenenet-51k"}, None),  # its ablations: several numbers under one key
        ("mmnet-no-side", {}, None),
        ("cascade", {"via": "rgb"}, 5.96),
        ("cascade", {"via": "rgb", "bn": "re-estimated"}, None),
        ("cascade-skip", {"via": "rgb", "side_information": "skip"}, 24.7),
        ("mmnet", {"inputs": "rgb+depth", "weights": "0.8,0.2", "side_from": "rgb"}, 57.1),
        ("mmnet", {"inputs": "rgb+depth", "weights": "0.5,0.5", "side_from": "rgb"}, None),
        ("mmnet", {"inputs": "rgb+depth", "weights": "0.8,0.2", "side_from": "depth"}, None),
    ],
)
def test_published_numbers_stand_beside_the_same_experiment_only(
    method: str, fields: dict[str, str], miou: float | None
) -> None:
    results = _results(_rows(method, {"miou": 50.0}, **{**ROOMS, **fields}))
    frame = _only(segmentation_table.build(Results(results), published.load())).frame
    if miou is None:
        assert "published mIoU" not in frame
    else:
        assert frame["published mIoU"].item() == miou
        assert frame["difference mIoU"].item() == pytest.approx(50 - miou)


def test_the_thesis_is_preferred_over_the_conference_paper() -> None:
    row = pd.Series({**_rows("mmnet", {"miou": 1.0}, base_method="mmnet", **ROOMS)[0]})
    theirs = pd.DataFrame(
        [("cvpr2018", "3", 1.0), ("thesis", "4.4", 2.0)], columns=["source", "table", "value"]
    ).assign(dataset="scenenet-170k", inputs="depth", output="segmentation", method="mmnet", metric="miou", cls="")
    assert published.lookup(theirs, row, "miou") == (2.0, "thesis, table 4.4")
    assert published.lookup(theirs[:1], row, "miou") == (1.0, "cvpr2018, table 3")


def test_depth_table_compares_fractions_and_metres() -> None:
    metrics = {"delta_1.25": 0.5, "delta_1.25^2": 0.6, "delta_1.25^3": 0.7, "rmse_linear": 2.0, "rmse_log": 0.5}
    place = {**ROOMS, "inputs": "segmentation", "output": "depth", "output_kind": "depth"}
    table = _only(depth_table.build(Results(_results(_rows("mmnet", metrics, **place))), published.load()))
    row = table.frame.iloc[0]
    assert (row["published δ < 1.25"], row["published RMSE (lin)"]) == (0.33, 2.80)
    assert row["difference RMSE (lin)"] == pytest.approx(-0.8)
    assert "0.500      0.330      +0.170" in table.text()


def test_scalar_images_have_their_own_correlation() -> None:
    metrics = {"psnr": 20.0, "ssim": 0.5, "correlation": 0.75}
    place = {**FLOWERS, "inputs": "theta3", "output": "theta1", "output_kind": "scalar"}
    table = _only(image_table.build(Results(_results(_rows("mmnet", metrics, **place))), published.load()))
    assert {"PSNR", "SSIM", "correlation"} <= set(table.frame)
    assert not {"Accuracy", "R-G"} & set(table.frame)


def test_a_data_sets_remark_stands_below_its_tables(tmp_path: Path) -> None:
    rows = _rows("mmnet", {"miou": 30.0, "global_accuracy": 60.0}, **{**ROOMS, "dataset": "freiburg"})
    results = Results(_results(rows), remarks=collect(tmp_path)[0].remarks)
    table = _only(segmentation_table.build(results, published.load()))
    assert table.note.endswith(
        "Depth is relative, not in metres: nothing is translated to it, and metrics in metres do not exist."
    )


def test_failed_cells_give_a_dash_and_a_line() -> None:
    results = _results(
        _rows("mmnet", {"miou": 40.0}, **ROOMS),
        _rows("mmnet", {"miou": 90.0}, seed=1, **{**ROOMS, "state": "diverged"}),
        _rows("mmnet-pp", {"miou": math.nan}, **{**ROOMS, "state": "failed", "title": "M&MNets+PP"}),
    )
    table = _only(segmentation_table.build(Results(results), published.load()))
    row = _row(table.frame, method="mmnet")
    assert (row["mIoU"], row["seeds"]) == (40.0, 1)
    assert _row(table.frame, method="mmnet-pp")["seeds"] == 0
    line = next(line for line in table.text().splitlines() if line.startswith("M&MNets+PP"))
    assert line.split()[-6:] == ["-", "60.1", "-", "-", "82.2", "-"]
    assert "mmnet, seed 1: diverged. mmnet-pp, seed 0: failed." in table.note


def test_a_seed_that_was_collected_twice_counts_once() -> None:
    rows = _rows("mmnet", {"miou": 40.0}, **ROOMS)
    frame = _only(segmentation_table.build(Results(_results(rows, rows)), published.load())).frame
    assert frame["seeds"].item() == 1
    assert math.isnan(frame["mIoU std"].item())


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(
    "results", [pd.DataFrame(), pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame({"value": [1.0]})]
)
def test_empty_results_give_no_table(report: ModuleType, results: pd.DataFrame) -> None:
    assert report.build(Results(results), published.load()) == []
    assert report.build(Results(results), pd.DataFrame()) == []


@pytest.mark.parametrize("missing", [column for column in COLUMNS if column != "output_kind"])
def test_a_missing_column_does_not_crash(missing: str) -> None:
    for report in REPORTS:
        for table in report.build(Results(_flowers().drop(columns=missing)), published.load()):
            assert table.text() and table.markdown() and table.csv()


def test_damaged_values_do_not_crash() -> None:
    results = _flowers().astype({"value": object, "seed": object})
    results.loc[0, "value"] = "not a number"
    results.loc[1, ["seed", "title", "via"]] = None
    table = _only(image_table.build(Results(results), published.load().drop(columns="value")))
    assert "published Accuracy" not in table.frame
    assert "M&MNets" in table.text()


def test_text_fits_160_columns_with_13_classes_and_several_seeds() -> None:
    classes = ("bed", "book", "ceiling", "chair", "floor", "furniture", "object", "picture", "sofa", "table", "tv",
               "wall", "window")  # fmt: skip
    metrics = {"miou": 55.5, "global_accuracy": 80.5, **{f"iou/{cls}": 55.5 for cls in classes}}
    place = {**ROOMS, "via": "rgb", "bn": "re-estimated"}
    results = _results(
        *(_rows("mmnet", metrics, seed=seed, **place) for seed in (0, 1)), _rows("mmnet", metrics, **ROOMS)
    )
    table = _only(segmentation_table.build(Results(results), published.load()))
    grid = [line for line in table.text().splitlines() if not table.note.startswith(line[:20])]
    assert max(map(len, grid)) <= 160
    assert all(cls[:4] in table.text() for cls in classes)


def test_published_numbers_load() -> None:
    numbers = published.load()
    assert len(numbers) == 887
    assert numbers["value"].dtype == "float64"
    assert set(numbers["source"]) == set(published.SOURCES)
    assert set(published.CASCADES) <= set(numbers["method"])


def test_cells_that_are_not_done_stand_together_by_method() -> None:
    stale = {**ROOMS, "state": "stale"}
    rows = [_rows("mmnet", {"miou": 40.0}, seed=seed, **stale) for seed in (2, 0, 1, 7)]
    table = _only(segmentation_table.build(Results(_results(*rows)), published.load()))
    assert "mmnet, seeds 0-2, 7: stale." in table.note


def test_what_is_missing_or_no_text_reads_as_text() -> None:
    frame = _results(_rows("mmnet", {"miou": 40.0}, **ROOMS), _rows("b", {"miou": "x"}, **ROOMS))
    frame["pretrained"] = [True, None]
    frame["via"] = [None, float("nan")]
    frame["weights"] = pd.Series([["a", "list"], None])
    whole = clean.complete(frame)
    assert whole["pretrained"].tolist() == ["True", ""]
    assert whole["via"].tolist() == ["", ""]
    assert whole["weights"].tolist() == ["['a', 'list']", ""]
    assert whole["value"].tolist()[0] == 40.0
    assert math.isnan(whole["value"].tolist()[1])
    assert whole.index.equals(frame.index)


def test_every_cell_once() -> None:
    parts = [_rows(m, {"miou": 1.0, "x": 2.0}, seed=s, **ROOMS) for m, s in (("a", 0), ("b", 0), ("a", 1), ("a", 0))]
    found = clean.cells(_results(*parts))
    assert list(found[["method", "seed"]].itertuples(index=False, name=None)) == [("a", 0), ("b", 0), ("a", 1)]
    assert clean.cells(_results()).empty
