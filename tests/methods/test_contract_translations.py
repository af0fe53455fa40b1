"""The contract of a method, translations: valid, of the inputs alone, without a trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from contract import CPU, METHODS, check_translation, translate
from torch import Tensor

from mmbench.evaluation.aligned import predict


@pytest.mark.parametrize("name", METHODS)
def test_every_row_is_translated_into_the_output_modality_and_is_valid(name: str, bench: Any, trained: Any) -> None:
    method, _ = trained(name)
    images = bench.read(bench.dataset.split().test[:3])
    rows = method.translations()
    assert rows
    assert len(set(rows)) == len(rows)
    for row in rows:
        made = translate(method, row, images)
        check_translation(bench.dataset.task.modality(row.output), made, 3, bench.profile.size)


@pytest.mark.parametrize("name", METHODS)
def test_a_prediction_does_not_depend_on_its_batch(name: str, bench: Any, trained: Any) -> None:
    """A pooling index or an arg-max may flip by a rounding error, so a share of 1 % of the pixels is let through.

    The pixels are shuffled: in a flat region all of a pooling window ties, and which one is first depends on the CPU.
    """
    method, _ = trained(name)
    images = bench.read(bench.dataset.split().test[:4])
    shuffled = torch.randperm(bench.profile.size**2, generator=torch.Generator().manual_seed(0))
    images = {n: x.flatten(-2)[..., shuffled].unflatten(-1, x.shape[-2:]) for n, x in images.items()}
    for row in method.translations():
        together = translate(method, row, images).double()
        single = [translate(method, row, {n: x[i : i + 1] for n, x in images.items()}) for i in range(4)]
        differs = (together - torch.cat(single).double()).abs() > 1e-3
        assert differs.double().mean() < 0.01, row.name


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
