"""The contract of a method, translations: valid, of the inputs alone, without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from contract import METHODS
from torch import Tensor

from mmbench.contracts import translations
from mmbench.contracts.bench import CPU
from mmbench.contracts.subject import Subject
from mmbench.evaluation.aligned import predict


@pytest.mark.parametrize("name", METHODS)
def test_every_row_is_translated_into_the_output_modality_and_is_valid(
    name: str, subject_of: Callable[..., Subject]
) -> None:
    translations.check_rows(subject_of(name))


@pytest.mark.parametrize("name", METHODS)
def test_a_prediction_does_not_depend_on_its_batch(name: str, subject_of: Callable[..., Subject]) -> None:
    translations.check_alone(subject_of(name))


@pytest.mark.parametrize("name", METHODS)
def test_a_translation_leaves_inputs_state_and_chance_alone(name: str, subject_of: Callable[..., Subject]) -> None:
    translations.check_without_trace(subject_of(name))


@pytest.mark.parametrize("name", METHODS)
def test_translating_reads_the_inputs_only_and_changes_nothing(name: str, bench: Any, trained: Any) -> None:
    class OnlyInputs:
        allowed: tuple[str, ...] = ()

        def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
            assert modality in self.allowed
            array: np.ndarray = bench.cache.read(modality, rows)
            return array

    method, _ = trained(name)
    cache: Any = OnlyInputs()
    rows = bench.cache.index(bench.dataset.split().test[:2])
    before = {key: value.clone() for key, value in method.state_dict().items()}
    first: list[Tensor] = []
    for made in (first, second := list[Tensor]()):
        for row in method.translations():
            cache.allowed = row.inputs
            made.append(predict(method, bench.dataset.task, row, cache, rows, CPU))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True)), "a translation depends on earlier ones"
    assert all(torch.equal(before[key], value) for key, value in method.state_dict().items())
