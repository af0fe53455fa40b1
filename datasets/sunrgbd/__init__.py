"""SUN RGB-D: rooms seen by four depth cameras (thesis 4.6.3, tables 4.6 and 4.7; ``docs/sunrgbd.md``).

Official layout, below the data root or a folder ``sunrgbd`` in it::

    SUNRGBD/<sensor>/<subset>/.../<frame>/{image/*.jpg, depth/*.png, depth_bfx/*.png, seg.mat, annotation2Dfinal/}
    SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat
    SUNRGBDtoolbox/Metadata/{SUNRGBD2Dseg.mat, SUNRGBDMeta.mat}   labels; other sources see ``sources.py``

A subset of the frames will do: those that are present are used, and they stay in their parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from mmbench.dataset import DataLimits, Dataset, Problem, Sample
from mmbench.errors import UserError
from mmbench.modality.reading import Reading, RgbReading
from mmbench.task import Split

from ..nyu13 import rooms_task
from . import parts, sources
from .frames import DEPTH, DEPTH_FOLDERS, Frame, find_frames, find_tree, read_depth, read_rgb
from .labels import Labels

NAME = "sunrgbd"
TITLE = "SUN RGB-D, 13 classes"
KIND = "cross-modal"
CLASS = "SunRgbd"
NEEDS_ROOT = True
SOURCE = "http://rgbd.cs.princeton.edu/"
CITATION = "Song, Lichtenberg & Xiao, CVPR 2015"
TERMS = "none are stated; research use, cite SUN RGB-D and the sets it holds: NYUv2, B3DO and SUN3D"
SETTINGS = {"split": "official", "depth": "refined", "labels": "auto"}
CHOICES = {
    "split": ["official", "thesis"],
    "depth": ["refined", "raw"],
    "labels": ["auto", "toolbox", "png37", "png13", "seg", "polygons"],
}
VARIANTS = {"sunrgbd-thesis": {"TITLE": "SUN RGB-D, 13 classes, the thesis' split", "SETTINGS": {"split": "thesis"}}}
DOWNLOADS = (
    {"url": "http://rgbd.cs.princeton.edu/data/SUNRGBD.zip", "into": "sunrgbd"},
    {
        "url": "http://rgbd.cs.princeton.edu/data/SUNRGBDtoolbox.zip",
        "md5": "18d22e1761d36352f37232cba102f91f",
        "into": "sunrgbd",
    },
)

WHERE = "get http://rgbd.cs.princeton.edu/data/SUNRGBD.zip (6 to 7 GB; `data download sunrgbd` fetches it)"
TOOLBOX = "http://rgbd.cs.princeton.edu/data/SUNRGBDtoolbox.zip"
ALLSPLIT = ("SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat", "allsplit.mat")


class SunRgbd(Dataset):
    """The settings choose the split, the depth (``refined`` is ``depth_bfx``, ``raw`` has holes) and the labels.

    The papers' numbers are of the split that has the thesis' sizes; the official one's parts differ, which reports say.

    Only frames that have all three modalities belong to a part.

    Raises:
        UserError: no frames, no official split where it is asked for, or labels that belong to other frames.
    """

    task = rooms_task(NAME)
    published = "sunrgbd"

    def __init__(self, root: Path | None, limits: DataLimits, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__(root, limits, {**SETTINGS, **(settings or {})})
        if root is None:
            raise UserError(f"sunrgbd: give --data-root, the folder that holds SUNRGBD; {WHERE}")
        tree = find_tree(root)
        if tree is None:
            looked = f"{root / 'sunrgbd' / 'SUNRGBD'}, {root / 'SUNRGBD'} and {root}"
            raise UserError(f"sunrgbd: no kv1, kv2, realsense or xtion in {looked}; {WHERE}")
        self.frames = find_frames(tree, self.settings["depth"])
        if not self.frames:
            raise UserError(f"sunrgbd: no frame (a folder with image/ and depth/) in {tree}; {WHERE}")
        allsplit = sources.beside(tree, *ALLSPLIT)
        self._lists = parts.read_lists(allsplit) if allsplit else None
        if self._lists is None and self.settings["split"] == "official":
            raise UserError(
                f"sunrgbd: {ALLSPLIT[0]} not found at {tree.parent}; get {TOOLBOX} (about 0.7 GB), "
                f"or take the data set sunrgbd-thesis, which does without (--set data.split=thesis)"
            )
        self._labels = sources.choose(self.settings["labels"], tree, self.frames, self._lists)

    @property
    def note(self) -> str:
        """``2 of 10335 frames, 1 of them incomplete; labels: polygons``."""
        incomplete = len(self.frames) - len(self._whole)
        unlisted = len(self._whole - self._parts.scenes.keys())
        found = f"{len(self.frames)} of {parts.FRAMES} frames"
        found += f", {incomplete} of them incomplete" if incomplete else ""
        found += f", {unlisted} of them not in allsplit.mat" if unlisted else ""
        found += f"; labels: {self._labels.name if self._labels else 'none'}"
        if drawn := self._parts.drawn_here:
            found += f"; validation is absent, in its place {drawn} of the training frames that are there"
        return found

    def split(self) -> Split:
        """The parts of ``parts.py``, as far as their frames are there and whole; a scene is a block of frames."""
        drawn = self._parts
        first, second = (self._present(half, self.limits.train) for half in drawn.halves)
        validation = self._present(drawn.validation, self.limits.validation)
        test = self._present(drawn.test, self.limits.test)
        scenes = {frame: drawn.scenes[frame] for ids in (first, second, validation, test) for frame in ids}
        groups = {group.name: ids for group, ids in zip(self.task.groups, (first, second), strict=True)}
        return Split(groups, validation, test, scenes)

    def manifest(self) -> str:
        """SHA-256 over every frame's files and label, by name and size in bytes."""
        labels = self._labels
        lines = [
            f"{frame.id} {frame.files.get('rgb')} {frame.files.get('depth')} "
            f"{labels.facts(frame) if labels and labels.holds(frame) else ''}"
            for frame in self.frames.values()
        ]
        return hashlib.sha256("\n".join([labels.name if labels else "", *lines]).encode()).hexdigest()

    def readings(self) -> dict[str, Reading]:
        """Labels as the source has them, where that is PNGs of class ids."""
        labels = self._labels.reading() if self._labels else None
        return {"rgb": RgbReading(), "depth": DEPTH, **({"segmentation": labels} if labels else {})}

    def paths(self) -> dict[str, Path]:
        """Every file of every frame, and of the source of labels."""
        found = {f"{frame.id} {kind}": frame.path(kind) for frame in self.frames.values() for kind in frame.files}
        return found | (self._labels.beside() if self._labels else {})

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """What the frame's folder and the source of labels have."""
        frame = self._frame(sample_id)
        labelled = self._labels is not None and self._labels.holds(frame)
        return tuple(kind for kind in ("rgb", "depth") if kind in frame.files) + ("segmentation",) * labelled

    def sample(self, sample_id: str) -> Sample:
        """rgb uint8 ``(H, W, 3)``, depth float32 ``(H, W)`` in metres, segmentation uint8 ``(H, W)``, as it has."""
        return self._decode(self._frame(sample_id), self._labels)

    def verify(self) -> Iterator[Problem]:
        """Every frame that is there: what it lacks and what cannot be read; frames that are absent are no problem."""
        labels = self._labels
        if labels is None:
            yield Problem("labels", f"none found; get {TOOLBOX}, which has SUNRGBD2Dseg.mat")
        elif broken := list(labels.check()):
            yield from broken
            labels = None
        wanted = {"rgb": "image/*.jpg", "depth": f"{DEPTH_FOLDERS[self.settings['depth']]}/*.png"}
        wanted |= {"segmentation": f"label ({labels.name})"} if labels else {}
        for frame in self.frames.values():
            if missing := [file for name, file in wanted.items() if name not in self.holds(frame.id)]:
                yield Problem(frame.id, f"no {' and no '.join(missing)}; the frame belongs to no part")
            try:
                self._decode(frame, labels)
            except UserError as error:
                yield Problem(frame.id, str(error))
            if labels and labels.holds(frame) and (pardoned := labels.forgiven(frame)):
                yield Problem(frame.id, pardoned)

    def _decode(self, frame: Frame, labels: Labels | None) -> Sample:
        sample: Sample = {}
        if "rgb" in frame.files:
            sample["rgb"] = read_rgb(frame)
        if "depth" in frame.files:
            sample["depth"] = read_depth(frame)
        shapes = {array.shape[:2] for array in sample.values()}
        if len(shapes) > 1:
            sizes = " and ".join(f"{name} {a.shape[1]} x {a.shape[0]}" for name, a in sample.items())
            raise UserError(f"{frame.folder}: sizes differ: {sizes}; depth must come from depth/ or depth_bfx/")
        if shapes and labels and labels.holds(frame):
            sample["segmentation"] = labels.read(frame, next(iter(shapes)))
        return sample

    def _frame(self, sample_id: str) -> Frame:
        if sample_id not in self.frames:
            raise UserError(f"sunrgbd: no frame {sample_id!r}; expected an id such as kv1/NYUdata/NYU0003")
        return self.frames[sample_id]

    @cached_property
    def _parts(self) -> parts.Parts:
        if self.settings["split"] == "official" and self._lists:
            drawn = parts.official(self._lists)
        else:
            drawn = parts.thesis(self._lists.train + self._lists.test if self._lists else tuple(sorted(self._whole)))
        return parts.with_validation(drawn, self._whole)

    @cached_property
    def _whole(self) -> set[str]:
        return {frame for frame in self.frames if len(self.holds(frame)) == len(self.task.modalities)}

    def _present(self, ids: Iterable[str], limit: int) -> tuple[str, ...]:
        return tuple(frame for frame in ids if frame in self._whole)[: limit or None]
