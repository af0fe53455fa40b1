"""A small SceneNet RGB-D in the official layout, with its protobufs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmbench.datasets.scenenet import SETTINGS, SceneNet
from PIL import Image

from mmbench.dataset import DataLimits

EVERYTHING = DataLimits()
HEIGHT, WIDTH = 18, 24
BED, CHAIR, LOST = "02920083", "17222", "99999999"  # the second without its leading zeros: an object
INSTANCES = {0: "", 1: "04546855", 7: BED, 300: CHAIR}
FIRST_VIDEOS = (0, 1, 2, 3, 4, 50)  # 0 and 50 are validation
SETS = {"train/0": FIRST_VIDEOS, "val/0": (0, 1, 2)}


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def trajectory(render_path: str, instances: dict[int, str]) -> bytes:
    """With fields that the reader has to step over: a layout, floats in fixed 32 and 64 bits, views."""
    held = b"".join(
        field(2, field(1, i) + (field(2, wnid.encode()) if wnid else b"") + field(4, 4) + varint(6 << 3 | 5) + b"abcd")
        for i, wnid in instances.items()
    )
    view = field(3, field(1, 7475) + field(2, varint(1 << 3 | 1) + b"12345678"))
    return field(1, field(1, field(2, b"model")) + held + view + field(4, render_path.encode()))


def stripes(video: int, frame: int) -> np.ndarray:
    """Instance ids in columns; 999 is an id that the protobuf lacks."""
    ids = np.repeat(np.array([0, 1, 7, 300, 999, 7], np.uint16), 4)
    return np.tile(np.roll(ids, video + frame // 25), (HEIGHT, 1))


def make_frame(video: Path, frame: int) -> None:
    for name in ("photo", "depth", "instance"):
        (video / name).mkdir(parents=True, exist_ok=True)
    number = int(video.name)
    rgb = np.full((HEIGHT, WIDTH, 3), (number * 7 + frame // 5) % 256, np.uint8)
    Image.fromarray(rgb).save(video / "photo" / f"{frame}.jpg")
    depth = np.linspace(0, 9000 + number, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    Image.fromarray(depth).save(video / "depth" / f"{frame}.png")
    Image.fromarray(stripes(number, frame)).save(video / "instance" / f"{frame}.png")


def make_tree(
    tree: Path, sets: dict[str, tuple[int, ...]] = SETS, frames: tuple[int, ...] = (0, 25, 100, 7475)
) -> Path:
    """The official tree and its protobufs; frame 7475 is in no protocol."""
    for shelf, videos in sets.items():
        for video in videos:
            for frame in frames:
                make_frame(tree / shelf / str(video), frame)
        write_protobuf(tree, shelf, videos)
    return tree


def protobuf_of(tree: Path, shelf: str) -> Path:
    release, number = shelf.split("/")
    if release == "val":
        return tree / "scenenet_rgbd_val.pb"
    return tree / "train_protobufs" / f"scenenet_rgbd_train_{number}.pb"


def write_protobuf(tree: Path, shelf: str, videos: tuple[int, ...]) -> None:
    path = protobuf_of(tree, shelf)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(trajectory(f"{shelf.split('/')[1]}/{video}", INSTANCES) for video in videos))


def opened(root: Path, **settings: Any) -> SceneNet:
    return SceneNet(root, EVERYTHING, {**SETTINGS, **settings})


def make_root(root: Path) -> Path:
    """A data root of six training and three test videos."""
    return make_tree(root / "scenenet_rgbd").parent
