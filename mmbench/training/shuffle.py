"""The order of an epoch as a function of the position, so that no list of all samples is shuffled in memory.

Up to :data:`LISTED` samples the order is numpy's permutation, as it has always been, held as a list. Longer ones are a
bijection that is computed where it is asked for: a Feistel network of :data:`ROUNDS` rounds over the least even number
of bits that holds all positions (Luby & Rackoff 1988), applied again to what falls outside of the list, until it falls
inside (cycle walking: Black & Rogaway 2002, "Ciphers with Arbitrary Finite Domains"). It is no cipher, only an order
without a pattern.
"""

from __future__ import annotations

import numpy as np

LISTED = 2**19
"""Samples. More than a view of any data set of mmbench had when longer orders came (400 000), whose order stays."""

ROUNDS = 8

# Finalizer of MurmurHash3 (A. Appleby, public domain), by which every bit of a half changes about half of the others.
_MULTIPLIERS = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)


class Shuffle:
    """A permutation of ``count`` positions that a key names.

    Args:
        count: number of samples, at least 1.
        key: non-negative integers, such as seed, stage, view and epoch.
        listed: up to so many samples the permutation is a list.
    """

    def __init__(self, count: int, *key: int, listed: int = LISTED) -> None:
        self.count = count
        self._list = np.random.default_rng(list(key)).permutation(count) if count <= listed else None
        # Raw words of SeedSequence are the same in every version of numpy (NEP 19).
        self._keys = np.random.SeedSequence(list(key)).generate_state(ROUNDS, np.uint64)
        self._half = np.uint64(max(1, ((count - 1).bit_length() + 1) // 2))
        self._mask = np.uint64((1 << int(self._half)) - 1)

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """Which sample is at each of some positions.

        Args:
            positions: int64 ``(N,)`` in ``0 .. count - 1``.

        Returns:
            int64 ``(N,)`` in the same range; all positions together give every sample once.

        Raises:
            IndexError: a position is outside of it.
        """
        if len(positions) and not 0 <= positions.min() <= positions.max() < self.count:
            raise IndexError(f"positions of {self.count} samples: {positions.min()} to {positions.max()}")
        if self._list is not None:
            return np.asarray(self._list[positions])
        made = self._network(positions.astype(np.uint64))
        # Of a walk of at most four times as many values as there are samples; it ends, at the latest where it began.
        while (outside := made >= np.uint64(self.count)).any():
            made[outside] = self._network(made[outside])
        return made.astype(np.int64)

    def _network(self, values: np.ndarray) -> np.ndarray:
        left, right = values >> self._half, values & self._mask
        for key in self._keys:
            left, right = right, left ^ (_mixed(right ^ key) & self._mask)
        return np.asarray((left << self._half) | right)


def _mixed(words: np.ndarray) -> np.ndarray:
    for multiplier in _MULTIPLIERS:
        words = (words ^ (words >> _SHIFT)) * multiplier
    return words ^ (words >> _SHIFT)
