import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from mmbench.reports import clean, depth_table, image_table, published, segmentation_table
from result_rows import FLOWERS, ROOMS, only, row_of, table_of, values_of

from mmbench import metric
from mmbench.reporting import COLUMNS, Results
from mmbench.store.collect import collect

REPORTS = (segmentation_table, depth_table, image_table)


def _flowers() -> pd.DataFrame:
    real = {"title": "real images", "group": "ceiling", "inputs": ""}
    return table_of(
        values_of("mmnet", {"classification_accuracy": 30.0, "psnr": 12.0}, **FLOWERS),
        values_of("mmnet", {"classification_accuracy": 33.0, "psnr": 13.0}, seed=1, **FLOWERS),
        values_of(
            "mmnet", {"classification_accuracy": 70.0, "psnr": 14.0}, **{**FLOWERS, "inputs": "theta1", "group": "seen"}
        ),
        values_of("real images", {"classification_accuracy": 88.75}, **{**FLOWERS, **real}),
    )


TEXT = """\
Images (judge's accuracy in %, PSNR in dB, SSIM, correlations with the truth): flowers, profile laptop, to theta3

method                   seeds    Accuracy  published          PSNR
-----------------------  -----  ----------  ---------  ------------
CEILING
real images                  1        88.8          -             -
ZERO-PAIR
M&MNets theta2 → theta3      2  31.5 ± 2.1       36.5  12.50 ± 0.71
SEEN
M&MNets theta1 → theta3      1        70.0       75.0         14.00

Mean ± standard deviation (ddof 1) over seeds. published: thesis, table 4.1. Not comparable (all): \
protocol of the cell: not recorded; seeds: 2, at least 3 are needed (M&MNets theta2 → theta3); \
seeds: 1, at least 3 are needed (M&MNets theta1 → theta3).
"""

MARKDOWN = """\
| method                  |   seeds |   Accuracy |   published |         PSNR |
|:------------------------|--------:|-----------:|------------:|-------------:|
| **Ceiling**             |         |            |             |              |
| real images             |       1 |       88.8 |           - |            - |
| **Zero-pair**           |         |            |             |              |
| M&MNets theta2 → theta3 |       2 | 31.5 ± 2.1 |        36.5 | 12.50 ± 0.71 |
| **Seen**                |         |            |             |              |
| M&MNets theta1 → theta3 |       1 |       70.0 |        75.0 |        14.00 |
"""

CSV = """\
dataset,profile,group,row,conn.,seeds,Accuracy,Accuracy std,Accuracy low,Accuracy high,published Accuracy,\
difference Accuracy,verdict Accuracy,PSNR,PSNR std,PSNR low,PSNR high,\
method,base_method,change,title,inputs,output,via,weights,side_from,bn,checkpoint,selection,side_information,command
flowers,laptop,ceiling,real images,,1,88.75,,,,,,,,,,,real images,real images,,real images,,theta3,,,,trained,last,,,
flowers,laptop,zero-pair,M&MNets theta2 → theta3,,2,31.5,2.1213203435596424,12.44069289573796,50.55930710426204,36.5,\
,not comparable,12.5,0.7071067811865476,6.146897631912653,18.85310236808735,\
mmnet,mmnet,,M&MNets,theta2,theta3,,,,trained,last,,,
flowers,laptop,seen,M&MNets theta1 → theta3,,1,70.0,,,,75.0,,not comparable,14.0,,,,\
mmnet,mmnet,,M&MNets,theta1,theta3,,,,trained,last,,,
"""


def test_golden_image_table() -> None:
    # Two seeds of 30 and 33: mean 31.5, standard deviation 3 / sqrt(2), interval of 12.7062 (t, one degree of freedom,
    # 97.5 %) times 1.5 on either side; table 4.1 prints 36.5.
    table = only(image_table.build(Results(_flowers()), published.load()))
    assert table.name == "image-flowers-laptop-theta3"
    assert table.text() == TEXT
    assert MARKDOWN in table.markdown()
    assert table.csv() == CSV


