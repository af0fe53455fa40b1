"""A small NYU Depth v2: the labelled file, the lists and the mapping, as MATLAB writes them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from PIL import Image
from scipy.io import savemat

from mmbench.dataset import DataLimits

EVERYTHING = DataLimits()
HEIGHT, WIDTH, COUNT = 16, 20, 48
SCENES = [f"kitchen_{i // 4:04d}" for i in range(COUNT)]
TRAIN, TEST = np.arange(1, 37), np.arange(37, COUNT + 1)
RUNS_TEST = tuple(n for n in range(1, COUNT + 1) if n % 8 in (7, 0))  # of the exported images: runs of 6 and of 2
TO_40 = np.resize(np.arange(1, 41), 894)  # name 1 -> wall, 4 -> bed, 41 -> wall again, 80 -> otherprop, ...


def names(index: int) -> np.ndarray:
    """Rows of void, name 1, name 4 and name 894."""
    rows = np.repeat(np.array([0, 1, 4, 894], np.uint16), HEIGHT // 4)
    return np.tile(np.roll(rows, index)[:, None], (1, WIDTH))


def rgb(index: int) -> np.ndarray:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[..., 0], image[..., 1], image[..., 2] = np.arange(HEIGHT)[:, None], np.arange(WIDTH), index
    return image


def metres(index: int) -> np.ndarray:
    return (np.arange(HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH) / 50 + index / 100) + np.float32(0.5)


def make_root(root: Path) -> Path:
    """The files as MATLAB v7.3 writes them: axes reversed, texts as references to columns of uint16."""
    folder = root / "nyuv2"
    folder.mkdir()
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = np.stack([rgb(i).transpose(2, 1, 0) for i in range(COUNT)])
        file["depths"] = np.stack([metres(i).T for i in range(COUNT)])
        raw = np.stack([metres(i).T for i in range(COUNT)])
        raw[:, 2, 3], raw[:, 2, 4] = 0, np.nan
        file["rawDepths"] = raw
        file["labels"] = np.stack([names(i).T for i in range(COUNT)])
        texts = [
            file.create_dataset(f"#refs#/{i}", data=np.array([[ord(c)] for c in name], np.uint16)).ref
            for i, name in enumerate(SCENES)
        ]
        file.create_dataset("scenes", data=np.array(texts, h5py.ref_dtype)[None], dtype=h5py.ref_dtype)
    savemat(folder / "splits.mat", {"trainNdxs": TRAIN[:, None], "testNdxs": TEST[:, None]})
    savemat(folder / "classMapping40.mat", {"mapClass": TO_40[None].astype(np.uint8)})
    return root


def make_exported(folder: Path) -> Path:
    """The same images as files named by their numbers: colours, millimetres, 40 classes; and lists of other parts."""
    to_40 = np.concatenate([[0], TO_40]).astype(np.uint8)
    for i in range(COUNT):
        for name, array in (
            ("rgb", rgb(i)), ("depth", (1000 * metres(i)).round().astype(np.uint16)), ("labels40", to_40[names(i)])
        ):  # fmt: skip
            path = folder / name / f"{i + 1:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)
    train = [n for n in range(1, COUNT + 1) if n not in RUNS_TEST]
    savemat(folder / "splits.mat", {"trainNdxs": train, "testNdxs": RUNS_TEST})
    return folder
