"""A list of a million samples without a file: what a data set of that size costs before an image of it is read.

``MMBENCH_PLUGINS=benchmarks/listed python -m mmbench run --dataset listed --methods prior --profile smoke --dry-run``.
Ids, scenes and what samples hold are as those of video frames whose labels are incomplete; images are noise.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.dataset import DataLimits, Dataset, Sample
from mmbench.errors import UserError
from mmbench.modality import Depth, Rgb, Segmentation
from mmbench.task import Group, Split, Task, Translation

NAME = "listed"
TITLE = "A list of samples without files"
KIND = "cross-modal"
CLASS = "Listed"
NEEDS_ROOT = False
SOURCE = "made up"
CITATION = "docs/scaling.md"
SETTINGS = {"samples": 1_000_000, "wait_ms": 0.0}

FRAMES = 20  # of a video
SIDE = 8  # pixels
LACKING = 10  # every so manieth sample of a group lacks the group's second modality

TASK = Task(
    name=NAME,
    kind="cross-modal",
    modalities=(
        Rgb("rgb"), Depth("depth"), Segmentation("segmentation", ("floor", "wall"), ((0, 0, 0), (9, 9, 9), (99, 9, 9))),
    ),
    anchor="rgb",
    groups=(Group(("rgb", "segmentation")), Group(("rgb", "depth"))),
    unseen=(Translation(("depth",), "segmentation"), Translation(("segmentation",), "depth")),
)  # fmt: skip


class Listed(Dataset):
    """``samples`` frames: of a hundred videos 45 in each group, 5 for validation and 5 for tests.

    Raises:
        UserError: fewer samples than a hundred videos have.
    """

    task = TASK
    split_by_manifest = True

    def __init__(self, root: Path | None, limits: DataLimits, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__(root, limits, {**SETTINGS, **(settings or {})})
        if self.settings["samples"] < 100 * FRAMES:
            raise UserError(f"listed: data.samples={self.settings['samples']}; expected {100 * FRAMES} or more")

    def split(self) -> Split:
        """Whole videos; a profile's limits do not count."""
        return self._split

    @cached_property
    def _split(self) -> Split:
        shelves: list[list[str]] = [[], [], [], []]
        bounds = (45, 90, 95, 100)
        for video in range(self.settings["samples"] // FRAMES):
            part = next(place for place, bound in enumerate(bounds) if video % 100 < bound)
            shelves[part] += [f"train/{video // 1000}/{video % 1000}/{25 * frame}" for frame in range(FRAMES)]
        first, second, validation, test = (tuple(ids) for ids in shelves)
        scenes = {sample_id: sample_id.rpartition("/")[0] for ids in shelves for sample_id in ids}
        groups = {group.name: ids for group, ids in zip(self.task.groups, (first, second), strict=True)}
        return Split(groups, validation, test, scenes)

    def manifest(self) -> str:
        """SHA-256 of what all ids follow from."""
        return hashlib.sha256(f"{NAME} {self.settings['samples']} by {FRAMES}".encode()).hexdigest()

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """All but, of some, depth."""
        lacks = int(sample_id.rpartition("/")[2]) % (25 * LACKING) == 0
        return ("rgb", "segmentation") if lacks else ("rgb", "depth", "segmentation")

    def sample(self, sample_id: str) -> Sample:
        """Noise of 8 x 8 pixels that is a function of the id, after ``wait_ms`` as for a disk far away."""
        time.sleep(self.settings["wait_ms"] / 1000)
        draw = np.random.default_rng(list(sample_id.encode()))
        made: Sample = {
            "rgb": draw.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8),
            "depth": 1 + draw.random((SIDE, SIDE), dtype=np.float32),
            "segmentation": draw.integers(1, 3, (SIDE, SIDE), dtype=np.uint8),
        }
        return {name: made[name] for name in self.holds(sample_id)}
