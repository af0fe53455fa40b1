"""The contract of a method of unpaired domains, over everything the catalog finds, variants and plug-ins included.

As the other contract tests, on three domains of noise whose files lie in a cache of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from contract import CROSS_DOMAIN

from mmbench.contracts import steps, training, translations
from mmbench.contracts.bench import BF16, CPU, Scale
from mmbench.contracts.subject import Subject
from mmbench.evaluation.aligned import predict
from mmbench.training.device import Compute

KIND = "cross-domain"

each = pytest.mark.parametrize("name", CROSS_DOMAIN)


@pytest.mark.parametrize(("scale", "compute"), [("small", CPU), ("paper", CPU), ("paper", BF16)])
@each
def test_every_players_losses_are_finite_and_reach_its_networks(
    name: str, scale: Scale, compute: Compute, subject_of: Callable[..., Subject]
) -> None:
    steps.check_losses(subject_of(name, KIND), scale, compute)


@each
def test_networks_covers_every_parameter_and_no_two_players_share_one(
    name: str, subject_of: Callable[..., Subject]
) -> None:
    steps.check_networks(subject_of(name, KIND))


@each
def test_a_step_changes_no_tensor_of_its_batch_and_draws_from_torch_alone(
    name: str, subject_of: Callable[..., Subject]
) -> None:
    steps.check_inputs(subject_of(name, KIND))
    steps.check_randomness(subject_of(name, KIND))
    steps.check_guard_of_batches(subject_of(name, KIND))


@each
def test_every_row_is_an_image_of_its_input_alone(name: str, subject_of: Callable[..., Subject]) -> None:
    """Shape, type and range; other images of the batch, earlier translations and other domains change nothing."""
    subject = subject_of(name, KIND)
    translations.check_rows(subject)
    translations.check_alone(subject)
    translations.check_without_trace(subject)


@each
def test_a_row_reads_its_input_only(name: str, subject_of: Callable[..., Subject]) -> None:
    subject = subject_of(name, KIND)
    bench, (method, _) = subject.bench, subject.trained

    class OnlyInput:
        allowed: tuple[str, ...] = ()

        def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
            assert modality in self.allowed
            array: np.ndarray = bench.cache.read(modality, rows)
            return array

    reader: Any = OnlyInput()
    for row in method.translations():
        reader.allowed = row.inputs
        here = bench.cache.index([f"{row.inputs[0]}/20", f"{row.inputs[0]}/21"])
        assert len(predict(method, bench.dataset.task, row, reader, here, CPU)) == 2


@each
def test_the_number_of_a_sample_decides_all_noise(name: str, subject_of: Callable[..., Subject]) -> None:
    subject = subject_of(name, KIND)
    method, _ = subject.trained
    for row, images in list(translations.rows_with_images(subject, method))[:2]:
        with torch.inference_mode():
            first = [method.translate(images, row, sample=sample) for sample in (0, 1)]
            torch.manual_seed(12345)
            assert all(torch.equal(method.translate(images, row, sample=n), first[n]) for n in (1, 0))


@each
def test_an_interrupted_training_ends_with_the_same_bits(name: str, subject_of: Callable[..., Subject]) -> None:
    """Interrupted before the first checkpoint and between two."""
    training.check_resuming(subject_of(name, KIND))
