"""The label sources that lie beside the tree: the toolbox's ``SUNRGBD2Dseg.mat`` and the archives of PNGs."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from mmbench.dataset import Problem
from mmbench.errors import UserError
from mmbench.modality.opening import BrokenImageError, image_size
from mmbench.modality.reading import Reading

from ..hdf5 import open_hdf5
from ..nyu13 import MAP13, MAP37, read_ids, reading_through
from .frames import Frame
from .labels import Labels, PerFrame, fitting
from .parts import Lists, frame_id

SOURCES = ("toolbox", "png37", "png13", "seg", "polygons")
"""Best first: what the toolbox made of the annotation, copies of it, then the annotation itself."""

WANTED = {
    "toolbox": "SUNRGBDtoolbox/Metadata/ with SUNRGBD2Dseg.mat and SUNRGBDMeta.mat, from "
    "http://rgbd.cs.princeton.edu/data/SUNRGBDtoolbox.zip",
    "png37": "sunrgbd_train_test_labels/ with img-000001.png to img-010335.png, from "
    "https://github.com/ankurhanda/sunrgbd-meta-data, and the toolbox's allsplit.mat",
    "png13": "test13labels/ and train13labels/, from https://github.com/ankurhanda/sunrgbd-meta-data, and the "
    "toolbox's allsplit.mat",
    "seg": "seg.mat in the folders of the frames, from http://rgbd.cs.princeton.edu/data/SUNRGBD.zip",
    "polygons": "annotation2Dfinal/index.json in the folders of the frames, from "
    "http://rgbd.cs.princeton.edu/data/SUNRGBD.zip",
}
AGAIN = "unpack SUNRGBDtoolbox.zip again"


class Toolbox(Labels):
    """``SUNRGBD2Dseg.mat`` (HDF5), in the order of ``SUNRGBDMeta.mat``; one label is read at a time."""

    name = "toolbox"

    def __init__(self, folder: Path) -> None:
        self._labels = folder / "SUNRGBD2Dseg.mat"
        self._meta = folder / "SUNRGBDMeta.mat"
        self._lock = threading.Lock()
        self._rows: dict[str, int] = {}

    def holds(self, frame: Frame) -> bool:
        """All official frames have a label; which are listed is seen when the first is read."""
        return True

    def read(self, frame: Frame, shape: tuple[int, int]) -> np.ndarray:
        """See :class:`Labels`."""
        row = self._row(frame)
        with open_hdf5(self._labels, AGAIN) as file:
            references = file["SUNRGBD2Dseg"]["seglabel"][()].ravel()
            if len(references) != len(self._rows):
                raise ValueError(f"{len(references)} labels, but {len(self._rows)} frames in {self._meta.name}")
            ids = file[references[row]][()].T
        return fitting(ids, MAP37, shape, self._labels, frame)

    def facts(self, frame: Frame) -> str:
        """Sizes of the two files."""
        return " ".join(str(path.stat().st_size) for path in (self._labels, self._meta))

    def beside(self) -> dict[str, Path]:
        """The two files."""
        return {path.name: path for path in (self._labels, self._meta)}

    def check(self) -> Iterator[Problem]:
        """Whether both files can be opened."""
        try:
            self._list()
            with open_hdf5(self._labels, AGAIN) as file:
                len(file["SUNRGBD2Dseg"]["seglabel"])
        except UserError as error:
            yield Problem("labels", str(error))

    def _row(self, frame: Frame) -> int:
        rows = self._list()
        if frame.id not in rows:
            raise UserError(f"{self._meta}: {frame.id} is not among its {len(rows)} frames; rename the folder back?")
        return rows[frame.id]

    def _list(self) -> Mapping[str, int]:
        with self._lock:
            if not self._rows:
                try:
                    frames = loadmat(self._meta, variable_names=["SUNRGBDMeta"])["SUNRGBDMeta"].ravel()
                    paths = [str(path.item()) for path in frames["rgbpath"]]
                except Exception as error:  # scipy raises whatever the damaged bytes lead it to
                    raise UserError(f"{self._meta}: rgbpath cannot be read ({error}); {AGAIN}") from error
                self._rows = {frame_id(path.rpartition("/image/")[0]): row for row, path in enumerate(paths)}
            return self._rows


class Archive(Labels):
    """8-bit PNGs of class ids, one per frame."""

    def __init__(self, name: str, files: Mapping[str, tuple[Path, int]]) -> None:
        self.name = name
        self._files = files
        self._table = MAP37 if name == "png37" else MAP13

    def holds(self, frame: Frame) -> bool:
        """Whether the archive has the frame's number."""
        return frame.id in self._files

    def read(self, frame: Frame, shape: tuple[int, int]) -> np.ndarray:
        """See :class:`Labels`."""
        path = self._files[frame.id][0]
        return fitting(read_ids(path), self._table, shape, path, frame)

    def facts(self, frame: Frame) -> str:
        """Name and size of the PNG."""
        path, size = self._files[frame.id]
        return f"{path.name} {size}"

    def reading(self) -> Reading:
        """See :class:`Labels`."""
        return reading_through(self._table)

    def beside(self) -> dict[str, Path]:
        """The PNGs."""
        return {f"{frame} label": path for frame, (path, _) in self._files.items()}

    def refuse_exchanged(self, frames: Mapping[str, Frame]) -> None:
        """Raises UserError where most labels have another size than their image, by one frame of each subset."""
        probes = {frame.rpartition("/")[0]: frame for frame in self._files if "rgb" in frames.get(frame, _NONE).files}
        wrong = []
        for frame in probes.values():
            path = self._files[frame][0]
            try:
                wrong += [path] if image_size(path) != image_size(frames[frame].path("rgb")) else []
            except BrokenImageError:
                continue
        if 2 * len(wrong) > len(probes):
            raise UserError(
                f"{wrong[0].parent}: labels of other frames ({len(wrong)} of {len(probes)} looked at have another size "
                "than their image), as if test and training were exchanged; the order is test first, then training"
            )


