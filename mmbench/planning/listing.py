"""What a plan has to know of a data set's samples, without the list of them where that is long.

To list a million samples and to look at what each holds takes longer than the rest of a plan. What comes of it is some
numbers and digests, which are kept in the cache folder under all that they depend on: the data set's manifest with the
content of its files, its settings, the limits, the adapter's source and the size of the images.

An adapter has to say that this is so, by an attribute ``split_by_manifest = True``: its split and what its samples hold
follow from manifest, settings and limits, and neither needs the list to be made. Of others a list of ids may be in a
file that the manifest does not read; they are listed for each plan.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.dataset import Dataset
from mmbench.plugins import keys
from mmbench.plugins.catalog import Card
from mmbench.plugins.remembered import remembered
from mmbench.store import prepared

MANY = 100_000
"""Samples from which it is kept; fewer are soon listed."""


@dataclass(frozen=True)
class Listing:
    """Of one data set at one size.

    Attributes:
        parts: training group, ``validation`` or ``test`` -> number of samples.
        hashes: the same -> digest of its list of ids.
        whole: training group -> how many of its samples hold every modality.
        bytes: of the prepared images.
        prepared_in: name of their folder in the cache folder.
    """

    parts: dict[str, int]
    hashes: dict[str, str]
    whole: dict[str, int]
    bytes: int
    prepared_in: str

    @property
    def samples(self) -> int:
        """Of all parts."""
        return sum(self.parts.values())


def listing(dataset: Dataset, card: Card, identity: str, size: int) -> Listing:
    """Of a data set that was opened, as it was found before or by listing its samples now.

    Args:
        identity: its manifest, with the content of its files (``store/content.py``).
        size: image height and width in pixels.
    """
    about = prepared.meta(dataset, identity, keys.source_digest(card.path, card.module), size)
    question = keys.digest({**about, "limits": asdict(dataset.limits)})
    kept = remembered("listings", Path(__file__), Path(prepared.__file__))
    follows = bool(getattr(dataset, "split_by_manifest", False))
    same, found = kept.last(card.path, question) if follows else (False, {})
    if same:
        return Listing(**found)
    made = _listed(dataset, about, size)
    if follows and made.samples >= MANY:
        kept.keep(card.path, question, asdict(made))
    return made


def _listed(dataset: Dataset, about: dict[str, Any], size: int) -> Listing:
    split = dataset.split()
    ids = prepared.all_ids(dataset)
    held, whole, start = prepared.held(dataset, ids), {}, 0
    for name, part in split.parts().items():
        rows = slice(start, start := start + len(part))
        if name in split.groups:
            whole[name] = int(np.logical_and.reduce([mask[rows] for mask in held.values()]).sum())
    return Listing(
        {name: len(part) for name, part in split.parts().items()}, split.hashes(), whole,
        prepared.disk_need(dataset.task.modalities, held, size), prepared.folder_name(about, ids),
    )  # fmt: skip
