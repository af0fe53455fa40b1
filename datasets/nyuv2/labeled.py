"""The official file of NYU Depth v2, read one image at a time::

    nyu_depth_v2_labeled.mat   HDF5: images, depths, rawDepths, labels (894 names), scenes
    splits.mat                 the official split, 795 and 654 images, numbered from 1
    classMapping40.mat         ``mapClass``: 894 names -> 40 classes; it is not in the labeled file

In place of the last, labels as PNGs whose names end in the image's number: ``nyuv2_train_class13/`` and
``nyuv2_test_class13/`` (13 classes) or ``labels40/`` (40 classes).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from mmbench.dataset import DataLimits, Problem, Sample
from mmbench.errors import UserError
from mmbench.modality.reading import Reading, RgbReading
from mmbench.task import Split

from ..blocks import draw, halve, shuffled
from ..hdf5 import open_hdf5
from ..nyu13 import MAP13, MAP40, read_ids, reading_through, to_classes, whole_numbers
from . import official
from .official import GROUPS, LABELED, LISTS, MODALITIES, SPLITS

MAPPING = "classMapping40.mat"
DEPTHS = {"refined": "depths", "raw": "rawDepths"}
FOLDERS = {
    "png40": ("labels40",),
    "png13": ("nyuv2_train_class13", "nyuv2_test_class13", "train_labels_13", "test_labels_13", "labels13"),
}
AGAIN = "get it again from http://horatio.cs.nyu.edu/mit/silberman/nyu_depth_v2/nyu_depth_v2_labeled.mat"
VALIDATION_SHARE = 0.05
BLOCK = 10  # neighbouring images, where the file does not name its scenes


class Labeled:
    """5 % of the official training scenes are validation, the others are halved.

    The settings choose ``depths`` (``refined``) or ``rawDepths`` (``raw``, with holes), and where labels come from.

    Raises:
        UserError: a file is missing or is not what its name says.
    """

    def __init__(self, folder: Path, limits: DataLimits, settings: Mapping[str, Any]) -> None:
        if not (folder / SPLITS).is_file():
            raise UserError(f"nyuv2: {SPLITS} (trainNdxs, testNdxs) not found in {folder}; get it from {LISTS}")
        self.folder, self.limits, self.settings = folder, limits, settings
        lists = official.read(folder / SPLITS)
        self._train, self._test = (tuple(f"NYU{n:04d}" for n in numbers) for numbers in (lists.train, lists.test))
        self._source, self._pngs = _labels(self.folder, self.settings["labels"])
        self._table = _mapping(self.folder / MAPPING) if self._source == "mapping40" else None

    @property
    def note(self) -> str:
        """``795 training and 654 test images; labels: mapping40``."""
        bare = sum(not self._labelled(sample_id) for sample_id in (*self._train, *self._test))
        found = f"{len(self._train)} training and {len(self._test)} test images"
        return f"{found}{f', {bare} of them without a label' if bare else ''}; labels: {self._source}"

    def split(self) -> Split:
        """Ids such as ``NYU0003`` (the number counts from 1), every beginning of a list a fair sample of it."""
        scenes = self._scenes
        blocks: dict[str, list[str]] = {}
        for sample_id in self._train:
            blocks.setdefault(scenes[sample_id], []).append(sample_id)
        drawn = draw(blocks, round(VALIDATION_SHARE * len(self._train)))
        validation = shuffled([sample_id for name in drawn for sample_id in blocks.pop(name)])
        halves = halve(blocks, lambda sample_id: "")
        groups = {group: self._part(half, self.limits.train) for group, half in zip(GROUPS, halves, strict=True)}
        return Split(
            groups,
            self._part(validation, self.limits.validation),
            self._part(shuffled(self._test), self.limits.test),
            scenes,
        )

    def manifest(self) -> str:
        """SHA-256 over the names and sizes of the files, the split and the mapping."""
        table = b"" if self._table is None else self._table.tobytes()
        lines = [
            f"{self._source} {(self.folder / LABELED).stat().st_size} {table.hex()}",
            " ".join(self._train),
            " ".join(self._test),
            *(f"{sample_id} {path.name} {size}" for sample_id, (path, size) in sorted(self._pngs.items())),
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def readings(self) -> dict[str, Reading]:
        """Depth is in no file of its own, labels only where they are PNGs."""
        table = {"png40": MAP40, "png13": MAP13}.get(self._source)
        labels = {"segmentation": reading_through(table)} if table is not None else {}
        return {"rgb": RgbReading(), **labels}

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """All three: what has no label belongs to no part."""
        return MODALITIES

    def paths(self) -> dict[str, Path]:
        """The file of images, and the PNGs of labels where they are the source."""
        return {LABELED: self.folder / LABELED, **{name: path for name, (path, _) in self._pngs.items()}}

    def sample(self, sample_id: str) -> Sample:
        """rgb uint8 ``(480, 640, 3)``, depth float32 metres and segmentation uint8 ``(480, 640)``.

        Raises UserError where the file is damaged, or a label does not fit its image.
        """
        index = _index(sample_id)
        with open_hdf5(self.folder / LABELED, AGAIN) as file:
            rgb = file["images"][index].transpose(2, 1, 0)  # channel, column, row as MATLAB stores them
            depth = file[DEPTHS[self.settings["depth"]]][index].T
            names = file["labels"][index].T
        if rgb.dtype != np.uint8 or not np.issubdtype(depth.dtype, np.floating):
            raise UserError(
                f"{self.folder / LABELED}: images are {rgb.dtype}, depths {depth.dtype}; expected uint8 and metres in "
                f"floating point; {AGAIN}"
            )
        measured = np.isfinite(depth) & (depth > 0)
        label = self._label(sample_id, names)
        if not rgb.shape[:2] == depth.shape == label.shape:
            sizes = " and ".join(f"{a.shape[1]} x {a.shape[0]}" for a in (rgb, depth, label))
            hint = "the 224 x 224 files of nyuv2_test_class13_eigen.tgz are predictions, not labels"
            raise UserError(f"{self._where(sample_id)}: sizes of rgb, depth and label differ: {sizes}; {hint}")
        return {
            "rgb": np.ascontiguousarray(rgb),
            "depth": np.where(measured, depth, 0).astype(np.float32),
            "segmentation": label,
        }

    def verify(self) -> Iterator[Problem]:
        """Every image of the split; a file that cannot be opened is one problem."""
        try:
            with open_hdf5(self.folder / LABELED, AGAIN) as file:
                for name in ("images", "labels", DEPTHS[self.settings["depth"]]):
                    len(file[name])
        except UserError as error:
            yield Problem(LABELED, str(error))
            return
        for sample_id in sorted((*self._train, *self._test)):
            try:
                self.sample(sample_id)
            except UserError as error:
                yield Problem(sample_id, str(error))

    def _part(self, ids: Iterable[str], limit: int) -> tuple[str, ...]:
        return tuple(filter(self._labelled, ids))[: limit or None]

    def _labelled(self, sample_id: str) -> bool:
        return self._table is not None or sample_id in self._pngs

    @cached_property
    def _scenes(self) -> dict[str, str]:
        """Scene of each sample, ``test`` or ``train`` and the name of the recording where the file has names."""
        parts = {i: part for part, ids in (("train", self._train), ("test", self._test)) for i in ids}
        with open_hdf5(self.folder / LABELED, AGAIN) as file:
            count = len(file["images"])
            names = [_text(file[reference]) for reference in file["scenes"][()].ravel()] if "scenes" in file else []
        if highest := [i for i in parts if _index(i) >= count]:
            raise UserError(f"{self.folder / SPLITS}: lists {max(highest)}, but {LABELED} has {count} images; {AGAIN}")
        named = len(names) == count
        return {i: f"{part} {names[_index(i)] if named else _index(i) // BLOCK}" for i, part in parts.items()}

    def _label(self, sample_id: str, names: np.ndarray) -> np.ndarray:
        if self._table is not None:
            return to_classes(names, self._table, self.folder / LABELED)
        if sample_id not in self._pngs:
            raise UserError(f"nyuv2: {sample_id} has no PNG of labels in {self.folder}; it belongs to no part")
        path = self._pngs[sample_id][0]
        return to_classes(read_ids(path), MAP40 if self._source == "png40" else MAP13, path)

    def _where(self, sample_id: str) -> Path:
        return self._pngs[sample_id][0] if sample_id in self._pngs else self.folder / LABELED


def _labels(folder: Path, asked: str) -> tuple[str, dict[str, tuple[Path, int]]]:
    """The source of labels that was asked for or is there, and its PNGs by sample with their sizes in bytes."""
    if asked in ("auto", "mapping40") and (folder / MAPPING).is_file():
        return "mapping40", {}
    for source in FOLDERS if asked == "auto" else [asked]:
        found = {}
        for name in FOLDERS.get(source, ()):
            if (folder / name).is_dir():
                with os.scandir(folder / name) as listing:
                    for entry in listing:
                        if match := re.search(r"(\d+)\.png$", entry.name):
                            found[f"NYU{int(match[1]):04d}"] = (folder / name / entry.name, entry.stat().st_size)
        if found:
            return source, found
    raise UserError(
        f"nyuv2: no labels of 13 classes ({asked}) in {folder}: {LABELED} has 894 names, which {MAPPING} (mapClass) "
        f"maps to 40 classes; get it from {LISTS}"
    )


def _mapping(path: Path) -> np.ndarray:
    """uint8 ``(895,)``: name 0..894 to class 0..13. The 13 classes of the 40 are ``nyu13.MAP40``."""
    try:
        classes = whole_numbers(np.asarray(loadmat(path)["mapClass"])).ravel()
        return MAP40[np.concatenate([[0], classes])]
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        raise UserError(f"{path}: no mapClass with classes 0 to 40 ({error}); get it from {LISTS}") from error


def _index(sample_id: str) -> int:
    if not re.fullmatch(r"NYU\d{4,}", sample_id) or sample_id == "NYU0000":
        raise UserError(f"nyuv2: {sample_id!r} is no sample; expected an id such as NYU0003")
    return int(sample_id[3:]) - 1


def _text(characters: Any) -> str:
    """MATLAB's text: one uint16 per character."""
    return "".join(map(chr, characters[()].ravel().tolist()))
