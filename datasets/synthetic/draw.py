"""Random numbers that are the same on every machine and with every version of numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
POOL = 1024  # raw words fetched at once: a call into numpy per number would cost more than the rest of the scene


class Draw:
    """A stream of random numbers named by a key of non-negative integers.

    It reads Philox's raw words, whose stream numpy guarantees (NEP 19); the distributions of ``Generator`` may change
    between versions, so the few that are needed are computed here.
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.Philox(np.random.SeedSequence(key))
        self._pool: list[float] = []

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        if not self._pool:
            raw = np.asarray(self._bits.random_raw(POOL), np.uint64)
            self._pool = ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).tolist()
        return self._pool.pop()

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.unit()

    def chance(self, probability: float) -> bool:
        """Whether an event of that probability happens."""
        return self.unit() < probability

    def integer(self, low: int, high: int) -> int:
        """Uniform in {low, ..., high}, both ends included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[int(self.unit() * len(options))]