def choose(asked: str, tree: Path, frames: Mapping[str, Frame], lists: Lists | None) -> Labels | None:
    """The source that was asked for, or with ``auto`` the best that is there; None where there is none.

    Raises:
        UserError: the source that was asked for is not there, or an archive belongs to other frames.
    """
    for name in SOURCES if asked == "auto" else (asked,):
        if (source := _find(name, tree, frames, lists)) is not None:
            return source
    if asked == "auto":
        return None
    raise UserError(f"sunrgbd: no labels of the source {asked!r} at {tree.parent}; expected {WANTED[asked]}")


def beside(tree: Path, *names: str) -> Path | None:
    """The first of several files or folders that lies beside the tree or in it."""
    places = (place / name for name in names for place in (tree.parent, tree))
    return next((place for place in places if place.exists()), None)


def _find(name: str, tree: Path, frames: Mapping[str, Frame], lists: Lists | None) -> Labels | None:
    if name == "toolbox":
        metadata = beside(tree, "SUNRGBDtoolbox/Metadata")
        whole = metadata and all((metadata / file).exists() for file in ("SUNRGBD2Dseg.mat", "SUNRGBDMeta.mat"))
        return Toolbox(metadata) if metadata and whole else None
    if name in ("seg", "polygons"):
        return PerFrame(name) if any(name in frame.files for frame in frames.values()) else None
    files = _pngs(name, tree, lists) if lists else {}
    if not files:
        return None
    archive = Archive(name, files)
    archive.refuse_exchanged(frames)
    return archive


def _pngs(name: str, tree: Path, lists: Lists) -> dict[str, tuple[Path, int]]:
    """Frame id -> label and its size in bytes, by the numbers of an archive."""
    if name == "png37":
        folder = beside(tree, "sunrgbd_train_test_labels")
        return _numbered(folder, [*lists.test, *lists.train]) if folder else {}
    found: dict[str, tuple[Path, int]] = {}
    for part, ids, behind in (("test", lists.test, 0), ("train", lists.train, len(lists.test))):
        folder = beside(tree, f"{part}13labels")
        if folder is not None:
            found |= _numbered(folder, ids, behind)
    return found


def _numbered(folder: Path, ids: Sequence[str], behind: int = 0) -> dict[str, tuple[Path, int]]:
    """The PNGs of a folder by the number at the end of their names, which counts the ids from 1 or from ``behind``."""
    numbers = {}
    with os.scandir(folder) as listing:
        for entry in listing:
            if match := re.search(r"(\d+)\.png$", entry.name):
                numbers[int(match[1]) - 1] = (folder / entry.name, entry.stat().st_size)
    # The archive of 37 classes numbers training on behind the test images; those of 13 start again at 1.
    start = behind if numbers and min(numbers) >= behind else 0
    if numbers and max(numbers) >= start + len(ids):
        raise UserError(
            f"{folder}: a label is numbered {max(numbers) + 1}, but there are only {len(ids)} such frames; "
            "were test (5050) and training (5285) exchanged?"
        )
    return {ids[number - start]: file for number, file in numbers.items()}


_NONE = Frame("", Path(), {})
