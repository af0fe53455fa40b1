"""Failure cases: which images are the worst, counted by hand, and what the pictures say they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mmbench.reports import failures
from mmbench.reports.main_translation import main_translation

from mmbench.planning.recorded import ids_of_test_images
from mmbench.plugins.metrics import load_metrics
from mmbench.reporting import COLUMNS, Figure, Results, Table

CLASSES = ["bed", "wall"]
ROW = {"inputs": "depth", "output": "segmentation", "output_kind": "segmentation", "via": "", "bn": "trained"}
# Of each image: rows are the true classes, columns the predicted ones.
IMAGES = [
    [[10, 0], [0, 90]],  # all right: both IoUs 100
    [[0, 5], [0, 95]],  # bed lost: 0 and 95
    [[0, 20], [0, 80]],  # bed lost, more of it: 0 and 80
    [[0, 0], [50, 50]],  # no bed: half of the wall is taken for one
    [[5, 5], [0, 90]],  # 50 and 90 / 95
]


def cell(runs: Path, method: str, images: Any, seed: int = 0, row: dict[str, str] = ROW, **extra: Any) -> list[Any]:
    """A cell on disk, and its rows of the table of results."""
    folder = runs / "rooms" / "laptop" / method / f"seed-{seed}"
    (folder / "samples").mkdir(parents=True)
    metrics = {"miou": 50.0, "iou/bed": 10.0, "iou/wall": None if method == "cascade" else 90.0}
    result = {"rows": [{**row, "metrics": metrics}], "split_hashes": {"test": "x"}, **extra}
    (folder / "result.json").write_text(json.dumps(result))
    arrays: dict[str, Any] = {"0/segmentation": np.array(images).reshape(len(images), -1)}
    np.savez(folder / "per_image.npz", **arrays)
    group = {"cascade": "baselines", "mmnet": "zero-pair"}.get(method, "oracle")
    common = {"dataset": "rooms", "profile": "laptop", "method": method, "title": method.upper(), "seed": seed}
    return [{**common, "state": "done", "group": group, "selection": "", **row, "metric": "miou", "value": 50.0}]


def samples(runs: Path, count: int) -> None:
    pictures = np.stack([np.full((4, 4, 3), 40 * image, np.uint8) for image in range(count)])
    ids = np.tile(np.array([[1, 2]] * 2, np.uint8), (count, 1, 1))
    arrays: dict[str, Any] = {
        "truth/depth": pictures,
        "truth/segmentation": pictures,
        "picture/0": pictures[:, :2, :2],
        "0": ids,
    }
    np.savez(runs / "rooms" / "laptop" / "mmnet" / "seed-0" / "samples" / "samples.npz", **arrays)


def build(runs: Path, *cells: list[Any]) -> dict[str, Table | Figure]:
    rows = pd.DataFrame([row for rows in cells for row in rows], columns=list(COLUMNS))
    results = Results(rows, runs=runs, metrics=load_metrics(), test_ids=ids_of_test_images)
    return {item.name: item for item in failures.build(results, pd.DataFrame())}


def test_worst_images_of_a_class_by_hand(tmp_path: Path) -> None:
    table = build(tmp_path, cell(tmp_path, "mmnet", IMAGES))["failures-rooms-laptop"]
    assert isinstance(table, Table)
    bed, wall = table.frame.to_dict("records")
    assert (bed["class"], bed["images"], bed["not found in"], bed["IoU"]) == ("bed", 4, 2, 10.0)
    assert bed["taken for"] == "wall 67%", "30 of 45 pixels"
    assert bed["worst test images (IoU, pixels of the class)"] == "#2 (0, 20), #1 (0, 5), #4 (50, 10)"
    assert (wall["images"], wall["not found in"]) == (5, 0)
    assert wall["worst test images (IoU, pixels of the class)"] == "#3 (50, 100), #2 (80, 80), #4 (95, 90)"
    assert "all 5 test images" in table.note


def test_each_method_has_its_worst_images_and_class(tmp_path: Path) -> None:
    cascade = {**ROW, "via": "rgb", "bn": "re-estimated"}
    made = build(
        tmp_path, cell(tmp_path, "mmnet", IMAGES, seed=3), cell(tmp_path, "mmnet", IMAGES[:2], seed=7),
        cell(tmp_path, "cascade", IMAGES[::-1], row=cascade),
    )["failures-methods-rooms-laptop"]  # fmt: skip
    assert isinstance(made, Table)
    rows = {row["name"]: row for row in made.frame.to_dict("records")}
    assert list(rows) == ["cascade", "mmnet"], "in the order of the tables' groups"
    assert (rows["mmnet"]["seed"], rows["mmnet"]["images"]) == (3, 5)
    # Means over the classes of an image: 100, 47.5, 40, 50 (one class), 72.4.
    assert rows["mmnet"]["worst test images (mIoU)"] == "#2 (40.0), #1 (47.5), #3 (50.0)"
    assert rows["cascade"]["worst test images (mIoU)"] == "#2 (40.0), #3 (47.5), #1 (50.0)"
    assert rows["mmnet"]["median mIoU"] == 50.0
    assert rows["cascade"]["worst class (IoU)"] == "bed (10)", "the other one is undefined"


def test_pictures_are_the_worst_of_those_stored_and_say_so(tmp_path: Path) -> None:
    rows = cell(tmp_path, "mmnet", IMAGES)
    samples(tmp_path, 2)
    figure = build(tmp_path, rows)["failures-pictures-rooms-laptop"]
    assert isinstance(figure, Figure)
    titles = [axis.get_title() for axis in figure.figure.axes if axis.get_title()]
    assert titles == [
        "#1: mIoU 47.5\nfailed: bed (IoU 0, 5 pixels)",
        "#0: mIoU 100.0\nfailed: wall (IoU 100, 90 pixels)",
    ]
    shown = [int(np.asarray(axis.images[0].get_array()).max()) for axis in figure.figure.axes]
    assert shown == [40, 0] * 3, "input, translation and truth of image 1, then of image 0"
    assert "The 2 worst of the 2 test images that cells store pictures of, the first of all 5" in figure.note
    assert figure.png().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["per_image.npz", "result.json", "samples/samples.npz"])
def test_damaged_files_leave_out_what_they_hold(tmp_path: Path, name: str) -> None:
    rows = [cell(tmp_path, "mmnet", IMAGES), cell(tmp_path, "oracle", IMAGES)]
    samples(tmp_path, 2)
    (tmp_path / "rooms" / "laptop" / "mmnet" / "seed-0" / name).write_bytes(b"PK damaged")
    made = build(tmp_path, *rows)
    assert "failures-pictures-rooms-laptop" not in made
    table = made["failures-methods-rooms-laptop"]
    assert isinstance(table, Table)
    assert set(table.frame["name"]) == ({"mmnet", "oracle"} if "samples" in name else {"oracle"})


def test_the_main_translation_is_the_first_zero_pair_one(tmp_path: Path) -> None:
    common = {
        "state": "done",
        "selection": "",
        "output_kind": "segmentation",
        "metric": "miou",
        "value": 1.0,
        "seed": 0,
    }
    zero = {**common, "method": "mmnet", "group": "zero-pair", "inputs": "depth", "output": "segmentation"}
    rows = [
        {**common, "method": "cascade", "group": "baselines", "inputs": "nir", "output": "segmentation", "via": "rgb"},
        {**zero, "via": "", "bn": "trained", "value": 2.0},
        {**zero, "via": "rgb", "bn": "re-estimated", "group": "baselines", "value": 3.0},
        {**zero, "method": "c", "group": "baselines", "via": "rgb", "bn": "trained", "value": 4.0},
        {**zero, "method": "c", "group": "baselines", "via": "rgb", "bn": "re-estimated", "value": 5.0},
        {**zero, "method": "failed", "via": "", "bn": "trained", "value": float("nan")},
        {**zero, "method": "sweep", "via": "", "bn": "trained", "selection": "sweep"},
    ]  # fmt: skip
    main = main_translation(pd.DataFrame(rows, columns=list(COLUMNS)))
    assert main and (main.inputs, main.output, main.score.key) == ("depth", "segmentation", "miou")
    assert dict(zip(main.rows["method"], main.rows["value"], strict=True)) == {"mmnet": 2.0, "c": 5.0}
    assert main_translation(pd.DataFrame(columns=list(COLUMNS))) is None
    assert build(tmp_path) == {}
