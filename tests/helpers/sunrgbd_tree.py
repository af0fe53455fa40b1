"""A small SUN RGB-D in the official layout: frames, lists, and labels of every source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from mmbench.datasets.sunrgbd import SETTINGS, SunRgbd
from PIL import Image
from scipy.io import savemat

from mmbench.dataset import DataLimits

EVERYTHING = DataLimits()
WALL37, BED37, BAG37 = 1, 4, 37
TRAIN = [f"kv2/kinect2data/{i:06d}_2014-05-26_14-23-37_260595134347_rgbf000103-resize" for i in range(60)]
TEST = [f"xtion/sun3ddata/mit_32/mit_32_{i % 2}/{i:07d}-000003653244" for i in range(12)]


def encode(metres: np.ndarray) -> np.ndarray:
    """The official encoding: millimetres, rotated left by 3 bits."""
    mm = np.rint(metres * 1000).astype(np.int64)
    return (((mm << 3) & 0xFFFF) | (mm >> 13)).astype(np.uint16)


def size_of(frame: str) -> tuple[int, int]:
    return (16, 22) if frame.startswith("kv2") else (18, 20)


def ids37(frame: str) -> np.ndarray:
    """Void, wall, bed, bag in stripes; the frame's number rolls them, so that no two neighbours are alike."""
    height, width = size_of(frame)
    stripes = np.repeat(np.array([0, WALL37, BED37, BAG37], np.uint8), 8)[:width]
    return np.roll(np.tile(stripes, (height, 1)), sum(map(ord, frame)) % 5, axis=1)


def make_frame(tree: Path, frame: str) -> None:
    folder = tree / frame
    for name in ("image", "depth", "depth_bfx"):
        (folder / name).mkdir(parents=True)
    height, width = size_of(frame)
    rgb = np.full((height, width, 3), sum(map(ord, frame)) % 256, np.uint8)
    Image.fromarray(rgb).save(folder / "image" / "photo.jpg")
    metres = np.linspace(0.5, 12.0, height * width).reshape(height, width)
    Image.fromarray(encode(metres)).save(folder / "depth_bfx" / "photo_abs.png")
    metres[0, :3] = 0
    Image.fromarray(encode(metres)).save(folder / "depth" / "photo_abs.png")


def make_split(tree: Path, train: list[str], test: list[str]) -> None:
    folder = tree.parent / "SUNRGBDtoolbox" / "traintestSUNRGBD"
    folder.mkdir(parents=True, exist_ok=True)
    listed = {
        key: np.array([f"/n/fs/sun3d/data/SUNRGBD/{i}" + "/" * (n % 2) for n, i in enumerate(ids)], object)[None]
        for key, ids in (("alltrain", train), ("alltest", test))
    }
    savemat(folder / "allsplit.mat", listed)


def make_toolbox(tree: Path, frames: list[str]) -> Path:
    """``SUNRGBD2Dseg.mat`` and ``SUNRGBDMeta.mat`` as MATLAB writes them, in another order than the split's."""
    folder = tree.parent / "SUNRGBDtoolbox" / "Metadata"
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "SUNRGBD2Dseg.mat", "w") as file:
        references = [file.create_dataset(f"#refs#/{i}", data=ids37(f).T).ref for i, f in enumerate(frames)]
        column = np.array(references, h5py.ref_dtype)[:, None]
        file.create_dataset("SUNRGBD2Dseg/seglabel", data=column, dtype=h5py.ref_dtype)
    meta = np.zeros((1, len(frames)), [("rgbpath", object), ("depthname", object)])
    for row, frame in enumerate(frames):
        meta[0, row] = (f"/n/fs/sun3d/data/SUNRGBD/{frame}/image/photo.jpg", "photo_abs.png")
    savemat(folder / "SUNRGBDMeta.mat", {"SUNRGBDMeta": meta})
    return folder


def make_archive(folder: Path, stem: str, labels: list[np.ndarray], start: int = 1) -> None:
    folder.mkdir()
    for number, label in enumerate(labels, start):
        Image.fromarray(label).save(folder / f"{stem}-{number:06d}.png")


def opened(tree: Path, **settings: Any) -> SunRgbd:
    return SunRgbd(tree, EVERYTHING, {**SETTINGS, **settings})


def damage_truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def make_root(root: Path) -> Path:
    """A data root of 72 frames with the toolbox's labels."""
    tree = root / "sunrgbd" / "SUNRGBD"
    for frame in TRAIN + TEST:
        make_frame(tree, frame)
    make_split(tree, TRAIN, TEST)
    make_toolbox(tree, TEST[::-1] + TRAIN[::-1])
    return root
