"""Furnished rooms rendered on the fly: the embedded data set, which needs no files.

See ``docs/synthetic.md``. This file imports no torch; the renderer is imported where images are made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.dataset import DataLimits, Dataset, Problem, Sample
from mmbench.errors import UserError
from mmbench.modality import Depth, Rgb, Scalar, Segmentation
from mmbench.modality.reading import Reading, as_written
from mmbench.task import Group, Split, Task, Translation

from .scene import CLASSES, PALETTE

NAME = "synthetic"
TITLE = "Synthetic rooms (embedded)"
KIND = "cross-modal"
CLASS = "Synthetic"
NEEDS_ROOT = False
SOURCE = "rendered by mmbench itself"
CITATION = "mmbench, docs/synthetic.md"
SETTINGS = {"nir": False, "draw": 0, "tied_colours": 0.0}
SUITES = ("tables", "ablation")
VARIANTS = {
    "synthetic-nir": {
        "TITLE": "Synthetic rooms with near-infrared (embedded)",
        "SETTINGS": {"nir": True},
        "SUITES": ("tables",),
    }
}

RENDERER_VERSION = 1
"""Raise it with every change that alters an image: caches and results are keyed by it."""

BASE = 2_000_000
"""Added to a scene's number to give its seed."""

PART = 200_000
"""Scene numbers reserved for each part of the split, so that no limit can make two parts overlap."""

DRAW = 1_000_000
"""Seeds from one draw of all scenes to the next."""

DRAWS = 1000

DEFAULTS = DataLimits(train=2000, validation=100, test=300)
BATCH = 32
NATIVE = 256

RGB = Rgb("rgb")
DEPTH = Depth("depth")
SEGMENTATION = Segmentation("segmentation", classes=CLASSES, palette=PALETTE)

TASK = Task(
    name=NAME,
    kind="cross-modal",
    modalities=(RGB, DEPTH, SEGMENTATION),
    anchor="rgb",
    groups=(Group(("rgb", "segmentation")), Group(("rgb", "depth"))),
    unseen=(Translation(("depth",), "segmentation"), Translation(("segmentation",), "depth")),
    seen=(
        Translation(("rgb",), "segmentation"),
        Translation(("rgb",), "depth"),
        Translation(("depth",), "rgb"),
        Translation(("segmentation",), "rgb"),
    ),
    # Thesis 4.6.2: the anchor's latent has weight 1 - alpha = 0.8, and its pooling indices are used.
    multi_modal=(
        Translation(("rgb", "depth"), "segmentation", weights=(0.8, 0.2), side_from="rgb"),
        Translation(("rgb", "segmentation"), "depth", weights=(0.8, 0.2), side_from="rgb"),
    ),
)


# Thesis 4.6.4 and table 4.8: NIR comes with depth, and both are translated to segmentation.
NIR_TASK = Task(
    name="synthetic-nir",
    kind="cross-modal",
    modalities=(RGB, DEPTH, Scalar("nir", loss="berhu"), SEGMENTATION),
    anchor="rgb",
    groups=(Group(("rgb", "segmentation")), Group(("rgb", "depth", "nir"))),
    unseen=(Translation(("depth",), "segmentation"), Translation(("nir",), "segmentation")),
    seen=(Translation(("rgb",), "segmentation"),),
    multi_modal=(
        Translation(("rgb", "depth"), "segmentation", weights=(0.8, 0.2), side_from="rgb"),
        Translation(("rgb", "nir"), "segmentation", weights=(0.8, 0.2), side_from="rgb"),
        Translation(("rgb", "depth", "nir"), "segmentation", weights=(0.8, 0.1, 0.1), side_from="rgb"),
    ),
)


class Synthetic(Dataset):
    """Rooms from the embedded renderer; every sample is a scene of its own.

    ``limits`` of 0 mean 2000 images per training group, 100 for validation and 300 for test. The setting ``nir`` gives
    the task of four modalities. ``draw`` takes other scenes for every part: 0 are those that results are reported for,
    no other draw shares a scene with them. ``tied_colours`` is the share of materials that have the colour of their
    class: how much of the classes RGB tells by colour alone.

    Raises:
        UserError: a limit is negative or above 200 000, a draw outside 0 to 999, or a share outside 0 to 1.
    """

    def __init__(
        self, root: Path | None = None, limits: DataLimits | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        asked = limits or DataLimits()
        super().__init__(
            root,
            DataLimits(
                asked.train or DEFAULTS.train, asked.validation or DEFAULTS.validation, asked.test or DEFAULTS.test
            ),
            {**SETTINGS, **(settings or {})},
        )
        self.task = NIR_TASK if self.settings["nir"] else TASK
        for name in ("train", "validation", "test"):
            if not 0 <= getattr(self.limits, name) <= PART:
                raise UserError(f"synthetic: {name}={getattr(self.limits, name)} images; expected 0 to {PART}")
        if not 0 <= self.settings["draw"] < DRAWS:
            raise UserError(f"synthetic: data.draw={self.settings['draw']}; expected 0 to {DRAWS - 1}")
        if not 0 <= self.settings["tied_colours"] <= 1:
            raise UserError(f"synthetic: data.tied_colours={self.settings['tied_colours']}; expected 0 to 1")
        self._base = BASE + self.settings["draw"] * DRAW

    def split(self) -> Split:
        """Ids such as ``scene-000123``; the four parts come from disjoint ranges of seeds."""
        sizes = (self.limits.train, self.limits.train, self.limits.validation, self.limits.test)
        first, second, validation, test = (
            tuple(f"scene-{part * PART + index:06d}" for index in range(size)) for part, size in enumerate(sizes)
        )
        groups = {group.name: ids for group, ids in zip(self.task.groups, (first, second), strict=True)}
        return Split(groups, validation, test, {i: i for ids in (first, second, validation, test) for i in ids})

    def manifest(self) -> str:
        """SHA-256 of the renderer's version, the draw, the limits and, where there are some, tied colours."""
        facts = f"{NAME} renderer {RENDERER_VERSION} base {self._base} part {PART} {self.limits}"
        if tied := self.settings["tied_colours"]:
            facts += f" tied colours {tied}"
        return hashlib.sha256(facts.encode()).hexdigest()

    def readings(self) -> dict[str, Reading]:
        """Nothing is read from files; what is translated comes in mmbench's own form."""
        return {modality.name: as_written(modality) for modality in self.task.modalities}

    def sample(self, sample_id: str) -> Sample:
        """One scene at 256 x 256 pixels."""
        return next(self.load([sample_id], NATIVE))

    def load(self, ids: Sequence[str], size: int) -> Iterator[Sample]:
        """Render at ``size`` x ``size`` in batches; the images do not depend on the batch."""
        from .render import render

        for start in range(0, len(ids), BATCH):
            seeds = [self._base + _number(i) for i in ids[start : start + BATCH]]
            images = render(seeds, size, tied_colours=self.settings["tied_colours"])
            arrays: dict[str, np.ndarray] = {name: image.numpy() for name, image in images.items()}
            arrays["nir"] = arrays["nir"].astype(np.float32) / 127.5 - 1.0
            for index in range(len(arrays["rgb"])):
                yield {modality.name: arrays[modality.name][index] for modality in self.task.modalities}

    def verify(self) -> Iterator[Problem]:
        """Nothing is read from disk, so nothing can be damaged."""
        yield from ()


def _number(sample_id: str) -> int:
    prefix, _, number = sample_id.rpartition("-")
    if prefix != "scene" or not number.isdigit():
        raise UserError(f"synthetic: {sample_id!r} is no sample; expected an id such as scene-000123")
    return int(number)
