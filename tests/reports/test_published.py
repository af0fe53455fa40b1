"""Which published number stands beside which of our rows, with which verdict."""

from __future__ import annotations

import pandas as pd
import pytest
from mmbench.reports import depth_table, published, segmentation_table
from result_rows import ROOMS, of_seeds, only, paper_results, table_of, values_of

from mmbench.reporting import Results


def test_a_changed_method_keeps_its_place_and_its_published_number() -> None:
    changed = {"base_method": "mmnet", **ROOMS}
    results = table_of(
        values_of("unit", {"miou": 20.0}, **ROOMS),
        values_of("mmnet", {"miou": 50.0}, **ROOMS),
        values_of("mmnet+11", {"miou": 40.0}, change="latent_noise=0.1", **changed),
        values_of("mmnet+22", {"miou": 30.0}, change="latent_noise=9", **changed),
    )
    frame = only(segmentation_table.build(Results(results), published.load())).frame
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
        ("mmnet-cvpr2018", {}, 55.4),
        ("mmnet-cvpr2018", {"published_dataset": "scenenet-51k"}, None),
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
    results = paper_results(table_of(of_seeds(method, {"miou": 50.0}, **{**ROOMS, **fields})))
    frame = only(segmentation_table.build(results, published.load())).frame
    if miou is None:
        assert "published mIoU" not in frame
    else:
        assert frame["published mIoU"].item() == miou
        assert frame["difference mIoU"].item() == pytest.approx(50 - miou)
        assert frame["verdict mIoU"].item() == ("better" if miou < 50 else "worse")


def test_the_thesis_is_preferred_over_the_conference_paper() -> None:
    row = pd.Series({**values_of("mmnet", {"miou": 1.0}, base_method="mmnet", **ROOMS)[0]})
    theirs = pd.DataFrame(
        [("cvpr2018", "3", 1.0), ("thesis", "4.4", 2.0)], columns=["source", "table", "value"]
    ).assign(
        label="", dataset="scenenet-170k", inputs="depth", output="segmentation", method="mmnet", metric="miou", cls=""
    )
    found = published.Numbers(theirs).of(row, "miou")
    assert [(number.value, number.where) for number in found] == [
        (2.0, "thesis, table 4.4"),
        (1.0, "cvpr2018, table 3"),
    ]
    (only_one,) = published.Numbers(theirs[:1]).of(row, "miou")
    assert (only_one.value, only_one.where) == (1.0, "cvpr2018, table 3")
    (both,) = published.Numbers(theirs.assign(value=3.0)).of(row, "miou")
    assert (both.value, both.where) == (3.0, "thesis, table 4.4; cvpr2018, table 3")


def test_numbers_of_some_data_sets_are_those_of_all_with_the_same_lines() -> None:
    theirs = published.load()
    whole, part = published.Numbers(theirs), published.Numbers(theirs, {"freiburg", "artworks-4", "absent"})
    assert part.methods == whole.methods, "the order of rows is that of all tables"
    assert part._known == {key: known for key, known in whole._known.items() if key[0] in ("freiburg", "artworks-4")}
    place = part._known["freiburg", "depth", "segmentation", "cyclegan", "iou", "trail"][0][1].places[0]
    line = theirs.to_dict("records")[place.line]
    assert [line[key] for key in ("dataset", "method", "cls")] == ["freiburg", "cyclegan", "trail"]
    assert not published.Numbers(theirs, ())._known


def test_classes_and_schedules_of_other_names_are_found() -> None:
    numbers = published.Numbers(published.load())
    place = {"weights": "", "bn": "trained", "checkpoint": "last", "side_from": "", "via": ""}
    road = {**place, "published_dataset": "freiburg", "inputs": "depth", "output": "segmentation"}
    (number,) = numbers.of({**road, "base_method": "cyclegan"}, "iou", "road")
    assert number.value == 31.7  # table 4.8 calls it trail
    for method, where in (
        ("mmnet", "thesis, table 4.4; cvpr2018, table 3"),
        ("mmnet-cvpr2018", "cvpr2018, table 3"),
    ):
        (number,) = numbers.of({**ROOMS, **place, "base_method": method}, "miou")
        assert (number.value, number.where) == (55.4, where)


def test_the_known_contradictions_are_found_and_no_other() -> None:
    numbers = published.Numbers(published.load())
    cascade = {**ROOMS, "base_method": "pix2pix-cascade", "via": "rgb", "bn": "", "checkpoint": "", "side_from": ""}
    said = "source: its classes average 28.0, its mIoU is 25.4"
    for metric, cls, expected in (("miou", "", said), ("iou", "bed", said), ("global_accuracy", "", "")):
        (number,) = numbers.of({**cascade, "weights": ""}, metric, cls)
        assert number.inconsistent == expected
    found = [one for known in numbers._known.values() for _, one in known if one.inconsistent]
    # 13 classes and the mIoU, in the thesis and in CVPR; four domains and the mean of SDIT's LPIPS in table 6.4.
    assert len(found) == 2 * 14 + 5
    sdit = {**cascade, "published_dataset": "artworks-4", "inputs": "any", "weights": "", "via": ""}
    sdit |= {"base_method": "sdit-no-attention"}
    said = "source: its domains average 0.813, its mean is 0.828"
    for output in ("photo", "mean"):
        (lpips,) = numbers.of({**sdit, "output": output}, "lpips")
        (accuracy,) = numbers.of({**sdit, "output": output}, "reverse_classification_accuracy")
        assert (lpips.inconsistent, accuracy.inconsistent) == (said, "")


def test_depth_table_compares_fractions_and_metres() -> None:
    metrics = {"delta_1.25": 0.5, "delta_1.25^2": 0.6, "delta_1.25^3": 0.7, "rmse_linear": 2.0, "rmse_log": 0.5}
    place = {**ROOMS, "inputs": "segmentation", "output": "depth", "output_kind": "depth"}
    results = paper_results(table_of(of_seeds("mmnet", metrics, **place)))
    table = only(depth_table.build(results, published.load()))
    row = table.frame.iloc[0]
    assert (row["published δ < 1.25"], row["published RMSE (lin)"]) == (0.33, 2.80)
    assert row["difference RMSE (lin)"] == pytest.approx(-0.8)
    assert "0.330      +0.170  better" in table.text()


def test_published_numbers_load() -> None:
    numbers = published.load()
    assert len(numbers) == 887
    assert numbers["value"].dtype == "float64"
    assert set(numbers["source"]) == set(published.SOURCES)
    assert set(published.CASCADES) <= set(numbers["method"])