def test_segmentation_has_classes_groups_in_order_and_missing_classes() -> None:
    # Given from last to first, as a scan of folders may find them.
    groups = ("oracle", "multi-modal", "seen", "zero-pair", "baselines", "chance", "ceiling")
    metrics = {"iou/bed": 20.0, "iou/window": math.nan, "miou": 20.0, "global_accuracy": 50.0}
    results = table_of(*(values_of(f"method-{group}", metrics, **{**ROOMS, "group": group}) for group in groups))
    table = only(segmentation_table.build(Results(results), published.load()))
    assert list(table.frame["group"]) == list(reversed(groups))
    lines = table.text().splitlines()
    assert lines[2].split() == ["method", "conn.", "seeds", "mIoU", "Global", "bed", "window"]
    assert lines[5].split()[-6:] == ["PI", "1", "20.0", "50.0", "20.0", "-"]
    assert {"IoU bed", "IoU bed std", "IoU window"} <= set(table.frame)


def _own(name: str, kinds: tuple[str, ...], header: str) -> metric.Metric:
    scores = (metric.Score(name, header, ".2f", lower=True),)
    return metric.Metric(name, header, kinds, scores, lambda _: (), lambda *_: np.empty(0), lambda *_: {})


def test_a_metric_of_ones_own_is_the_last_column_of_its_kinds() -> None:
    """Where cells name it as not mmbench's; a header that is taken gives way to the metric's name."""
    rows = table_of(
        values_of("mmnet", {"delta_1.25": 0.5, "edges": 1.25, "again": 2.0, "flops": 3.0, "labels": 4.0}, **{
            **ROOMS, "inputs": "segmentation", "output": "depth", "output_kind": "depth"
        }),
        values_of("prior", {"delta_1.25": 0.4}, **{
            **ROOMS, "inputs": "segmentation", "output": "depth", "output_kind": "depth"
        }),
    )  # fmt: skip
    own = {
        "edges": _own("edges", ("rgb", "depth"), "Edges"), "again": _own("again", ("depth",), "δ < 1.25"),
        "flops": _own("flops", ("depth",), "FLOP"), "labels": _own("labels", ("segmentation",), "Labels"),
    }  # fmt: skip
    where = {"dataset": ROOMS["dataset"], "profile": "laptop"}
    recorded: list[object] = [dict.fromkeys(("edges", "again", "labels"), "digest"), 3, None]
    cells = tuple({**where, "outside_metrics": one} for one in recorded)
    table = only(depth_table.build(Results(rows, cells, metrics=own), published.load()))
    assert table.text().splitlines()[2].split()[-2:] == ["Edges", "again"]
    assert list(table.frame["Edges"].fillna(-1)) == [1.25, -1]
    assert "FLOP" not in table.frame and "Labels" not in table.frame


def test_methods_stand_in_the_papers_order() -> None:
    names = ("zebra", "mmnet-pp", "mmnet", "another")
    results = table_of(*(values_of(name, {"miou": 1.0}, **ROOMS) for name in names))
    frame = only(segmentation_table.build(Results(results), published.load())).frame
    assert list(frame["method"]) == ["mmnet", "mmnet-pp", "another", "zebra"]


def test_rows_that_would_read_alike_are_told_apart() -> None:
    results = table_of(*(values_of(name, {"miou": 1.0}, **ROOMS) for name in ("mmnet", "mmnet-no-side")))
    frame = only(segmentation_table.build(Results(results), published.load())).frame
    assert list(frame["row"]) == [f"M&MNets D → S [{name}]" for name in ("mmnet", "mmnet-no-side")]


def test_labels_tell_how_a_row_was_made() -> None:
    results = table_of(
        values_of("mmnet", {"miou": 1.0}, **{**ROOMS, "via": "rgb", "bn": "re-estimated"}),
        values_of("mmnet", {"miou": 1.0}, **{**ROOMS, "inputs": "rgb+depth", "weights": "0.8,0.2", "side_from": "rgb"}),
        values_of("mmnet", {"miou": 1.0}, **{**ROOMS, "checkpoint": "best"}),
    )
    frame = only(segmentation_table.build(Results(results), published.load())).frame
    assert set(zip(frame["row"], frame["conn."], strict=True)) == {
        ("M&MNets D → R → S, BN re-estimated", "PI"),
        ("M&MNets (R, D) → S, 0.8/0.2", "PI (rgb)"),
        ("M&MNets D → S, checkpoint best", "PI"),
    }


