"""SceneNet RGB-D: rendered videos of rooms (thesis 4.6.1 and 4.6.2, tables 4.2 to 4.5; ``docs/scenenet.md``).

Official layout, below the data root or a folder ``scenenet_rgbd`` in it::

    train/<0..16>/<video>/{photo/<frame>.jpg, depth/<frame>.png, instance/<frame>.png}
    val/0/<video>/...                                       1000 videos, the papers' test set
    train_protobufs/scenenet_rgbd_train_<0..16>.pb          the classes of the instances (or directly in the folder)
    scenenet_rgbd_val.pb

A subset of the videos will do: those that are present are used, and they stay in their parts.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.dataset import DataLimits, Dataset, Problem, Sample
from mmbench.errors import UserError
from mmbench.modality.reading import DepthReading, Reading, RgbReading
from mmbench.task import Split

from ..blocks import shuffled
from ..nyu13 import rooms_task
from . import parts
from .frames import ANGLES, FILES, FRAME_STEP, Video, find_tree, find_videos, read_depth, read_instances, read_rgb
from .trajectories import read_instances as read_protobuf
from .wnid import UNKNOWN, table

NAME = "scenenet-51k"
TITLE = "SceneNet RGB-D, 51K, 13 classes"
KIND = "cross-modal"
CLASS = "SceneNet"
NEEDS_ROOT = True
SOURCE = "https://robotvault.bitbucket.io/scenenet-rgbd.html"
CITATION = "McCormac, Handa, Leutenegger & Davison, ICCV 2017"
TERMS = (
    "none were found for the data (the code pySceneNetRGBD is GPLv3); research use, cite McCormac et al. 2017; "
    "archives of 15 to 16 GB each"
)
SETTINGS = {"protocol": "51k", "depth": "ray", "crop": "left"}
CHOICES = {"protocol": ["51k", "170k"], "depth": ["ray", "z"], "crop": ["left", "centre"]}
DOWNLOADS = (
    {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_protobufs.tar.gz", "into": "scenenet_rgbd"},
    {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/scenenet_rgbd_val.pb", "into": "scenenet_rgbd"},
    {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/SceneNetRGBD-val.tar.gz", "into": "scenenet_rgbd"},
    {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_0.tar.gz", "into": "scenenet_rgbd"},
)
# fmt: off
VARIANTS = {"scenenet-170k": {
    "TITLE": "SceneNet RGB-D, 170K, 13 classes",
    "SETTINGS": {"protocol": "170k"},
    "DOWNLOADS": (
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_protobufs.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/scenenet_rgbd_val.pb", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/SceneNetRGBD-val.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_0.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_1.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_2.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_3.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_4.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_5.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_6.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_7.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_8.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_9.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_10.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_11.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_12.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_13.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_14.tar.gz", "into": "scenenet_rgbd"},
        {"url": "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/train_15.tar.gz", "into": "scenenet_rgbd"},
    ),
}}
# fmt: on

SERVER = "https://www.doc.ic.ac.uk/~bjm113/scenenet_data/"
WHERE = f"get train_split/train_0.tar.gz and SceneNetRGBD-val.tar.gz from {SERVER}"
TEST_SHELF = "val/0"


class SceneNet(Dataset):
    """The settings choose the papers' protocol, what depth means and which square is cut out.

    The papers' numbers stand beside ray lengths of the left square, which is what their authors' code reads. Only
    frames that have all three modalities belong to a part.

    Raises:
        UserError: no videos of the protocol, or a protobuf is missing.
    """

    def __init__(self, root: Path | None, limits: DataLimits, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__(root, limits, {**SETTINGS, **(settings or {})})
        name = f"scenenet-{self.settings['protocol']}"
        self.task = rooms_task(name)
        self.published = name if (self.settings["depth"], self.settings["crop"]) == ("ray", "left") else ""
        self._depth = DepthReading(rays=ANGLES if self.settings["depth"] == "z" else (), crop=self.settings["crop"])
        self._protocol = parts.PROTOCOLS[self.settings["protocol"]]
        if root is None:
            raise UserError(f"scenenet: give --data-root, the folder that holds train/ and val/; {WHERE}")
        tree = find_tree(root)
        if tree is None:
            raise UserError(f"scenenet: no train/<0..16>/ or val/0/ in {root / 'scenenet_rgbd'} and {root}; {WHERE}")
        shelves = [*(f"train/{number}" for number in self._protocol.folders), TEST_SHELF]
        owned = ((video, self._protocol.part(video)) for video in find_videos(tree, shelves))
        self._parts = {video: part for video, part in owned if part}
        self._videos = {video.id: video for video in self._parts}
        if not self._videos:
            raise UserError(f"scenenet: no video (a folder with photo/, depth/ and instance/) in {tree}; {WHERE}")
        used = dict.fromkeys(video.shelf for video in self._parts)
        self._protobufs = {shelf: _protobuf(tree, shelf) for shelf in used}
        self._lock = threading.Lock()
        self._tables: dict[str, dict[str, np.ndarray]] = {}
        self._seen: dict[str, dict[str, int]] = {}

    @property
    def note(self) -> str:
        """``40 of 980 training, 1 of 20 validation and 3 of 1000 test videos``."""
        held = list(self._parts.values())
        counts = {"training": held.count(parts.FIRST) + held.count(parts.SECOND)}
        counts |= {part: held.count(part) for part in (parts.VALIDATION, parts.TEST)}
        *most, last = (f"{counts[part]} of {whole} {part}" for part, whole in self._protocol.sizes.items())
        return f"{', '.join(most)} and {last} videos"

    def split(self) -> Split:
        """Ids such as ``train/0/17/25`` (the last number is the frame's); a scene is a video.

        Every beginning of a list is a fair sample of it.
        """
        return self._split

    def manifest(self) -> str:
        """SHA-256 over the files of the frames of :meth:`split` and the protobufs, by name and size in bytes."""
        lines = [f"{shelf} {path.name} {path.stat().st_size}" for shelf, path in self._protobufs.items()]
        for ids in self._split.parts().values():
            lines += [f"{sample_id} {self._sizes(sample_id)}" for sample_id in ids]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def readings(self) -> dict[str, Reading]:
        """Of photos and depth; which class an instance has stands in no image."""
        return {"rgb": RgbReading(crop=self.settings["crop"]), "depth": self._depth}

    def paths(self) -> dict[str, Path]:
        """The protobufs, and the files of the frames of :meth:`split`."""
        found = {f"{shelf} protobuf": path for shelf, path in self._protobufs.items()}
        for ids in self._split.parts().values():
            for sample_id in ids:
                video, frame = self._find(sample_id)
                found |= {f"{sample_id} {kind}": video.file(kind, frame) for kind in self._sizes(sample_id)}
        return found

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """The modalities whose files are there."""
        return tuple(self._sizes(sample_id))

    def sample(self, sample_id: str) -> Sample:
        """rgb uint8 ``(H, W, 3)``, depth float32 ``(H, W)`` in metres, segmentation uint8 ``(H, W)``, as it has.

        ``H`` and ``W`` are 240 under the crop ``left``, else 240 and 320.
        """
        return self._decode(sample_id)[0]

    def verify(self) -> Iterator[Problem]:
        """Every frame that is there: what it lacks, what cannot be read, ids of no class; absent frames are no problem.

        A part of which no video is there is one, because nothing can be run without it.
        """
        for part in parts.PARTS:
            if part not in self._parts.values():
                yield Problem(part, f"no video of it is there; {self._archive(part)}")
        for video, part in self._parts.items():
            for view in self._protocol.views_of(part):
                yield from self._check(f"{video.id}/{view * FRAME_STEP}")

    def _check(self, sample_id: str) -> Iterator[Problem]:
        held = self._sizes(sample_id)
        frame = sample_id.rpartition("/")[2]
        missing = [f"{folder}/{frame}.{ending}" for kind, (folder, ending) in FILES.items() if kind not in held]
        if missing and held:
            yield Problem(sample_id, f"no {' and no '.join(missing)}; the frame belongs to no part")
        try:
            unknown = self._decode(sample_id)[1]
        except UserError as error:
            yield Problem(sample_id, str(error))
            return
        if unknown:
            protobuf = self._protobufs[self._find(sample_id)[0].shelf].name
            yield Problem(sample_id, f"void: instances {unknown} are not in {protobuf} or their wnid has no class")

    def _decode(self, sample_id: str) -> tuple[Sample, list[int]]:
        """The sample, and instance ids that are void because their class is not known."""
        video, frame = self._find(sample_id)
        held = self._sizes(sample_id)
        sample: Sample = {}
        unknown: list[int] = []
        if "rgb" in held:
            sample["rgb"] = read_rgb(video.file("rgb", frame))
        if "depth" in held:
            sample["depth"] = read_depth(video.file("depth", frame), self._depth)
        if "segmentation" in held:
            ids = read_instances(video.file("segmentation", frame))
            classes = self._table(video)
            label = classes[np.minimum(ids, len(classes) - 1)]
            unknown = np.unique(ids[label == UNKNOWN]).tolist()
            sample["segmentation"] = np.where(label == UNKNOWN, 0, label).astype(np.uint8)
        if len({array.shape[:2] for array in sample.values()}) > 1:
            sizes = " and ".join(f"{FILES[n][0]} {a.shape[1]} x {a.shape[0]}" for n, a in sample.items())
            raise UserError(f"{video.folder}: frame {frame}: sizes differ: {sizes}; unpack its archive again")
        if self.settings["crop"] == "left":
            sample = {name: np.ascontiguousarray(array[:, : len(array)]) for name, array in sample.items()}
        return sample, unknown

    @cached_property
    def _split(self) -> Split:
        listed: dict[str, list[str]] = {part: [] for part in parts.PARTS}
        for video, part in self._parts.items():
            listed[part] += (f"{video.id}/{view * FRAME_STEP}" for view in self._protocol.views_of(part))
        limits = {parts.VALIDATION: self.limits.validation, parts.TEST: self.limits.test}
        # Lazily: files are looked at until the limit is reached, not all the release's.
        whole = {
            part: tuple(islice(filter(self._whole, shuffled(ids)), limits.get(part, self.limits.train) or None))
            for part, ids in listed.items()
        }
        scenes = {sample_id: sample_id.rpartition("/")[0] for ids in whole.values() for sample_id in ids}
        groups = {part: whole[part] for part in (parts.FIRST, parts.SECOND)}
        return Split(groups, whole[parts.VALIDATION], whole[parts.TEST], scenes)

    def _whole(self, sample_id: str) -> bool:
        return len(self._sizes(sample_id)) == len(FILES)

    def _sizes(self, sample_id: str) -> dict[str, int]:
        if sample_id not in self._seen:
            video, frame = self._find(sample_id)
            self._seen[sample_id] = video.sizes(frame)
        return self._seen[sample_id]

    def _find(self, sample_id: str) -> tuple[Video, int]:
        video_id, _, frame = sample_id.rpartition("/")
        if video_id not in self._videos or not re.fullmatch(r"\d+", frame):
            raise UserError(f"{self.task.name}: no frame {sample_id!r}; expected an id such as train/0/17/25")
        return self._videos[video_id], int(frame)

    def _table(self, video: Video) -> np.ndarray:
        """Instance id -> class of a video; see :func:`.wnid.table`."""
        path = self._protobufs[video.shelf]
        with self._lock:
            if video.shelf not in self._tables:
                held = read_protobuf(path, _source(video.shelf))
                self._tables[video.shelf] = {name: table(instances) for name, instances in held.items()}
        tables = self._tables[video.shelf]
        if video.render_path not in tables:
            raise UserError(f"{path}: no trajectory {video.render_path}; get it again from {_source(video.shelf)}")
        return tables[video.render_path]

    def _archive(self, part: str) -> str:
        if part == parts.TEST:
            return f"get {SERVER}SceneNetRGBD-val.tar.gz"
        behind = self._protocol.behind and part == parts.VALIDATION
        return f"get {SERVER}train_split/train_{self._protocol.folders[-1] if behind else 0}.tar.gz"


def _protobuf(tree: Path, shelf: str) -> Path:
    release, number = shelf.split("/")
    name = "scenenet_rgbd_val.pb" if release == "val" else f"scenenet_rgbd_train_{number}.pb"
    for path in (tree / "train_protobufs" / name, tree / name):
        if path.is_file():
            return path
    raise UserError(f"scenenet: {name} (the classes of {shelf}) is not in {tree}; get it from {_source(shelf)}")


def _source(shelf: str) -> str:
    return SERVER + ("scenenet_rgbd_val.pb" if shelf.startswith("val") else "train_protobufs.tar.gz")
