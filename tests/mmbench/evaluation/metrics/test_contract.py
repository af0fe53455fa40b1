"""The contract of ``mmbench/metric.py`` over every metric that the catalog finds, plug-ins from outside included."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from mmbench.modality import KINDS, MAIN_KEYS, Depth, Modality, Rgb, Scalar, Segmentation
from mmbench.plugins import catalog
from mmbench.plugins.metrics import load_metrics, outside, problem_of, scoring

METRICS = load_metrics()
MODALITIES = (
    Rgb("rgb"),
    Scalar("nir"),
    Depth("depth"),
    Segmentation("segmentation", classes=tuple("abcdefghi"), palette=((0, 0, 0),) * 10),
    Segmentation("mask", classes=("a", "b"), palette=((0, 0, 0),) * 3),
)
PAIRS = [(name, modality) for modality in MODALITIES for name in scoring(METRICS, modality)]
IMAGES = 5

each = pytest.mark.parametrize(("name", "modality"), PAIRS, ids=lambda value: str(getattr(value, "name", value)))


def batch(modality: Modality, images: int = IMAGES) -> tuple[torch.Tensor, torch.Tensor]:
    """A translation as ``translate`` gives it, and a truth with void or invalid pixels; some classes are absent."""
    generator = torch.Generator().manual_seed(4)
    raw = torch.randn(images, modality.channels, 16, 16, generator=generator)
    most = min(3, len(modality.legend) or 3)
    array = np.random.default_rng(4).integers(0, most + 1, (images, *modality.shape(16, 16)))
    truth = modality.to_tensor(array.astype(modality.dtype) / modality.dtype.type(1 if modality.lossless else 4))
    return modality.from_network(raw), truth


@each
def test_statistics_are_a_row_per_image_and_a_column_per_name(name: str, modality: Modality) -> None:
    metric = METRICS[name]
    made = metric.measure(*batch(modality), modality)
    assert made.shape == (IMAGES, len(metric.columns(modality)))
    assert made.dtype in (np.float64, np.int64)
    assert metric.measure(*batch(modality, 0), modality).shape == (0, len(metric.columns(modality)))


@each
def test_statistics_do_not_depend_on_the_batch(name: str, modality: Modality) -> None:
    metric, (prediction, truth) = METRICS[name], batch(modality)
    parts = [metric.measure(p, t, modality) for p, t in zip(prediction.split(2), truth.split(2), strict=True)]
    assert np.array_equal(np.concatenate(parts), metric.measure(prediction, truth, modality))


@each
def test_numbers_follow_from_sums_along_the_last_axis(name: str, modality: Modality) -> None:
    """One call for a stack of sums says what single calls say, and the whole set what its halves' sums say."""
    metric = METRICS[name]
    statistics = metric.measure(*batch(modality), modality)
    numbers = metric.numbers(statistics, modality)
    halves = metric.total(statistics[:2]) + metric.total(statistics[2:])
    again = metric.score(halves, IMAGES, modality)
    assert {key: float(value) for key, value in again.items()} == pytest.approx(numbers, nan_ok=True)
    stack = np.stack([np.stack([metric.total(statistics), statistics[0]]), np.stack([statistics[1], statistics[2]])])
    images = np.array([[IMAGES, 1], [1, 1]])
    stacked = metric.score(stack, images, modality)
    alone = metric.of_each(statistics, modality)
    for key, value in numbers.items():
        assert stacked[key].shape == (2, 2)
        np.testing.assert_equal(stacked[key][0, 0], value)
        np.testing.assert_equal([stacked[key][0, 1], *stacked[key][1]], alone[key][:3])


@each
def test_without_images_every_number_is_nan(name: str, modality: Modality) -> None:
    metric = METRICS[name]
    numbers = metric.numbers(np.empty((0, len(metric.columns(modality)))), modality)
    assert numbers and all(np.isnan(value) for value in numbers.values())


@each
def test_every_number_has_a_score_that_can_be_printed(name: str, modality: Modality) -> None:
    metric = METRICS[name]
    scores = {score.key: score for score in metric.scores}
    for key, value in metric.numbers(metric.measure(*batch(modality), modality), modality).items():
        assert format(value, scores[key.partition("/")[0]].spec)
    assert all(score.header and format(0.5, score.finer) for score in metric.scores)


@pytest.mark.parametrize("modality", MODALITIES, ids=lambda modality: modality.kind)
def test_every_kind_names_a_metric_that_computes_its_main_score(modality: Modality) -> None:
    metric = METRICS[modality.metric]
    assert modality.main in metric.scores
    assert MAIN_KEYS[modality.kind] in metric.numbers(metric.measure(*batch(modality), modality), modality)


def test_every_card_keeps_the_rules_of_its_source() -> None:
    assert {name: problem_of(card) for name, card in catalog.cards("metrics").items()} == dict.fromkeys(METRICS, "")
    assert {"segmentation", "depth", "image"} <= METRICS.keys()
    assert {kind for metric in METRICS.values() for kind in metric.kinds} == set(KINDS)
    assert not {"segmentation", "depth", "image"} & outside().keys()


def test_reading_metrics_takes_no_torch() -> None:
    """Reports read them, which answer at once."""
    code = (
        "import sys; from mmbench.plugins.metrics import load_metrics; "
        "assert len(load_metrics()) > 2; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
