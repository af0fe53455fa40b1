"""Where a data set's decoded images lie in the cache folder, and how much room they take. Imports no torch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.dataset import Dataset
from mmbench.modality import Modality
from mmbench.store import arrays

SHARD = 8192
"""Samples of a folder of prepared images: what one process prepares at a time, and what is made anew where a byte of it
is damaged. At 256 x 256 pixels rgb, depth and labels of so many take 4.3 GB."""


@dataclass(frozen=True)
class Shard:
    """Some samples of a cache, in a folder of their own.

    Attributes:
        rows: which of the cache's samples, in their order.
    """

    folder: Path
    rows: range

    @property
    def part(self) -> Path:
        """What the folder is while it is being made."""
        return self.folder.with_suffix(".part")

    @property
    def lock(self) -> Path:
        """Held by whoever makes it."""
        return self.folder.with_suffix(".lock")


def meta(dataset: Dataset, manifest: str, source: str, size: int) -> dict[str, Any]:
    """What a cache is made of, beside its list of ids.

    Args:
        manifest: the data set's, with the content of its files (see ``content.py``).
        source: hash of the adapter's code and of the code it resizes with; other code, other cache.
        size: image height and width in pixels.
    """
    return {
        "data": dataset.task.name,
        "manifest": manifest,
        "settings": dataset.settings,
        "size": size,
        "source": source,
    }


def folder_name(about: dict[str, Any], ids: Sequence[str]) -> str:
    """Of the cache of ``ids``, in the order of its rows; ``about`` is what :func:`meta` made."""
    described = json.dumps({**about, "ids": list(ids)}, sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()[:32]


def shards(cache: Path, name: str, samples: int) -> list[Shard]:
    """Where the prepared images of so many samples lie.

    One folder where there are few, or where earlier code has put all of them; else several in a folder whose name says
    how many samples each holds.

    Args:
        cache: holds all caches.
        name: of this one (:func:`folder_name`).
    """
    if samples <= SHARD or os.path.lexists(cache / name):
        return [Shard(cache / name, range(samples))]
    folder = cache / f"{name}{arrays.SHARDED}{SHARD}"
    starts = range(0, samples, SHARD)
    return [Shard(folder / f"{n:05d}", range(start, min(start + SHARD, samples))) for n, start in enumerate(starts)]


def prepared_samples(cache: Path, name: str, samples: int) -> int:
    """How many of the samples of a cache are in finished folders, by the folders' names alone."""
    return sum(len(shard.rows) for shard in shards(cache, name, samples) if shard.folder.is_dir())


def all_ids(dataset: Dataset) -> list[str]:
    """Of all parts of a data set, as a run caches them."""
    return [sample_id for part in dataset.split().parts().values() for sample_id in part]


def held(dataset: Dataset, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Modality -> whether each sample has it, bool ``(len(ids),)``."""
    if type(dataset).holds is Dataset.holds:
        return {m.name: np.ones(len(ids), bool) for m in dataset.task.modalities}
    # Bytes in place of a set for each sample, which would take 200 MB of a million.
    made = {m.name: bytearray(len(ids)) for m in dataset.task.modalities}
    for place, sample_id in enumerate(ids):
        for name in dataset.holds(sample_id):
            if name in made:
                made[name][place] = 1
    return {name: np.frombuffer(column, bool) for name, column in made.items()}


def disk_need(modalities: Iterable[Modality], there: Mapping[str, np.ndarray], size: int) -> int:
    """Bytes that a cache at ``size`` x ``size`` pixels takes, of samples of which ``there`` says what they hold."""
    return sum(row_bytes(m, size) * int(there[m.name].sum()) for m in modalities)


def row_bytes(modality: Modality, size: int) -> int:
    """Bytes of one image of a modality at ``size`` x ``size`` pixels."""
    return int(modality.dtype.itemsize * np.prod(modality.shape(size, size)))
