"""The official tree of SceneNet RGB-D: which videos there are, their images, and ray lengths as depth."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmbench.errors import UserError
from mmbench.modality.opening import BrokenImageError, open_image
from mmbench.modality.reading import DepthReading

PER_FOLDER = 1000
FRAME_STEP = 25
"""View 0, 1, 2, ... is the frame 0, 25, 50, ... of the simulation; files are named by frame, without padding."""

FILES = {"rgb": ("photo", "jpg"), "depth": ("depth", "png"), "segmentation": ("instance", "png")}
ANGLES = (60.0, 45.0)
"""Of view, across and down, in degrees; the paper's 40 is a slip, the release's code has 45.

At the release's 320 x 240 pixels fx = 277.1281 and fy = 289.7056 pixels (pixels are not square), the centre is
(160, 120), and the centre of pixel (column u, row v) is (u + 0.5, v + 0.5). Other sizes keep both angles of view.
"""


@dataclass(frozen=True)
class Video:
    """One trajectory.

    Attributes:
        id: ``train/3/3021`` or ``val/0/17``.
        folder: where it is.
    """

    id: str
    folder: Path

    @property
    def release(self) -> str:
        """``train`` or ``val``."""
        return self.id.partition("/")[0]

    @property
    def render_path(self) -> str:
        """``3/3021``: its name in the protobuf of :attr:`shelf`."""
        return self.id.partition("/")[2]

    @property
    def shelf(self) -> str:
        """``train/3``: the folder of up to 1000 videos that shares a protobuf."""
        return self.id.rpartition("/")[0]

    @property
    def place(self) -> int:
        """Its number in the release, whether the folders' videos count on or start again at 0."""
        _, shelf, number = self.id.split("/")
        return int(shelf) * PER_FOLDER + int(number) % PER_FOLDER

    def file(self, modality: str, frame: int) -> Path:
        """Where an image of a modality is, or would be."""
        folder, ending = FILES[modality]
        return Path(f"{self.folder}/{folder}/{frame}.{ending}")

    def sizes(self, frame: int) -> dict[str, int]:
        """Size in bytes of the files of a frame that are there."""
        found = {}
        for modality in FILES:
            try:
                found[modality] = self.file(modality, frame).stat().st_size
            except OSError:
                continue
        return found


def find_tree(root: Path) -> Path | None:
    """The folder that holds ``train/<0..16>`` or ``val/0``, at or below the data root; None where there is none."""
    for folder in (root / "scenenet_rgbd", root):
        if (folder / "val" / "0").is_dir() or any(name.isdigit() for name in _folders(folder / "train")):
            return folder
    return None


def find_videos(tree: Path, shelves: Iterable[str]) -> list[Video]:
    """All videos of ``train/0``, ``val/0``, ..., in the order of their numbers; opens none."""
    return [
        Video(f"{shelf}/{name}", tree / shelf / name)
        for shelf in shelves
        for name in sorted(filter(str.isdigit, _folders(tree / shelf)), key=int)
    ]


def read_rgb(path: Path) -> np.ndarray:
    """The photo, uint8 ``(H, W, 3)``. Raises UserError naming a damaged file."""
    return _read(path, "RGB")[1]


def read_depth(path: Path, reading: DepthReading) -> np.ndarray:
    """Depth in metres, float32 ``(H, W)``, 0 = invalid. Raises UserError naming a damaged or 8-bit file."""
    mode, millimetres = _read(path)
    if not mode.startswith("I"):
        raise UserError(f"{path}: image mode {mode}, expected 16-bit grey; 8-bit copies have lost the depth")
    return reading.decode(millimetres)


def read_instances(path: Path) -> np.ndarray:
    """Instance ids, intp ``(H, W)``. Raises UserError naming a file that is damaged or holds colours."""
    mode, ids = _read(path)
    if not (mode.startswith("I") or mode == "L"):
        raise UserError(f"{path}: image mode {mode}, expected grey instance ids; a coloured copy cannot be used")
    return ids.astype(np.intp)


def _read(path: Path, convert: str = "") -> tuple[str, np.ndarray]:
    try:
        image = open_image(path)
        return image.mode, np.asarray(image.convert(convert) if convert else image)
    except BrokenImageError as error:
        raise UserError(f"{path}: cannot be decoded ({error}); unpack its archive again") from error


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as listing:
            return [entry.name for entry in listing if entry.is_dir()]
    except OSError:
        return []
