"""The contract of a method, training that goes on: after an interruption, and from a parent's weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from contract import CARDS, CHILDREN, METHODS

from mmbench.contracts import training
from mmbench.contracts.subject import Subject
from mmbench.planning.order import Order
from mmbench.store.folder import CellFolder
from mmbench.training import checkpoint


@pytest.mark.parametrize("name", METHODS)
def test_an_interrupted_training_ends_with_the_same_bits(name: str, subject_of: Callable[..., Subject]) -> None:
    training.check_resuming(subject_of(name))


@pytest.mark.parametrize(
    ("name", "rounds"), [("mmnet", 1), ("cascade", 1), ("stargan-paired", 5), ("stargan-unpaired", 5)]
)
def test_an_interrupted_adversarial_training_ends_with_the_same_bits(
    name: str, rounds: int, bench: Any, tmp_path: Path
) -> None:
    """Two players, two optimizers: the papers' losses at smoke size, with one batch per step and with five."""
    adversarial = Subject(CARDS[name], bench.at_scale("paper"), tmp_path)
    assert max(stage.rounds for stage in adversarial.build()[1].stages) == rounds
    assert any(key.startswith("discriminator") for key in adversarial.trained[0].state_dict())
    training.check_resuming(adversarial)


@pytest.mark.parametrize("name", CHILDREN)
def test_a_child_starts_from_its_parents_weights(name: str, subject_of: Callable[..., Subject]) -> None:
    training.check_parent(subject_of(name))


def test_a_childs_cell_begins_where_its_parents_ended(bench: Any, tmp_path: Path, cache_folder: Path) -> None:
    """Through the cell itself, which hands a parent over: with a learning rate of 0 the parameters stay equal."""
    folders = {name: CellFolder(tmp_path / "synthetic" / "smoke" / name / "seed-0") for name in ("mmnet", "mmnet-pp")}
    for name, folder in folders.items():
        child = name == "mmnet-pp"
        order = Order(
            "synthetic", "smoke", name, 0, key="k", folder=str(folder.path), overrides={"stage.pseudo-pairs.lr": 0.0},
            cache_folder=str(cache_folder), parent=str(folders["mmnet"].path) if child else "",
            parent_method="mmnet" if child else "", device="cpu", precision="fp32", threads=1,
        )  # fmt: skip
        subprocess.run([sys.executable, "-m", "mmbench.cell"], input=order.to_json(), text=True, check=True)
    weights = {}
    for name, folder in folders.items():
        found, (method, _) = checkpoint.latest(folder.checkpoints), bench.build(name)
        assert found is not None
        checkpoint.load_weights(found, method)
        weights[name] = dict(method.named_parameters())
    assert all(torch.equal(weights["mmnet"][key], value) for key, value in weights["mmnet-pp"].items())
