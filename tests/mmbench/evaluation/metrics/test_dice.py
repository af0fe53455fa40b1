"""Dice: by hand, against scikit-learn and torchmetrics, of two classes only, and beside IoU in the tables."""

from __future__ import annotations

import math

import pytest
import torch
from mmbench.reports import published, segmentation_table
from result_rows import only, table_of, values_of
from sklearn.metrics import f1_score
from torchmetrics.functional.classification import binary_f1_score

from mmbench.evaluation.aligned import numbers
from mmbench.modality import Segmentation
from mmbench.plugins.metrics import load_metrics, scoring
from mmbench.reporting import Results, Table

METRICS = load_metrics()
METRIC = METRICS["dice"]
MASK = Segmentation("mask", classes=("tumour", "rest"), palette=((0, 0, 0),) * 3)
ROOMS = Segmentation("rooms", classes=("bed", "wall", "tv"), palette=((0, 0, 0),) * 4)


def images() -> tuple[torch.Tensor, torch.Tensor]:
    """A prediction and a truth with a tenth of tumour and some void."""
    generator = torch.Generator().manual_seed(5)
    truth = torch.where(torch.rand(4, 9, 11, generator=generator) < 0.1, 1, 2)
    wrong = torch.rand(truth.shape, generator=generator) < 0.2
    truth[torch.rand(truth.shape, generator=generator) < 0.1] = 0
    return torch.where(wrong, 3 - truth.clamp(min=1), truth.clamp(min=1)), truth


def test_by_hand() -> None:
    # Three tumour pixels, two of them found and one false: 2 * 2 / (3 + 3).
    truth = torch.tensor([[[1, 1, 1, 2], [2, 2, 0, 0]]])
    made = torch.tensor([[[1, 1, 2, 1], [2, 2, 1, 2]]])
    found = METRIC.numbers(METRIC.measure(made, truth, MASK), MASK)
    assert found == {"dice/tumour": pytest.approx(100 * 4 / 6), "dice/rest": pytest.approx(100 * 4 / 6)}
    nowhere = METRIC.numbers(METRIC.measure(made, torch.full_like(truth, 2), MASK), MASK)
    assert math.isnan(nowhere["dice/tumour"]) and nowhere["dice/rest"] == pytest.approx(100 * 2 * 4 / (8 + 4))


def test_against_scikit_learn_and_torchmetrics() -> None:
    prediction, truth = images()
    found = METRIC.numbers(METRIC.measure(prediction, truth, MASK), MASK)
    mine, real = prediction[truth > 0], truth[truth > 0]
    expected = 100 * f1_score(real, mine, labels=[1, 2], average=None)
    assert [found["dice/tumour"], found["dice/rest"]] == pytest.approx(expected.tolist())
    assert found["dice/tumour"] == pytest.approx(100 * float(binary_f1_score((mine == 1).int(), (real == 1).int())))


def test_it_is_of_two_classes_alone_and_follows_from_iou() -> None:
    assert list(scoring(METRICS, ROOMS)) == ["segmentation"]
    assert list(scoring(METRICS, MASK)) == ["segmentation", "dice"]
    prediction, truth = images()
    statistics = {name: METRICS[name].measure(prediction, truth, MASK) for name in scoring(METRICS, MASK)}
    found = numbers(MASK, statistics)
    for cls in MASK.classes:
        iou = found[f"iou/{cls}"] / 100
        assert found[f"dice/{cls}"] == pytest.approx(100 * 2 * iou / (1 + iou))


def test_it_stands_beside_iou_in_the_table() -> None:
    values = {"miou": 60.0, "iou/tumour": 20.0, "iou/rest": 100.0, "dice/tumour": 33.3, "dice/rest": 100.0}
    table = table_for(values)
    assert [table.frame[name].item() for name in ("IoU tumour", "Dice tumour")] == [20.0, 33.3]
    assert "IoU tumour" in table.markdown() and "Dice tumour" in table.markdown()
    table = table_for({name: value for name, value in values.items() if not name.startswith("dice")})
    assert not [column for column in table.frame if "Dice" in str(column)]
    assert "IoU tumour" not in table.markdown(), "where IoU alone has classes their names are enough"


def table_for(values: dict[str, float]) -> Table:
    rows = values_of(
        "prior", values, dataset="brain", profile="smoke", inputs="t1", output="mask", output_kind="segmentation"
    )
    return only(segmentation_table.build(Results(table_of(rows)), published.load()))
