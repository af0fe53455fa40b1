"""The noise test: what a method may not see can be anything, and its final weights come out bit-identical."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmbench import catalog
from mmbench.task import LABEL, Access, View, views

METHODS = [
    name
    for name, card in catalog.cards("methods").items()
    if card.get("ROLE") != "judge" and not card.problem and "cross-modal" in card["KINDS"]
]


class NoisyCache:
    """A cache in which everything outside some views is noise."""

    def __init__(self, inner: Any, allowed: tuple[View, ...]) -> None:
        self.inner = inner
        self.allowed = {
            name: set(np.concatenate([inner.index(v.ids) for v in allowed if name in v.modalities]).tolist())
            for name in {name for view in allowed for name in view.modalities} - {LABEL}
        }
        self.replaced = 0

    def index(self, ids: tuple[str, ...]) -> np.ndarray:
        return self.inner.index(ids)

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        array = self.inner.read(modality, rows)
        noise = np.random.default_rng(7)
        for position, row in enumerate(rows):
            if int(row) not in self.allowed.get(modality, set()):
                self.replaced += 1
                array[position] = noise.integers(0, 13, array[position].shape).astype(array.dtype)
        return array


@pytest.mark.parametrize("name", METHODS)
def test_final_weights_do_not_depend_on_what_may_not_be_seen(name: str, bench: Any, tmp_path: Path) -> None:
    allowed = views(bench.dataset.task, bench.dataset.split(), Access(catalog.find("methods", name)["ACCESS"]))
    noisy, validation = NoisyCache(bench.cache, allowed), NoisyCache(bench.cache, ())
    plain = bench.train(name, tmp_path / "plain", looked_at=bench.cache).state_dict()
    guarded = bench.train(name, tmp_path / "noisy", through=noisy, looked_at=validation).state_dict()
    assert validation.replaced > 0, "alignment factors are taken from validation images"
    assert noisy.replaced == 0, "a loader read an image that the guard does not allow"
    assert all(torch.equal(plain[key], guarded[key]) for key in plain)


def test_the_noise_test_can_fail(bench: Any, tmp_path: Path) -> None:
    """An oracle trained under the zero-pair views' noise ends elsewhere: it reads what they withhold."""
    seen = views(bench.dataset.task, bench.dataset.split(), Access.SEEN_GROUPS)
    plain = bench.train("oracle", tmp_path / "plain").state_dict()
    noisy = NoisyCache(bench.cache, seen)
    guarded = bench.train("oracle", tmp_path / "noisy", through=noisy).state_dict()
    assert noisy.replaced > 0
    assert not all(torch.equal(plain[key], guarded[key]) for key in plain)
