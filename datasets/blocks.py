"""Lists of samples: blocks that must not be parted, such as a scene's images, drawn and halved by hash; turns."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest


def shuffled(names: Iterable[str]) -> list[str]:
    """In the order of their SHA-256: random, the same everywhere, and not moved by names that are absent."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())


def draw(blocks: Mapping[str, Sequence[str]], samples: int) -> list[str]:
    """Names of blocks in shuffled order, each taken that still fits into so many samples; at least the smallest."""
    drawn = []
    left = max(samples, min(map(len, blocks.values()), default=0))
    for name in shuffled(blocks):
        if len(blocks[name]) <= left:
            drawn.append(name)
            left -= len(blocks[name])
    return drawn


def halve(blocks: Mapping[str, Sequence[str]], kind: Callable[[str], str]) -> tuple[list[str], list[str]]:
    """All samples in two halves, shuffled; a block goes to the half that has fewer samples of its kind.

    Args:
        blocks: samples by the name of their block.
        kind: of a block, told from its first sample; each kind is halved for itself.
    """
    halves: tuple[list[str], list[str]] = ([], [])
    held = (Counter[str](), Counter[str]())
    for name in shuffled(blocks):
        own = kind(blocks[name][0])
        half = 0 if (held[0][own], len(halves[0])) <= (held[1][own], len(halves[1])) else 1
        halves[half].extend(blocks[name])
        held[half][own] += len(blocks[name])
    return shuffled(halves[0]), shuffled(halves[1])


def in_turn(lists: Iterable[Sequence[str]], limit: int) -> tuple[str, ...]:
    """One sample of each list in turn, up to ``limit`` in all (0: no limit)."""
    turns = [name for turn in zip_longest(*lists) for name in turn if name is not None]
    return tuple(turns[: limit or None])
