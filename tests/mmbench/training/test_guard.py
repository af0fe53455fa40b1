"""The noise test: what a method may not see can be anything, and its final weights come out bit-identical."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mmbench.plugins import catalog
from mmbench.task import Access, views

METHODS = [
    name
    for name, card in catalog.cards("methods").items()
    if card.get("ROLE") != "judge" and not card.problem and "cross-modal" in card["KINDS"]
]


@pytest.mark.parametrize("name", METHODS)
def test_final_weights_do_not_depend_on_what_may_not_be_seen(name: str, bench: Any, tmp_path: Path) -> None:
    bench.check_guard(name, tmp_path, validates=True)


def test_the_noise_test_can_fail(bench: Any, noisy_cache: Any, tmp_path: Path) -> None:
    """An oracle trained under the zero-pair views' noise ends elsewhere: it reads what they withhold."""
    seen = views(bench.dataset.task, bench.dataset.split(), Access.SEEN_GROUPS)
    plain = bench.train("oracle", tmp_path / "plain").state_dict()
    noisy = noisy_cache(bench.cache, seen)
    guarded = bench.train("oracle", tmp_path / "noisy", through=noisy).state_dict()
    assert noisy.replaced > 0
    assert not all(torch.equal(plain[key], guarded[key]) for key in plain)
