"""The official tree of SUN RGB-D: which frames there are, and their images and depth."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmbench.errors import UserError
from mmbench.modality.opening import BrokenImageError, open_image
from mmbench.modality.reading import DepthReading

SENSORS = ("kv1", "kv2", "realsense", "xtion")
LEVELS = 5  # xtion/sun3ddata/<place>/<recording>/<frame>; the other subsets have three
PARTS_OF_A_FRAME = {"image", "depth", "depth_bfx", "annotation2Dfinal", "seg.mat"}
DEPTH_FOLDERS = {"refined": "depth_bfx", "raw": "depth"}
DEPTH = DepthReading(rotated=3)
"""Millimetres are stored rotated left by 3 bits (toolbox, read3dPoints.m). The toolbox sets more than 8 m to 8 m; here
such values stay."""


@dataclass(frozen=True)
class Frame:
    """One folder of the tree.

    Attributes:
        id: its path below ``SUNRGBD/``, such as ``kv1/b3dodata/img_0063``.
        folder: where it is.
        files: what there is of ``rgb``, ``depth``, ``seg`` and ``polygons``: path below the folder, size in bytes.
    """

    id: str
    folder: Path
    files: Mapping[str, tuple[str, int]]

    def path(self, kind: str) -> Path:
        """Where the file of a kind is; KeyError where the frame lacks it."""
        return self.folder / self.files[kind][0]


def find_tree(root: Path) -> Path | None:
    """The folder ``SUNRGBD`` at or below the data root; None where there is none."""
    for folder in (root / "sunrgbd" / "SUNRGBD", root / "SUNRGBD", root):
        if any((folder / sensor).is_dir() for sensor in SENSORS):
            return folder
    return None


def find_frames(tree: Path, depth: str) -> dict[str, Frame]:
    """All frames by id, sorted; ``depth`` is a key of :data:`DEPTH_FOLDERS`. Opens no file."""
    found = (
        frame
        for sensor in SENSORS
        if (tree / sensor).is_dir()
        for frame in _walk(str(tree / sensor), (sensor,), DEPTH_FOLDERS[depth])
    )
    return {frame.id: frame for frame in sorted(found, key=lambda frame: frame.id)}


def read_rgb(frame: Frame) -> np.ndarray:
    """The colour image, uint8 ``(H, W, 3)``. Raises UserError naming a damaged file."""
    path = frame.path("rgb")
    try:
        return np.asarray(open_image(path).convert("RGB"))
    except BrokenImageError as error:
        raise UserError(f"{path}: cannot be decoded ({error}); unpack SUNRGBD.zip again") from error


def read_depth(frame: Frame) -> np.ndarray:
    """Depth in metres, float32 ``(H, W)``, 0 = not measured. Raises UserError naming a damaged or 8-bit file."""
    path = frame.path("depth")
    try:
        image = open_image(path)
        mode, raw = image.mode, np.asarray(image)
    except BrokenImageError as error:
        raise UserError(f"{path}: cannot be decoded ({error}); unpack SUNRGBD.zip again") from error
    if not mode.startswith("I"):
        raise UserError(f"{path}: image mode {mode}, expected 16-bit grey; 8-bit copies have lost the depth")
    return DEPTH.decode(raw.astype(np.uint16))


def _walk(folder: str, parts: tuple[str, ...], depth_folder: str) -> Iterator[Frame]:
    with os.scandir(folder) as listing:
        entries = {entry.name: entry for entry in listing}
    if not PARTS_OF_A_FRAME.isdisjoint(entries):
        yield _frame(folder, parts, entries, depth_folder)
    elif len(parts) < LEVELS:
        for name, entry in entries.items():
            if entry.is_dir():
                yield from _walk(entry.path, (*parts, name), depth_folder)


def _frame(folder: str, parts: tuple[str, ...], entries: Mapping[str, os.DirEntry[str]], depth_folder: str) -> Frame:
    files = {}
    if "image" in entries and (found := _only(entries["image"].path, (".jpg", ".jpeg"))):
        files["rgb"] = (f"image/{found[0]}", found[1])
    # The name in depth/ need not be that in image/, so it is looked up and never derived.
    if depth_folder in entries and (found := _only(entries[depth_folder].path, (".png",))):
        files["depth"] = (f"{depth_folder}/{found[0]}", found[1])
    if "seg.mat" in entries:
        files["seg"] = ("seg.mat", entries["seg.mat"].stat().st_size)
    if "annotation2Dfinal" in entries and (found := _only(entries["annotation2Dfinal"].path, ("index.json",))):
        files["polygons"] = (f"annotation2Dfinal/{found[0]}", found[1])
    return Frame("/".join(parts), Path(folder), files)


def _only(folder: str, endings: tuple[str, ...]) -> tuple[str, int] | None:
    """Name and size of the file with such an ending; the first by name, should there be more."""
    try:
        with os.scandir(folder) as listing:
            found = [entry for entry in listing if entry.name.lower().endswith(endings)]
    except OSError:
        return None
    entry = min(found, key=lambda entry: entry.name, default=None)
    return (entry.name, entry.stat().st_size) if entry else None
