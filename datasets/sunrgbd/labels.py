"""13-class labels of SUN RGB-D: what a source of them is, and the two that lie in each frame's folder.

Names (of ``seg.mat`` and of polygons) count where they are one of the toolbox's 37 names, singular or plural; every
other name is void, because the toolbox's own labels leave what is not among the 37 unlabelled.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from scipy.io import loadmat

from mmbench.dataset import Problem
from mmbench.errors import UserError
from mmbench.given.files import read_bytes
from mmbench.modality.reading import Reading

from ..nyu13 import MAP37, to_classes
from .frames import Frame

NAMES37 = (
    "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture", "counter",
    "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor_mat", "clothes", "ceiling", "books",
    "fridge", "tv", "paper", "towel", "shower_curtain", "box", "whiteboard", "person", "night_stand", "toilet", "sink",
    "lamp", "bathtub", "bag",
)  # fmt: skip
"""The toolbox's ``seg37list``, in the order of its ids 1..37."""

OTHER_FORMS = {
    "blind": "blinds",
    "book": "books",
    "bookshelves": "bookshelf",
    "boxes": "box",
    "people": "person",
    "shelf": "shelves",
}
"""Singulars, and plurals that do not end in a mere s."""


class Labels(ABC):
    """A source of labels, called as in the setting ``labels``."""

    name: str

    @abstractmethod
    def holds(self, frame: Frame) -> bool:
        """Whether there is a label for the frame, told without opening it."""

    @abstractmethod
    def read(self, frame: Frame, shape: tuple[int, int]) -> np.ndarray:
        """uint8 of the shape of the image, 0..13. Raises UserError naming a file that is damaged or does not fit."""

    @abstractmethod
    def facts(self, frame: Frame) -> str:
        """What the manifest has to know of a frame's label; the frame holds one."""

    def reading(self) -> Reading | None:
        """How a file of one label is read; None where the source has no such files."""
        return None

    def beside(self) -> dict[str, Path]:
        """Files outside of the frames' folders."""
        return {}

    def check(self) -> Iterator[Problem]:
        """What is wrong with the source as a whole, so that no frame can be read."""
        yield from ()

    def forgiven(self, frame: Frame) -> str:
        """What is wrong with a frame's label although it can be read; empty where nothing is."""
        return ""


class PerFrame(Labels):
    """``seg.mat`` or the polygons of ``annotation2Dfinal/index.json``, by the names of objects."""

    def __init__(self, name: str) -> None:
        self.name = name

    def holds(self, frame: Frame) -> bool:
        """Whether the frame's folder has the file."""
        return self.name in frame.files

    def read(self, frame: Frame, shape: tuple[int, int]) -> np.ndarray:
        """See :class:`Labels`; a file of polygons that is not JSON leaves the whole frame void."""
        path = frame.path(self.name)
        if self.name == "seg":
            ids, names = _segments(path)
            table = np.array([0, *map(class_of, names)], np.uint8)
            return fitting(ids, table, shape, path, frame)
        try:
            return _draw(_annotation(path), shape)
        except UserError:
            return np.zeros(shape, np.uint8)

    def facts(self, frame: Frame) -> str:
        """Size of the file."""
        return str(frame.files[self.name][1])

    def forgiven(self, frame: Frame) -> str:
        """Polygons that cannot be parsed; at least one official file has them."""
        if self.name == "polygons":
            try:
                _annotation(frame.path(self.name))
            except UserError as error:
                return str(error)
        return ""


def class_of(name: str) -> int:
    """The class 0..13 of an object by its free-text name; 0 where it is none of the 37."""
    return int(MAP37[_BY_NAME.get(_normal(name), 0)])


def fitting(ids: np.ndarray, table: np.ndarray, shape: tuple[int, int], where: Path, frame: Frame) -> np.ndarray:
    """Ids through a table. Raises UserError where their size is not the image's, or one is not in the table."""
    if ids.shape != shape:
        raise UserError(
            f"{where}: {_size(ids.shape)} pixels, the image of {frame.id} has {_size(shape)}; the label of another "
            "frame? The archive of 37 classes numbers the test images first (1..5050), then training (5051..10335)"
        )
    return to_classes(ids, table, where)


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape[1::-1]))


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")


_ID = {_normal(name): number for number, name in enumerate(NAMES37, start=1)}
_BY_NAME = (
    {f"{name}s": number for name, number in _ID.items()} | _ID | {form: _ID[name] for form, name in OTHER_FORMS.items()}
)


def _segments(path: Path) -> tuple[np.ndarray, list[str]]:
    """``seglabel`` ``(H, W)``, whose ids count from 1 in the frame's own ``names``."""
    try:
        held = loadmat(path, variable_names=["names", "seglabel"])
        return held["seglabel"], [str(name.item()) if name.size else "" for name in held["names"].ravel()]
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        raise UserError(f"{path}: names and seglabel cannot be read ({error}); unpack SUNRGBD.zip again") from error


def _annotation(path: Path) -> Mapping[str, Any]:
    try:
        held = json.loads(read_bytes(path).decode("utf-8", "replace"))
        if isinstance(held["frames"][0], dict) and isinstance(held["objects"], list):
            return dict(held)
        problem: object = "frames or objects are missing"
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        problem = error
    raise UserError(f"{path}: not the official annotation ({problem}); the frame counts as void")


def _draw(annotation: Mapping[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """Polygons in the order of the file, later ones on top, cut at the border; what is no polygon is left out."""
    canvas = Image.new("L", (shape[1], shape[0]))
    pen = ImageDraw.Draw(canvas)
    for polygon in annotation["frames"][0].get("polygon") or ():
        try:
            corners = [(float(x), float(y)) for x, y in zip(polygon["x"], polygon["y"], strict=True)]
            name = (annotation["objects"][polygon["object"]] or {}).get("name") or ""
            pen.polygon(corners, fill=class_of(str(name)))
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            continue
    return np.asarray(canvas)
