"""Colored objects: web pictures of objects in eleven colours, unpaired (thesis 4.3.4, figure 4.5a; A.3.2).

Official layout, in a folder ``colored_objects`` or ``color/dataset`` of the data root, or the data root itself::

    train/domain_0.tfrecords ... domain_10.tfrecords     or a folder of images per colour: train/blue/*.jpg
    test/domain_0.tfrecords ... domain_10.tfrecords

Folders per colour without ``train`` and ``test`` will do too, and so will some of the colours; see
``docs/colored-objects.md``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbench.dataset import DataLimits, Dataset, Problem, Sample
from mmbench.errors import UserError
from mmbench.task import Split

from .domains import Picture, Pool, domain_task, scan, scan_records

NAME = "colored-objects"
TITLE = "Colored objects, eleven colours"
KIND = "cross-domain"
CLASS = "ColoredObjects"
NEEDS_ROOT = True
JUDGE = "judge-domains"
SOURCE = "https://github.com/yaxingwang/Mix-and-match-networks"
CITATION = "Yu et al., Machine Vision and Applications 2018; Wang et al., CVPR 2018"
TERMS = "none are stated; research use, cite Yu et al. 2018 and Wang et al. 2018"
SETTINGS = {"colours": 11, "scored": "test"}
CHOICES = {"colours": [11, 4], "scored": ["test", "validation"]}
VARIANTS = {"colored-objects-4": {"TITLE": "Colored objects, four colours", "SETTINGS": {"colours": 4}}}

WHERE = f"get color/dataset/test of {SOURCE}, and the training files its page links to"
ANCHOR = "blue"

# In the order of the numbers of domain_<i>.tfrecords. That is the order of the authors' build_data.py, and what the
# images show; their data_labels.py has yellow for 2 and black for 10, which is wrong for these files.
COLOURS = ("blue", "brown", "black", "green", "grey", "orange", "pink", "purple", "red", "white", "yellow")

FOUR = ("blue", "green", "orange", "yellow")  # thesis 6.4.1
SPELLINGS = {"gray": "grey"}
SHARD = re.compile(r"domain_(\d+)\.tfrecords?")
BELOW = ("colored_objects", "colored-objects", "color/dataset", ".")


class ColoredObjects(Dataset):
    """Colours are domains, blue is the anchor. The setting ``colours`` takes all eleven or the four of thesis 6.4.1,
    ``scored=validation`` scores validation images in place of the test images.

    Where the owners' training or test images of a colour are absent, 70 % of its images are for training, 10 % for
    validation and 20 % for test; where both are there, 5 % of training are validation.

    Raises:
        UserError: no file of a known name, no blue image, or fewer than three colours.
    """

    def __init__(self, root: Path | None, limits: DataLimits, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__(root, limits, {**SETTINGS, **(settings or {})})
        wanted = FOUR if self.settings["colours"] == 4 else COLOURS
        folder, places = _find(root)
        pictures: list[Picture] = []
        problems: list[Problem] = []
        broken: dict[str, UserError] = {}
        for place, part in places:
            for path, colour in _sources(place, part, problems):
                if colour in wanted:
                    try:
                        records = path.is_file()
                        pictures += scan_records(path, colour, part) if records else scan(path, colour, part, problems)
                    except UserError as error:
                        broken[str(path.relative_to(folder))] = error
        self._pool = Pool(folder, pictures, problems, broken)
        self.labels = self._pool.domains(wanted, ANCHOR, WHERE)
        self.task = domain_task(NAME, self.labels, ANCHOR)
        self._parts = {colour: self._pool.parts(colour) for colour in self.labels}
        tested = self.settings["scored"] == "test"
        self.published = "colored-objects-4" if tested and self.labels == FOUR else ""
        self._absent = tuple(colour for colour in wanted if colour not in self.labels)

    @property
    def note(self) -> str:
        """``220 images of 11 colours; parts of every domain are drawn (...), not the owners'``."""
        found = f"{len(self._pool.pictures)} images of {len(self.labels)} colours"
        found += f", none of {' and '.join(self._absent)}" if self._absent else ""
        drawn = self._pool.drawn(self.labels)
        return f"{found}; {drawn}" if drawn else found

    def split(self) -> Split:
        """Ids such as ``blue/IMG_221``; a group is all of one colour's training images and its own share of blue's."""
        return self._pool.split(self.task, self._parts, self.limits, self.settings["scored"])

    def manifest(self) -> str:
        """SHA-256 over part, name and size in bytes of every image."""
        return self._pool.manifest(self.labels)

    def paths(self) -> dict[str, Path]:
        """The files of all images of its domains."""
        return self._pool.paths(self.labels)

    def sample(self, sample_id: str) -> Sample:
        """One image, uint8 ``(H, W, 3)``, under the name of its colour. Raises UserError naming a damaged file."""
        picture = self._pool.find(sample_id)
        return {picture.domain: picture.rgb()}

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """Its colour alone."""
        return (self._pool.find(sample_id).domain,)

    def label(self, sample_id: str) -> int:
        """Its colour as an index into :attr:`labels`."""
        return self.labels.index(self._pool.find(sample_id).domain)

    def verify(self) -> Iterator[Problem]:
        """Every file and image that is there; TFRecord payloads with their CRC."""
        yield from self._pool.verify()


def _find(root: Path | None) -> tuple[Path, list[tuple[Path, str]]]:
    """The data set's folder, and its folders of images with the part that each is."""
    if root is None:
        raise UserError(f"{NAME}: give --data-root, the folder that holds colored_objects; {WHERE}")
    for folder in (root / below for below in BELOW):
        if places := [(folder / part, part) for part in ("train", "test") if _holds_colours(folder / part)]:
            return folder, places
        if _holds_colours(folder):
            return folder, [(folder, "")]
    raise UserError(
        f"{NAME}: no train/ or test/ with domain_<0 to 10>.tfrecords or a folder per colour (blue, brown, ...) in "
        f"{', '.join(str(root / below) for below in BELOW)}; {WHERE}"
    )


def _holds_colours(folder: Path) -> bool:
    return folder.is_dir() and any(_colour(entry) for entry in os.scandir(folder))


def _colour(entry: os.DirEntry[str]) -> str:
    """The colour that a file or folder is of; empty for others."""
    if entry.is_dir():
        colour = SPELLINGS.get(entry.name.lower(), entry.name.lower())
        return colour if colour in COLOURS else ""
    match = SHARD.fullmatch(entry.name)
    return COLOURS[int(match[1])] if match and int(match[1]) < len(COLOURS) else ""


def _sources(place: Path, part: str, problems: list[Problem]) -> Iterator[tuple[Path, str]]:
    """TFRecord files and folders with their colour."""
    with os.scandir(place) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        if colour := _colour(entry):
            yield Path(entry.path), colour
        elif part and not entry.name.startswith("."):
            expected = f"expected domain_<0 to {len(COLOURS) - 1}>.tfrecords or one of {', '.join(COLOURS)}"
            problems.append(Problem(f"{part}/{entry.name}", f"not used: {expected}"))
