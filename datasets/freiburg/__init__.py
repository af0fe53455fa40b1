"""Freiburg Multispectral Forest: RGB, depth, near-infrared and labels (thesis 4.6.4, table 4.8; ``docs/freiburg.md``).

Official layout, below the data root or a folder ``freiburg`` in it::

    freiburg_forest_annotated/{train,test}/rgb/<id>_Clipped.jpg
                                           depth_gray/<id>_Clipped_redict_depth_gray.png   really without the p
                                           nir_gray/<id>.tif
                                           GT_color/<id>_mask.png or <id>_Clipped.png
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from mmbench.dataset import DataLimits, Dataset, Problem, Sample
from mmbench.errors import UserError
from mmbench.modality import Rgb, Scalar, Segmentation
from mmbench.modality.reading import Reading, RgbReading
from mmbench.task import Group, Split, Task, Translation

from ..blocks import draw, halve, shuffled
from .frames import FOLDERS, PARTS, SPAN, WHERE, Frame, blocks_of_time, find_tree, scan
from .images import CLASSES, GREY, LABELS, PALETTE, read_colours, read_grey, read_rgb, to_size, unknown_colours

NAME = "freiburg"
TITLE = "Freiburg Multispectral Forest (relative depth)"
KIND = "cross-modal"
CLASS = "Freiburg"
NEEDS_ROOT = True
SOURCE = "http://deepscene.cs.uni-freiburg.de/ (three parts to be joined, see docs/freiburg.md)"
CITATION = "Valada, Oliveira, Brox & Burgard, ISER 2016"
REMARK = "Depth is relative, not in metres: nothing is translated to it, and metrics in metres do not exist."
TERMS = "AIS licence agreement, release v0.2: non-commercial use only; cite Valada et al. 2016"

VALIDATION_SHARE = 0.05
PROPORTIONS = 0.1  # by which width / height may differ between the images of a frame
READERS = {"rgb": read_rgb, "depth": read_grey, "nir": read_grey, "segmentation": read_colours}

TASK = Task(
    name=NAME,
    kind="cross-modal",
    modalities=(
        Rgb("rgb"),
        # A network guessed this depth from RGB, on a scale of its own. The kind "depth" would call its values metres.
        Scalar("depth", loss="berhu"),
        Scalar("nir", loss="berhu"),
        Segmentation("segmentation", classes=CLASSES, palette=PALETTE),
    ),
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


class Freiburg(Dataset):
    """The official test set; of the official training set 5 % are validation and the rest is halved.

    Only frames that have all four modalities belong to a part. Frames of the same moments are not parted.

    Raises:
        UserError: no tree, no ``train`` or no ``test`` in it, or no complete frame in one of them.
    """

    task = TASK
    published = "freiburg"

    def __init__(self, root: Path | None, limits: DataLimits) -> None:
        super().__init__(root, limits)
        self.folder = find_tree(root)
        self.frames, self._doubts = scan(self.folder)
        for part in PARTS:
            here = self._of(part)
            if not any(frame.whole for frame in here):
                counts = ", ".join(f"{name}/ {sum(m in frame.files for frame in here)}" for m, name in FOLDERS.items())
                raise UserError(f"freiburg: no complete frame in {self.folder / part} (images: {counts}); {WHERE}")

    @property
    def note(self) -> str:
        """``230 of 230 training and 136 of 136 test frames; depth is relative, so nothing is measured in metres``."""
        train, test = (f"{len(self._of(part))} of {count}" for part, count in PARTS.items())
        incomplete = sum(not frame.whole for frame in self.frames.values())
        missing = f", {incomplete} of them incomplete" if incomplete else ""
        return f"{train} training and {test} test frames{missing}; depth is relative, so nothing is measured in metres"

    def split(self) -> Split:
        """Ids such as ``train/b1-99445``; every beginning of a list is a fair sample of it.

        Raises UserError where the training frames do not suffice for two groups and validation.
        """
        first, second, validation = self._training
        parts = [self._present(ids, self.limits.train) for ids in (first, second)]
        parts.append(self._present(validation, self.limits.validation))
        if not all(parts):
            raise UserError(
                f"freiburg: too few training frames in {self.folder / 'train'}: two groups and validation need three "
                f"complete blocks of {SPAN:g} s; {WHERE}"
            )
        test = self._present(shuffled(frame.id for frame in self._of("test")), self.limits.test)
        groups = {group.name: ids for group, ids in zip(self.task.groups, parts[:2], strict=True)}
        scenes = {i: name for name, ids in self._blocks.items() for i in ids} | dict.fromkeys(test, "test")
        return Split(groups, parts[2], test, scenes)

    def manifest(self) -> str:
        """SHA-256 over the name and size in bytes of every file."""
        lines = [
            f"{frame.id} {modality} {path.name} {size}"
            for frame in self.frames.values()
            for modality, (path, size) in frame.files.items()
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def readings(self) -> dict[str, Reading]:
        """Of single files; the images of a frame that differ in size are brought to one by :meth:`sample`."""
        return {"rgb": RgbReading(), "depth": GREY, "nir": GREY, "segmentation": LABELS}

    def paths(self) -> dict[str, Path]:
        """Every file of every frame."""
        return {
            f"{frame.id} {modality}": path
            for frame in self.frames.values()
            for modality, (path, _) in frame.files.items()
        }

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """The modalities whose folder has a file of the frame."""
        return tuple(self._frame(sample_id).files)

    def sample(self, sample_id: str) -> Sample:
        """rgb uint8 ``(H, W, 3)``, depth and nir float32 ``(H, W)`` in [-1, 1], segmentation uint8 ``(H, W)``.

        All have the size of the RGB image (the first image, where it is missing). Unknown colours are void.
        """
        arrays = {name: READERS[name](path) for name, (path, _) in self._frame(sample_id).files.items()}
        if "segmentation" in arrays:
            arrays["segmentation"] = LABELS.decode(arrays["segmentation"])
        height, width = next(iter(arrays.values())).shape[:2]
        return {name: to_size(array, height, width) for name, array in arrays.items()}

    def verify(self) -> Iterator[Problem]:
        """Every file that is there: what cannot be read, unknown colours; and what a frame lacks."""
        yield from self._doubts
        for frame in self.frames.values():
            if missing := [name for modality, name in FOLDERS.items() if modality not in frame.files]:
                yield Problem(frame.id, f"no image in {' and none in '.join(missing)}; the frame belongs to no part")
            shapes = {}
            for modality, (path, _) in frame.files.items():
                try:
                    array = READERS[modality](path)
                except UserError as error:
                    yield Problem(frame.id, str(error))
                    continue
                shapes[FOLDERS[modality]] = array.shape[:2]
                if modality == "segmentation" and (strange := unknown_colours(array)):
                    most = ", ".join(f"{count} of {colour}" for colour, count in [*strange.items()][:3])
                    what = f"{sum(strange.values())} pixels of {len(strange)} unknown colours are void: {most}"
                    yield Problem(frame.id, f"{path}: {what}")
            if odd := _other_proportions(shapes):
                yield Problem(frame.id, f"sizes of other proportions, so the images do not lie on each other: {odd}")

    def _frame(self, sample_id: str) -> Frame:
        if sample_id not in self.frames:
            raise UserError(f"freiburg: no frame {sample_id!r}; expected an id such as train/b1-99445")
        return self.frames[sample_id]

    def _of(self, part: str) -> list[Frame]:
        return [frame for frame in self.frames.values() if frame.part == part]

    def _present(self, ids: Iterable[str], limit: int) -> tuple[str, ...]:
        return tuple(i for i in ids if self.frames[i].whole)[: limit or None]

    @cached_property
    def _blocks(self) -> dict[str, list[str]]:
        return blocks_of_time(frame.id for frame in self._of("train"))

    @cached_property
    def _training(self) -> tuple[list[str], list[str], list[str]]:
        """Both halves and validation; incomplete frames count too, so that a missing file moves no other frame."""
        blocks = dict(self._blocks)
        wanted = round(VALIDATION_SHARE * sum(map(len, blocks.values())))
        validation = [i for name in draw(blocks, wanted) for i in blocks.pop(name)]
        return *halve(blocks, lambda sample_id: ""), shuffled(validation)


def _other_proportions(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """The sizes of a frame's images, where their proportions differ; empty where they do not."""
    shares = [width / height for height, width in shapes.values()]
    if not shares or max(shares) <= min(shares) * (1 + PROPORTIONS):
        return ""
    return ", ".join(f"{name} {width} x {height}" for name, (height, width) in shapes.items())
