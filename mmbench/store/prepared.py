"""Where a data set's decoded images lie in the cache folder, and how much room they take. Imports no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmbench.dataset import Dataset


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


def all_ids(dataset: Dataset) -> list[str]:
    """Of all parts of a data set, as a run caches them."""
    return [sample_id for part in dataset.split().parts().values() for sample_id in part]


def held(dataset: Dataset, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Modality -> whether each sample has it, bool ``(len(ids),)``."""
    if type(dataset).holds is Dataset.holds:
        return {m.name: np.ones(len(ids), bool) for m in dataset.task.modalities}
    holds = [set(dataset.holds(sample_id)) for sample_id in ids]
    return {m.name: np.array([m.name in names for names in holds], bool) for m in dataset.task.modalities}


def disk_need(dataset: Dataset, ids: Sequence[str], size: int) -> int:
    """Bytes that the cache of ``ids`` at ``size`` x ``size`` pixels takes."""
    there = held(dataset, ids)
    return sum(
        m.dtype.itemsize * int(np.prod(m.shape(size, size))) * int(there[m.name].sum()) for m in dataset.task.modalities
    )
