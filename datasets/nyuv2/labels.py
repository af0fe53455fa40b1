"""Folders of labels beside exported images: which is read, and whether another one says the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mmbench.errors import UserError
from mmbench.modality.reading import Reading
from mmbench.modality.reading.stored import DamagedError, UndescribedError

from ..folder.description import FILE, Segmentation
from ..folder.files import Files
from ..nyu13 import CLASSES, MAP13, MAP40, PALETTE, reading_through
from .official import LISTS

FOLDERS = {"png40": ("labels40", MAP40), "png13": ("labels13", MAP13)}
COMPARED = 20
"""Images in which two folders are held against each other, spread evenly."""


@dataclass(frozen=True)
class Labels:
    """A folder of labels: its name among the values of ``data.labels``, where it is, and how its files are read."""

    name: str
    table: Segmentation
    reading: Reading


def find(folder: Path, stated: Segmentation | None) -> list[Labels]:
    """All that are there; first the one that ``dataset.toml`` describes, or ``segmentation/``; then 40 classes.

    Raises:
        UserError: ``dataset.toml`` describes other classes than the 13.
    """
    table = stated or Segmentation()
    table = replace(table, folder=table.folder or "segmentation", palette=table.palette or PALETTE[1:])
    made = []
    if table.folder not in {name for name, _ in FOLDERS.values()} and (folder / table.folder).is_dir():
        if table.classes and [*map(_bare, table.classes)] != [*map(_bare, CLASSES)]:
            raise UserError(
                f"{folder / FILE}: [modalities.segmentation]: classes are not the 13 ({', '.join(CLASSES)}); "
                f"`--dataset {folder}` takes any"
            )
        ids = table.ids or tuple(range(1, len(CLASSES) + 1))
        void = table.void or ((0,) if 0 not in ids else ())
        table = replace(table, classes=CLASSES, ids=ids, void=void)
        made.append(Labels("segmentation", table, table.reading()))
    for name, (where, to_13) in FOLDERS.items():
        if (folder / where).is_dir():
            plain = Segmentation(folder=where, pattern=table.pattern, classes=CLASSES, palette=PALETTE[1:])
            made.append(Labels(name, replace(plain, ids=tuple(range(1, 14)), void=(0,)), reading_through(to_13)))
    return made


def choose(found: list[Labels], asked: str, folder: Path) -> Labels:
    """The one that was asked for, the first one for ``auto``. Raises UserError where it is not there."""
    for labels in found:
        if asked in ("auto", labels.name):
            return labels
    there = ", ".join(labels.name for labels in found) or "none"
    raise UserError(
        f"nyuv2: no labels ({asked}) in {folder}: expected segmentation/ or labels13/ (13 classes) or labels40/ "
        f"(40 classes), found {there}; get them from {LISTS}"
    )


def compare(one: Labels, files: Files, other: Labels, others: Files) -> None:
    """Raise UserError where two folders give an image other classes. What cannot be read is left to ``verify``."""
    images, same = files.images["segmentation"], others.images["segmentation"]
    shared = [sample for sample in images if sample in same]
    for place in range(min(COMPARED, len(shared))):
        sample = shared[place * len(shared) // min(COMPARED, len(shared))]
        paths = files.root / images[sample].path, others.root / same[sample].path
        first, second = _classes(one, paths[0]), _classes(other, paths[1])
        if first is None or second is None:
            continue
        if first.shape != second.shape or (first != second).any():
            same_size = first.shape == second.shape
            differ = f"{100 * np.mean(first != second):.2g} % of their pixels" if same_size else "size"
            raise UserError(
                f"nyuv2: {paths[0]} and {paths[1]} differ in {differ}: keep one of the folders, or choose with "
                f"--set data.labels={one.name} (or {other.name})"
            )


def _classes(labels: Labels, path: Path) -> np.ndarray | None:
    """None for a damaged file. Raises UserError for other classes than those of the folder."""
    try:
        return labels.reading.read(path)
    except UndescribedError as error:
        raise UserError(f"{path}: {error}") from error
    except DamagedError:
        return None


def _bare(name: str) -> str:
    """A class's name without what lists of the 13 write differently: "Books" or "book"."""
    return name.strip().lower().removesuffix("s")
