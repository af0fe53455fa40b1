"""Every method of the catalog takes the same steps in several processes as in one, at batch 6.

In fp64 to the last few bits: what is computed is the same. In fp32 as far as rounding lets it, which ``measured.toml``
has for every method (``python tests/helpers/first_steps.py`` measures it again). Adam makes much of little: where a
gradient is 0 but for rounding, as of a convolution's bias in front of a normalization, its steps are as long as others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import first_steps
import pytest
import torch
from first_steps import CASES, STEPS, STEPS_IN_DOUBLE, Measured
from several import in_each

pytestmark = pytest.mark.slow
GRADIENTS, WEIGHTS = 1e-5, 1e-3  # the largest distances in fp32, relative to the length of a role's vector
MORE = 3  # times what was measured where that is above them: rounding is not the same on every machine
RECORDED = tomllib.loads(Path(__file__).with_name("measured.toml").read_text())

Measure = Callable[[int, bool], Path]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measure:
    """The folder of what so many processes measured, once for all methods."""
    found: dict[tuple[int, bool], Path] = {}

    def get(size: int, double: bool) -> Path:
        if (size, double) not in found:
            folder = found[size, double] = tmp_path_factory.mktemp("measured")
            given = (CASES, STEPS_IN_DOUBLE if double else STEPS, folder, double)
            if size == 1:
                first_steps.measure(None, *given)
            else:
                in_each(size, first_steps.measure, *given)
        return found[size, double]

    return get


def distances(measured: Measure, name: str, kind: str, size: int, double: bool) -> Measured:
    one, several = (torch.load(measured(n, double) / f"{name}.{kind}.{n}.pt") for n in (1, size))
    return first_steps.distances(one, several)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_in_fp64_all_steps_are_the_same(name: str, kind: str, measured: Measure) -> None:
    found = distances(measured, name, kind, 2, True)
    assert found.gradients < 1e-12
    # Instance normalization of features that are all but constant makes much of little at these sizes: as far as one
    # process goes astray from weights that are off by a rounding, several may.
    one = torch.load(measured(1, True) / f"{name}.{kind}.1.pt")
    assert found.weights < max(1e-6, MORE * first_steps.farthest(one["weights"], one["bent"]))


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_in_fp32_they_are_the_same_but_for_rounding(name: str, kind: str, size: int, measured: Measure) -> None:
    found, recorded = distances(measured, name, kind, size, False), Measured(**RECORDED[name][f"processes-{size}"])
    assert found.gradients < max(GRADIENTS, MORE * recorded.gradients)
    assert found.weights < max(WEIGHTS, MORE * recorded.weights)


def test_every_method_was_measured() -> None:
    assert list(RECORDED) == [name for name, _ in CASES]
