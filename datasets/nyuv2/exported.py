"""The images of NYU Depth v2 as files of any size, read by the parts of the data set ``folder``::

    rgb/0001.jpg            names end in the number of the image, counted from 1
    depth/0001.png          16-bit millimetres, or as dataset.toml says
    segmentation/0001.png   13 classes, 0 = void, or as dataset.toml says
    labels13/, labels40/    in its place: 13 classes, or the 40 of which they are made
    splits.mat              the official split
    dataset.toml            optional; its lists of samples and its scenes are kept to

Without scenes in ``dataset.toml`` a run of neighbours of one official part is one, and gives the images their names:
``r001_0001``. A subset of the images will do.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mmbench.dataset import DataLimits, Problem, Sample
from mmbench.errors import UserError
from mmbench.modality.reading import Reading
from mmbench.modality.reading.stored import DamagedError
from mmbench.task import Split

from ..folder import discover
from ..folder.description import FILE, KINDS, Description, Table, read
from ..folder.files import SUFFIXES, Files, normal, scan
from ..folder.look import Look
from ..folder.split import make_split
from . import labels, official
from .official import GROUPS, LISTS, MODALITIES, SPLITS, Official

NUMBER = r"0*(\d+)$"
RUN = r"^(r[0-9]+)_"


def is_here(folder: Path) -> bool:
    """Whether a folder looks like this form."""
    return (folder / "rgb").is_dir() or (folder / FILE).is_file()


class Exported:
    """Parts as the data set ``folder`` makes them: 5 % are validation, in whole scenes; the groups share the others.

    Raises:
        UserError: images without a number, no official split or another one, labels of other classes, folders of
            labels that differ; one line that names the file.
    """

    def __init__(self, folder: Path, limits: DataLimits, asked: str) -> None:
        self.folder, self.limits = folder, limits
        stated = _stated(folder)
        self._official = official.read(folder / SPLITS) if (folder / SPLITS).is_file() else None
        self._listed = not isinstance(stated.split.test, float)
        _check_split(folder, stated, self._official)
        there = labels.find(folder, stated.modalities.get("segmentation"))
        self._labels = labels.choose(there, asked, folder)
        self.files = _files(folder, stated, self._labels, self._official)
        for other in there[1:] if asked == "auto" else ():
            labels.compare(self._labels, self.files, other, _files(folder, stated, other, self._official))
        described = _described(stated, self._labels)
        if self._official and not self._listed:
            tested = [name for name in self._whole if _number(name) in self._official.test]
            described = replace(described, split=replace(stated.split, test=tested))
        described = replace(described, scene=stated.scene or RUN)
        self.description = discover.complete(described, Look(self.files))
        unit = self.description.modalities["depth"].unit
        self._guess = "" if described.modalities["depth"].unit else f"; depth taken to be in {unit}s"
        self._check_parts()

    @property
    def note(self) -> str:
        """``795 of 795 official training frames, 470 of 654 official test frames; labels: segmentation``."""
        train, test = self._totals
        parts = self._parts.parts()
        tested = len(parts["test"])
        found = f"{sum(map(len, parts.values())) - tested} of {train} official training frames"
        found += f", {tested} of {test} official test frames"
        found += "" if self._official else f" (split as listed in {FILE})"
        bare = len(self.files.samples()) - len(self._whole)
        found += f"; {bare} frames lack a modality" if bare else ""
        return f"{found}; labels: {self._labels.name}{self._guess}"

    def split(self) -> Split:
        """As ``folder/split.py`` draws it, the official test frames listed."""
        return make_split(self.description, self._usable, self.limits)

    def manifest(self) -> str:
        """SHA-256 of the description, the labels' name, and every image's name and size."""
        facts = [self._labels.name, json.dumps(asdict(self.description), sort_keys=True)]
        for images in self.files.images.values():
            facts += [f"{name} {normal(image.path)} {image.size}" for name, image in images.items()]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def readings(self) -> dict[str, Reading]:
        """As ``dataset.toml`` says, and as was found; labels through the table of their classes."""
        return dict(self._readings)

    def paths(self) -> dict[str, Path]:
        """Every image by its path below the folder."""
        return self.files.paths()

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """The modalities that have a file of that name."""
        return self.files.holds(sample_id)

    def sample(self, sample_id: str) -> Sample:
        """What the frame holds, at the size of its files."""
        held = self.holds(sample_id)
        if not held:
            raise UserError(f"nyuv2: {sample_id!r} is no sample; expected one such as {self._whole[0]}")
        made: Sample = {}
        for name in held:
            path = self.folder / self.files.images[name][sample_id].path
            try:
                made[name] = self._readings[name].read(path)
            except DamagedError as error:
                raise UserError(f"{path}: {error}") from error
        if len({array.shape[:2] for array in made.values()}) > 1:
            sizes = " and ".join(f"{name} {array.shape[1]} x {array.shape[0]}" for name, array in made.items())
            raise UserError(f"{self.folder}: {sample_id}: sizes differ: {sizes}; save all images of a frame alike")
        return made

    def verify(self) -> Iterator[Problem]:
        """Open every file: damaged ones, other values, sizes that differ, frames that lack a modality."""
        for sample_id in self.files.samples():
            if missing := [name for name in MODALITIES if name not in self.holds(sample_id)]:
                yield Problem(sample_id, f"no file for {' and '.join(missing)}")
            try:
                self.sample(sample_id)
            except UserError as error:
                yield Problem(sample_id, str(error))

    @cached_property
    def _readings(self) -> dict[str, Reading]:
        tables = self.description.modalities
        return {name: tables[name].reading() for name in ("rgb", "depth")} | {"segmentation": self._labels.reading}

    @cached_property
    def _whole(self) -> list[str]:
        return [name for name in self.files.images["rgb"] if len(self.holds(name)) == len(MODALITIES)]

    @property
    def _usable(self) -> Files:
        """Without official test frames that lack a modality, which would otherwise train a group."""
        tested = self._official.test if self._official else ()
        whole = set(self._whole)
        images = {
            name: {sample: image for sample, image in of.items() if sample in whole or _number(sample) not in tested}
            for name, of in self.files.images.items()
        }
        return replace(self.files, images=images)

    @cached_property
    def _parts(self) -> Split:
        return make_split(self.description, self._usable, DataLimits())

    @property
    def _totals(self) -> tuple[int, int]:
        lists = self._official
        return (len(lists.train), len(lists.test)) if lists else (official.TRAIN, official.TEST)

    def _check_parts(self) -> None:
        """Raise UserError where a list of ``dataset.toml`` is not of the official split."""
        parts = self._parts.parts()
        where = f"{self.folder / FILE}: split"
        instead = f"correct it, or take `--dataset {self.folder}` for a split of your own"
        if lists := self._official:
            known = {part: set(lists.test if part == "test" else lists.train) for part in parts}
            if strange := [
                (part, name) for part, ids in parts.items() for name in ids if _number(name) not in known[part]
            ]:
                part, name = strange[0]
                raise UserError(f"{where}: {name} is in {part}, but not so by {SPLITS}; {instead}")
        train, test = self._totals
        tested = len(parts["test"])
        trained = sum(map(len, parts.values())) - tested
        if trained > train or tested > test:
            raise UserError(
                f"{where}: {trained} training and {tested} test frames, more than the official {train} and {test}; "
                f"{instead}"
            )


def _stated(folder: Path) -> Description:
    """What ``dataset.toml`` says. Raises UserError where it is not about this task."""
    stated = read(folder)
    groups = {frozenset(part.strip() for part in group.split("+")) for group in stated.groups}
    if stated.anchor != "rgb" or groups not in (set(), {frozenset(group.split("+")) for group in GROUPS}):
        raise UserError(
            f"{folder / FILE}: expected the anchor rgb and the groups {' and '.join(GROUPS)}, or neither; "
            f"`--dataset {folder}` takes others"
        )
    for name, table in stated.modalities.items():
        if name in MODALITIES and table.kind != name:
            raise UserError(f"{folder / FILE}: [modalities.{name}]: expected kind = {name!r}, got {table.kind!r}")
    return stated


def _check_split(folder: Path, stated: Description, lists: Official | None) -> None:
    """Raise UserError where nothing says which frames are for test, or which must stay together."""
    split, about = stated.split, folder / FILE
    if isinstance(split.test, float) and lists is None:
        raise UserError(
            f"nyuv2: no official split: neither {folder / SPLITS} (get it from {LISTS}), nor a list of test samples as "
            f"split.test in {about}"
        )
    if not stated.scene and (
        split.train or not all(isinstance(part, float) for part in (split.test, split.validation))
    ):
        raise UserError(
            f"{about}: split lists samples, but nothing says which are of one room: write scene, or take the lists out "
            f"and put {SPLITS} into the folder"
        )


def _described(stated: Description, chosen: labels.Labels) -> Description:
    tables: dict[str, Any] = {name: stated.modalities.get(name) or KINDS[name]() for name in ("rgb", "depth")}
    return replace(stated, groups=GROUPS, modalities=tables | {"segmentation": chosen.table})


def _files(folder: Path, stated: Description, chosen: labels.Labels, lists: Official | None) -> Files:
    """Every image by the name of its sample: as ``dataset.toml`` has it where it says what a scene is, else with its
    run, ``r001_0001``.
    """
    described = _described(stated, chosen)
    if stated.scene or lists is None:
        found = scan(folder, described)
        for name in found.images["rgb"]:
            _number(name, folder)
        return found
    for name, table in described.modalities.items():
        _check_names(folder / (table.folder or name), table)
    tables = {n: replace(table, pattern=table.pattern or NUMBER) for n, table in described.modalities.items()}
    found = scan(folder, replace(described, modalities=tables))
    runs = lists.runs()
    images = {}
    for modality, of in found.images.items():
        numbers = {_number(name, folder): image for name, image in of.items()}
        if strange := sorted(numbers.keys() - runs.keys()):
            path = folder / numbers[strange[0]].path
            raise UserError(
                f"{path}: {SPLITS} has no image {strange[0]}; numbers count from 1, as in the official file"
            )
        images[modality] = dict(sorted((f"r{runs[n]:03d}_{n:04d}", image) for n, image in numbers.items()))
    return replace(found, images=images)


def _check_names(folder: Path, table: Table) -> None:
    if not folder.is_dir():
        raise UserError(f"nyuv2: no folder {folder}; expected rgb/, depth/ and labels")
    for path in sorted(folder.rglob("*")):
        if not table.pattern and path.suffix.lower() in SUFFIXES and not re.search(NUMBER, path.stem):
            _number(path.stem, path)


def _number(name: str, where: Path | None = None) -> int:
    """The number of an image, from 1. Raises UserError for a name that does not end in one."""
    match = re.search(NUMBER, name)
    if match is None or match[1] == "0":
        raise UserError(
            f"{where}: {name!r}: expected a name that ends in the image's official number, from 1: rgb_0001"
        )
    return int(match[1])
