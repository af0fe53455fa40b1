"""The contract of ``mmbench/metric.py`` over every metric that the catalog finds, plug-ins from outside included."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mmbench.contracts.metrics import IMAGES, MODALITIES, batch, checks_of
from mmbench.modality import KINDS, MAIN_KEYS, Modality
from mmbench.plugins import catalog
from mmbench.plugins.metrics import load_metrics, outside, problem_of

METRICS = load_metrics()
CHECKS = {check.name for check in checks_of(catalog.find("metrics", "depth"))}


@pytest.mark.parametrize("rule", sorted(CHECKS))
@pytest.mark.parametrize("name", METRICS)
def test_contract(name: str, rule: str) -> None:
    for check in checks_of(catalog.find("metrics", name)):
        if check.name == rule:
            check.look()


def test_the_modalities_of_the_contract_are_of_every_kind() -> None:
    assert {modality.kind for modality in MODALITIES} == set(KINDS)
    for modality in MODALITIES:
        prediction, truth = batch(modality)
        assert len(prediction) == len(truth) == IMAGES
        assert bool(modality.valid(truth).all()) == (modality.kind in ("rgb", "scalar")), "some pixels say nothing"


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
