"""What is said, before anything is started, of cells that cannot have several GPUs each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mmbench.errors import UserError
from mmbench.planning import several
from mmbench.planning.plan import Plan, make_plans


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Of smoke, whose batches have two images."""
    (made,) = make_plans(["mmnet"], ["synthetic"], "smoke", [0], tmp_path)
    return made


def gpus(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(several, "cuda_present", lambda: count > 0)
    monkeypatch.setattr(several, "visible_gpus", lambda: [str(n) for n in range(count)])


@pytest.mark.parametrize(
    ("count", "device", "seen", "why"),
    [
        (0, "cpu", 0, "expected 1 or more"),
        (3, "auto", 2, "2 GPUs are to be seen here; give 2 or less"),
        (2, "cuda", 1, "1 GPU is to be seen here; give 1 or less"),
        (2, "auto", 0, "no GPU is to be seen here; --device cpu takes 2 processes on the CPU"),
        (2, "cuda:1", 2, "--device cuda:1 is a single GPU; use --device cuda"),
        (3, "cpu", 0, "profile smoke has batches of 2 images on synthetic, which 3 does not divide; give one of 1, 2"),
    ],
)
def test_what_cannot_be(
    count: int, device: str, seen: int, why: str, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(seen, monkeypatch)
    with pytest.raises(UserError) as caught:
        several.check([plan], count, device)
    assert f"--gpus-per-cell {count}: {why}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("count", "device", "seen", "here"),
    [(1, "auto", 0, True), (2, "cpu", 0, True), (2, "auto", 2, True), (2, "cuda", 0, True), (2, "auto", 0, False)],
)
def test_what_can_be(
    count: int, device: str, seen: int, here: bool, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(seen, monkeypatch)
    several.check([plan], count, device, here=here)


def test_a_method_that_cannot_is_named(plan: Plan) -> None:
    (cell,) = plan.cells
    card = dataclasses.replace(cell.card, values={**cell.card.values, "SPLITS": False})
    whole = dataclasses.replace(plan, cells=(dataclasses.replace(cell, card=card),))
    with pytest.raises(UserError, match="--gpus-per-cell 2: mmnet cannot be split over several GPUs"):
        several.check([whole], 2, "cpu")
    several.check([whole], 1, "cpu")
