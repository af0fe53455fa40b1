"""Models for every pair of domains: as many as a step is told, and by the anchor where a pair has none."""

from __future__ import annotations

import pytest
import torch
from mmbench.methods.domain_pairs import every_translation, hops, trained_pairs
from recolouring import SIZE, build, numbered

from mmbench.task import Translation


@pytest.mark.parametrize(("name", "told"), [("unit-domains", 2), ("cyclegan-domains", 3)])
def test_a_step_trains_as_many_pairs_as_it_is_told(name: str, told: int) -> None:
    names = numbered(5)
    method, (stage,) = build(name, names, pairs_per_step=told)
    batch = {name: {name: torch.rand(1, 3, SIZE, SIZE)} for name in names}
    seen = set()
    for step in range(25):
        torch.manual_seed(step)
        made = method(batch, stage)
        pairs = {frozenset((one.source, one.target)) for one in made}
        assert (len(pairs), len(made)) == (told, 2 * told)
        seen |= pairs
    assert len(seen) == 10


def test_the_anchors_pairs_are_those_that_have_it() -> None:
    assert trained_pairs("cab", "a", "all") == [("c", "a"), ("c", "b"), ("a", "b")]
    assert trained_pairs("cab", "a", "anchor") == [("c", "a"), ("a", "b")]


def test_a_pair_without_a_model_goes_by_the_anchor() -> None:
    task = build("cyclegan-domains", ("blue", "red", "green"))[0].task

    def with_blue(one: str, other: str) -> bool:
        return "blue" in (one, other)

    cascaded = {row.name for row in every_translation(task, with_blue) if row.via}
    assert cascaded == {"red -> blue -> green", "green -> blue -> red"}
    for via in (None, "blue"):
        assert hops(task, Translation(("red",), "green", via=via), with_blue) == ("blue", "green")
    assert hops(task, Translation(("red",), "blue"), with_blue) == ("blue",)
    assert hops(task, Translation(("red",), "blue", via="green"), with_blue) == ("green", "blue")
