"""Plugin name: coloured discs and boxes in front of a wall.

They are drawn here, so that this file runs as it stands. To read your own files in place of them set NEEDS_ROOT = True,
list what is below `root` in `__init__` and `split`, and read it in `sample`. A folder of images in common formats needs
no code at all: `mmbench run --dataset FOLDER`.

What a data set has to offer stands in mmbench/dataset.py, what arrays must be in mmbench/modality/. Whether all of it
is kept, and what it looks like, say

    mmbench check plugin-name
    mmbench data show plugin-name
"""

from __future__ import annotations

import hashlib

import numpy as np
from mmbench.dataset import Dataset, Sample
from mmbench.modality import Depth, Rgb, Segmentation
from mmbench.task import Group, Split, Task, Translation

# The card: literals that are read without importing this file, so nothing here may be computed. Import no torch here
# either: the plan reads this file and has to answer at once.
NAME = "plugin-name"  # as typed in --dataset
TITLE = "Plugin name"  # as printed in tables
CLASS = "PluginName"
KIND = "cross-modal"  # which methods can run on it
NEEDS_ROOT = False  # True where it reads files below --data-root
SOURCE = "drawn by this file"  # where to get it
CITATION = "not published yet"

SIZE = 64  # pixels
WALL = 5.0  # metres
CLASSES = ("wall", "disc", "box")
PALETTE = ((0, 0, 0), (180, 180, 190), (220, 60, 50), (50, 90, 220))  # void first
# Parts and how many samples each has. A training group has samples of its own, so that no unseen pair is ever seen.
PARTS = {"rgb+segmentation": 240, "rgb+depth": 240, "validation": 40, "test": 80}


class PluginName(Dataset):
    """Aligned rgb, depth and segmentation; depth to segmentation and back are never seen in training."""

    task = Task(
        name=NAME,
        kind="cross-modal",
        modalities=(Rgb("rgb"), Depth("depth"), Segmentation("segmentation", classes=CLASSES, palette=PALETTE)),
        anchor="rgb",  # is in every group
        groups=(Group(("rgb", "segmentation")), Group(("rgb", "depth"))),
        unseen=(Translation(("depth",), "segmentation"), Translation(("segmentation",), "depth")),
        seen=(Translation(("rgb",), "segmentation"), Translation(("rgb",), "depth")),
    )

    def split(self) -> Split:
        """Lists of ids, the same on every machine. The profile's limits say how many are wanted; 0 means all."""
        limits = {"validation": self.limits.validation, "test": self.limits.test}
        parts = {}
        for part, count in PARTS.items():
            wanted = limits.get(part, self.limits.train) or count
            parts[part] = tuple(f"{part}/{number}" for number in range(min(count, wanted)))
        groups = {group.name: parts[group.name] for group in self.task.groups}
        return Split(groups, parts["validation"], parts["test"])

    def manifest(self) -> str:
        """A digest of what the data are: of files their names and sizes, and never the path that they lie in."""
        return hashlib.sha256(repr((SIZE, WALL, CLASSES, PARTS)).encode()).hexdigest()

    def sample(self, sample_id: str) -> Sample:
        """uint8 colours `(H, W, 3)`; float32 metres, 0 = not measured; uint8 class ids, 0 = void."""
        part, number = sample_id.split("/")
        draw = np.random.default_rng([list(PARTS).index(part), int(number)])
        y, x = np.mgrid[:SIZE, :SIZE]
        depth = np.full((SIZE, SIZE), WALL, np.float32)
        labels = np.ones((SIZE, SIZE), np.uint8)
        for label in draw.permutation([2, 2, 3, 3]):
            centre, radius, metres = draw.integers(8, SIZE - 8, 2), draw.uniform(5, 12), draw.uniform(1, 4)
            away = np.abs(np.stack([y, x]) - centre[:, None, None])
            distance = np.hypot(*away) if label == CLASSES.index("disc") + 1 else away.max(0)
            nearer = (distance < radius) & (depth > metres)
            depth[nearer], labels[nearer] = metres, label
        light = (1.2 - depth / (2 * WALL))[..., None] + draw.normal(0, 0.03, (SIZE, SIZE, 3))
        rgb = np.clip(np.asarray(PALETTE)[labels] * light, 0, 255).astype(np.uint8)
        depth[draw.random((SIZE, SIZE)) < 0.01] = 0.0
        return {"rgb": rgb, "depth": depth, "segmentation": labels}
