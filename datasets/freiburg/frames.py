"""The official tree of Freiburg Forest: which frames there are, and which of them were taken at the same moments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mmbench.dataset import Problem
from mmbench.errors import UserError

from .images import SOURCE

TREE = "freiburg_forest_annotated"
PARTS = {"train": 230, "test": 136}
FOLDERS = {"rgb": "rgb", "depth": "depth_gray", "nir": "nir_gray", "segmentation": "GT_color"}
ENDINGS = {
    "rgb": (".jpg", ".jpeg", ".png"),
    "depth": (".png",),
    "nir": (".tif", ".tiff"),
    "segmentation": (".png",),
}
WHERE = f"join freiburg_forest_annotated.tar.gz.part-aa, -ab and -ac of {SOURCE} and unpack them"

TWICE = "test/b223-093"
"""2 ms from train/b223-095; the release of February 2018 took it out as a duplicate, older copies still have it."""

SPAN = 10.0  # seconds that a block of frames lasts at least
GAP = 1.0  # seconds; frames that are closer are never parted


@dataclass(frozen=True)
class Frame:
    """One moment of a drive.

    Attributes:
        id: official part and name, such as ``train/b1-99445``.
        files: path and size in bytes by modality, in the order of :data:`FOLDERS`.
    """

    id: str
    files: dict[str, tuple[Path, int]] = field(default_factory=dict)

    @property
    def part(self) -> str:
        """``train`` or ``test``."""
        return self.id.partition("/")[0]

    @property
    def whole(self) -> bool:
        """Whether it has a file of every modality."""
        return len(self.files) == len(FOLDERS)


def find_tree(root: Path | None) -> Path:
    """The folder that holds ``train`` and ``test``. Raises UserError where there is none, or one of them is missing."""
    if root is None:
        raise UserError(f"freiburg: give --data-root, the folder that holds {TREE}; {WHERE}")
    for folder in (root / "freiburg" / TREE, root / TREE, root / "freiburg", root):
        missing = [part for part in PARTS if not any((folder / part / name).is_dir() for name in FOLDERS.values())]
        if not missing:
            return folder
        if len(missing) < len(PARTS):
            raise UserError(f"freiburg: {missing[0]}/ with rgb/ and its like not found in {folder}; {WHERE}")
    raise UserError(f"freiburg: train/ and test/ not found in {root / TREE} and {root}; {WHERE}")


def scan(folder: Path) -> tuple[dict[str, Frame], list[Problem]]:
    """All frames by id, sorted, and what is doubtful in their names. Opens no file.

    Files belong together by their names before the first ``_`` or ``.``, because what follows differs by modality and
    by part. A frame whose name is in both parts stays in test.
    """
    frames: dict[str, Frame] = {}
    doubts = []
    for part in PARTS:
        for modality, name in FOLDERS.items():
            for path, size in _files(folder / part / name, ENDINGS[modality]):
                sample_id = f"{part}/{re.split('[_.]', path.name)[0]}"
                files = frames.setdefault(sample_id, Frame(sample_id)).files
                if modality in files:
                    doubts.append(Problem(sample_id, f"{path}: not used, {files[modality][0].name} is the same frame"))
                else:
                    files[modality] = (path, size)
    both = [i for i in frames if i.startswith("train/") and i.replace("train/", "test/", 1) in frames]
    dropped = dict.fromkeys(both, "its name is in test/ too; not trained on")
    if TWICE in frames:
        dropped[TWICE] = "a duplicate that the release of February 2018 lacks (2 ms from train/b223-095); not used"
    doubts += [Problem(sample_id, why) for sample_id, why in dropped.items()]
    return {i: frames[i] for i in sorted(frames) if i not in dropped}, doubts


def blocks_of_time(ids: Iterable[str]) -> dict[str, list[str]]:
    """Consecutive frames: a block lasts ten seconds or more, and the next begins a second or more behind it.

    The name of a frame is the clock of its drive in seconds: ``b102-798`` is 102.798 s. The frames of several drives
    may be mixed in a block. Frames whose name tells no time are a block each.
    """
    blocks: dict[str, list[str]] = {}
    drive, start, last, name = "", 0.0, 0.0, ""
    for sample_id in sorted(ids, key=_clock):
        here, time = _clock(sample_id)
        if not name or here != drive or (time - last >= GAP and time - start >= SPAN):
            drive, start, name = here, time, sample_id
        blocks.setdefault(name, []).append(sample_id)
        last = time
    return blocks


def _clock(sample_id: str) -> tuple[str, float]:
    """Letter of the drives and seconds."""
    match = re.fullmatch(r"(.*/[a-z]+)(\d+)-(\d+)", sample_id)
    return (match[1], float(f"{match[2]}.{match[3]}")) if match else (sample_id, 0.0)


def _files(folder: Path, endings: tuple[str, ...]) -> list[tuple[Path, int]]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as listing:
        return sorted(
            (folder / entry.name, entry.stat().st_size)
            for entry in listing
            if entry.name.lower().endswith(endings) and not entry.name.startswith(".") and entry.is_file()
        )
