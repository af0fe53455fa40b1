"""Shared by methods with a model for each pair of domains: which pairs have one, and how the others are translated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations, permutations
from typing import Literal

from mmbench.task import Task, Translation

Pairs = Literal["all", "anchor"]
IsTrained = Callable[[str, str], bool]
"""Whether two domains, in this order or the other, have a model of their own."""


def trained_pairs(names: Iterable[str], anchor: str, pairs: Pairs) -> list[tuple[str, str]]:
    """Every pair of domains, or those with the anchor, in the order of the names."""
    return [pair for pair in combinations(names, 2) if pairs == "all" or anchor in pair]


def every_translation(task: Task, is_trained: IsTrained) -> tuple[Translation, ...]:
    """From each domain to each other one: what has no model of its own by the anchor."""
    names = [domain.name for domain in task.modalities]
    return tuple(Translation((a,), b, via=None if is_trained(a, b) else task.anchor) for a, b in permutations(names, 2))


def hops(task: Task, translation: Translation, is_trained: IsTrained) -> tuple[str, ...]:
    """The domains that an image becomes one after the other, the output last.

    A pair that was not trained goes by the anchor whether ``via`` says so or not.
    """
    ((source,), output, via) = translation.inputs, translation.output, translation.via
    if via is None and not is_trained(source, output):
        via = task.anchor
    return (output,) if via is None else (via, output)