def test_scalar_images_have_their_own_correlation() -> None:
    metrics = {"psnr": 20.0, "ssim": 0.5, "correlation": 0.75}
    place = {**FLOWERS, "inputs": "theta3", "output": "theta1", "output_kind": "scalar"}
    table = only(image_table.build(Results(table_of(values_of("mmnet", metrics, **place))), published.load()))
    assert {"PSNR", "SSIM", "correlation"} <= set(table.frame)
    assert not {"Accuracy", "R-G"} & set(table.frame)


def test_a_data_sets_remark_stands_below_its_tables(tmp_path: Path) -> None:
    rows = values_of("mmnet", {"miou": 30.0, "global_accuracy": 60.0}, **{**ROOMS, "dataset": "freiburg"})
    results = Results(table_of(rows), remarks=collect(tmp_path)[0].remarks)
    table = only(segmentation_table.build(results, published.load()))
    assert table.note.endswith(
        "Depth is relative, not in metres: nothing is translated to it, and metrics in metres do not exist."
    )


def test_failed_cells_give_a_dash_and_a_line() -> None:
    results = table_of(
        values_of("mmnet", {"miou": 40.0}, **ROOMS),
        values_of("mmnet", {"miou": 90.0}, seed=1, **{**ROOMS, "state": "diverged"}),
        values_of("mmnet-pp", {"miou": math.nan}, **{**ROOMS, "state": "failed", "title": "M&MNets+PP"}),
    )
    table = only(segmentation_table.build(Results(results), published.load()))
    row = row_of(table.frame, method="mmnet")
    assert (row["mIoU"], row["seeds"]) == (40.0, 1)
    assert row_of(table.frame, method="mmnet-pp")["seeds"] == 0
    line = next(line for line in table.text().splitlines() if line.startswith("M&MNets+PP"))
    assert line.split()[-6:] == ["PI", "0", "-", "60.1", "-", "82.2"]
    assert "mmnet, seed 1: diverged. mmnet-pp, seed 0: failed." in table.note


def test_a_seed_that_was_collected_twice_counts_once() -> None:
    rows = values_of("mmnet", {"miou": 40.0}, **ROOMS)
    frame = only(segmentation_table.build(Results(table_of(rows, rows)), published.load())).frame
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
    table = only(image_table.build(Results(results), published.load().drop(columns="value")))
    assert "published Accuracy" not in table.frame
    assert "M&MNets" in table.text()


def test_text_fits_160_columns_with_13_classes_and_several_seeds() -> None:
    classes = ("bed", "book", "ceiling", "chair", "floor", "furniture", "object", "picture", "sofa", "table", "tv",
               "wall", "window")  # fmt: skip
    metrics = {"miou": 55.5, "global_accuracy": 80.5, **{f"iou/{cls}": 55.5 for cls in classes}}
    place = {**ROOMS, "via": "rgb", "bn": "re-estimated"}
    results = table_of(
        *(values_of("mmnet", metrics, seed=seed, **place) for seed in (0, 1)), values_of("mmnet", metrics, **ROOMS)
    )
    table = only(segmentation_table.build(Results(results), published.load()))
    grid = [line for line in table.text().splitlines() if not table.note.startswith(line[:20])]
    assert max(map(len, grid)) <= 160
    assert all(cls[:4] in table.text() for cls in classes)


def test_cells_that_are_not_done_stand_together_by_method() -> None:
    stale = {**ROOMS, "state": "stale"}
    rows = [values_of("mmnet", {"miou": 40.0}, seed=seed, **stale) for seed in (2, 0, 1, 7)]
    table = only(segmentation_table.build(Results(table_of(*rows)), published.load()))
    assert "mmnet, seeds 0-2, 7: stale." in table.note


def test_what_is_missing_or_no_text_reads_as_text() -> None:
    frame = table_of(values_of("mmnet", {"miou": 40.0}, **ROOMS), values_of("b", {"miou": "x"}, **ROOMS))
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
    parts = [
        values_of(m, {"miou": 1.0, "x": 2.0}, seed=s, **ROOMS) for m, s in (("a", 0), ("b", 0), ("a", 1), ("a", 0))
    ]
    found = clean.cells(table_of(*parts))
    assert list(found[["method", "seed"]].itertuples(index=False, name=None)) == [("a", 0), ("b", 0), ("a", 1)]
    assert clean.cells(table_of()).empty
