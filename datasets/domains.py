"""What unpaired sets share: a sample is one RGB image of one domain, and the anchor is trained with each other domain.

In thesis 4.3.4 and figure 4.5 only translations from and to the anchor domain are trained. Here each group is the
anchor and one other domain. Parts of a split are disjoint, so each group has its own share of the anchor's training
images; a method reads a domain's images from all groups that have it.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from mmbench.dataset import DataLimits, Problem
from mmbench.errors import UserError
from mmbench.modality import Rgb
from mmbench.modality.reading import RgbReading
from mmbench.modality.reading.stored import DamagedError
from mmbench.task import Group, Split, Task, Translation

from . import tfrecords
from .blocks import in_turn, shuffled

IMAGES = (".jpg", ".jpeg", ".png")
READING = RgbReading()
ENCODED, NAME = "image/encoded_image", "image/file_name"
OFFICIAL = ("train", "test")
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1  # of a domain for which only one of training and test images is there
OFFICIAL_VALIDATION_SHARE = 0.05  # of the training images of a domain that has its official test images


@dataclass(frozen=True)
class Picture:
    """One image of one domain.

    Attributes:
        domain: its domain.
        name: unique in its domain.
        part: ``train`` or ``test`` as the owners divided them, empty where they did not.
        path: the image, or the TFRecord file that holds it.
        size: in bytes.
        record: where it lies in a TFRecord file.
    """

    domain: str
    name: str
    part: str
    path: Path
    size: int
    record: tfrecords.Record | None = None

    @property
    def id(self) -> str:
        """``monet/00010``."""
        return f"{self.domain}/{self.name}"

    def rgb(self) -> np.ndarray:
        """The image, uint8 ``(H, W, 3)``. Raises UserError naming a file that is damaged."""
        encoded: Path | io.BytesIO = self.path
        if self.record is not None:
            encoded = io.BytesIO(tfrecords.bytes_features(tfrecords.read(self.path, self.record))[ENCODED])
        try:
            return READING.decode(READING.stored(encoded))
        except DamagedError as error:
            which = "" if self.record is None else f": {self.name}"
            raise UserError(f"{self.path}{which}: {error}; get the file again") from error


class Parts(NamedTuple):
    """Ids of one domain, each list in the order of the ids' hashes."""

    train: list[str]
    validation: list[str]
    test: list[str]


class Pool:
    """All images that were found.

    Attributes:
        folder: where they are.
        pictures: by id, sorted.
        problems: what was found wrong without decoding an image.
    """

    def __init__(
        self,
        folder: Path,
        pictures: Sequence[Picture],
        problems: Sequence[Problem],
        broken: Mapping[str, UserError] = MappingProxyType({}),
    ) -> None:
        """``broken`` are files without which no split can be made, by name; :meth:`split` raises the first error."""
        self.folder = folder
        self.problems = [*problems, *(Problem(name, str(error)) for name, error in broken.items())]
        self._broken = tuple(broken.values())
        kept: dict[str, Picture] = {}
        for picture in pictures:
            kept[picture.id] = self._choose(kept[picture.id], picture) if picture.id in kept else picture
        self.pictures = dict(sorted(kept.items()))

    def domains(self, wanted: Sequence[str], anchor: str, again: str) -> tuple[str, ...]:
        """Which of the wanted domains have images. Raises UserError where there are too few for an unseen translation.

        ``again`` ends the error's line: where to get more.
        """
        held = {picture.domain for picture in self.pictures.values()}
        found = tuple(domain for domain in wanted if domain in held)
        if anchor not in found or len(found) < 3:
            if self._broken:
                raise self._broken[0]
            raise UserError(
                f"{self.folder}: images of {' and '.join(found) or 'no domain'}; expected the anchor {anchor} and at "
                f"least two of {', '.join(domain for domain in wanted if domain != anchor)}; {again}"
            )
        return found

    def drawn(self, domains: Sequence[str]) -> str:
        """Of which of the domains either training or test images are absent, for people; may be empty."""
        held = {(picture.domain, picture.part) for picture in self.pictures.values()}
        lacking = [domain for domain in domains if not all((domain, part) in held for part in OFFICIAL)]
        if not lacking:
            return ""
        which = "every domain" if len(lacking) == len(domains) else ", ".join(lacking)
        return f"parts of {which} are drawn (70 % training, 10 % validation, 20 % test), not the owners'"

    def parts(self, domain: str, counts: tuple[int, int] | None = None) -> Parts:
        """The images of one domain; ``counts`` are a paper's numbers of training and test images, see ``_divide``."""
        return _divide([picture for picture in self.pictures.values() if picture.domain == domain], counts)

    def split(self, task: Task, parts: Mapping[str, Parts], limits: DataLimits, scored: str = "test") -> Split:
        """Group, validation and test lists; a beginning of each has as many images of every domain, if there are.

        Validation and test have an image of every domain, however small their limits.

        Args:
            scored: ``validation`` has those two change places, so that what is chosen by scores is not chosen on test
                images. Nothing of unpaired domains is trained, chosen or scored on the list named validation.

        Raises:
            UserError: a file is damaged, or a domain has too few images.
        """
        if self._broken:
            raise self._broken[0]
        for domain, lists in parts.items():
            if not all(lists):
                raise UserError(
                    f"{self.folder}: {sum(map(len, lists))} images of {domain} are too few for training, validation "
                    f"and test ({len(lists.train)}, {len(lists.validation)}, {len(lists.test)}); add images"
                )
        if scored == "validation":
            parts = {domain: Parts(lists.train, lists.test, lists.validation) for domain, lists in parts.items()}
        anchor = parts[task.anchor].train
        groups = {}
        for number, group in enumerate(task.groups):
            (other,) = set(group.modalities) - {task.anchor}
            groups[group.name] = in_turn([parts[other].train, anchor[number :: len(task.groups)]], limits.train)
        validation, test = (limit and max(limit, len(parts)) for limit in (limits.validation, limits.test))
        return Split(
            groups,
            in_turn([lists.validation for lists in parts.values()], validation),
            in_turn([lists.test for lists in parts.values()], test),
        )

    def manifest(self, domains: Sequence[str]) -> str:
        """SHA-256 over part, name and size in bytes of every image of these domains."""
        lines = (f"{p.id} {p.part} {p.size}" for p in self.pictures.values() if p.domain in domains)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def paths(self, domains: Sequence[str]) -> dict[str, Path]:
        """The files of all images of these domains, by their paths below the folder."""
        files = {picture.path for picture in self.pictures.values() if picture.domain in domains}
        return {path.relative_to(self.folder).as_posix(): path for path in files}

    def find(self, sample_id: str) -> Picture:
        """Raises UserError for an id that is none."""
        if sample_id not in self.pictures:
            raise UserError(
                f"{self.folder}: {sample_id!r} is no sample; expected an id such as {next(iter(self.pictures))}"
            )
        return self.pictures[sample_id]

    def verify(self) -> Iterator[Problem]:
        """What the folders showed, then every image that cannot be decoded to its end."""
        yield from self.problems
        for picture in self.pictures.values():
            try:
                picture.rgb()
            except UserError as error:
                yield Problem(picture.id, str(error))

    def _choose(self, one: Picture, two: Picture) -> Picture:
        """Of two images of one name; silent where they are copies of each other."""
        # What training and test both have belongs to test, so that no test image is trained on.
        kept, left = (two, one) if two.part == "test" and one.part != "test" else (one, two)
        if (one.part, one.size) != (two.part, two.size):
            names = [str(picture.path.relative_to(self.folder)) for picture in (left, kept)]
            self.problems.append(Problem(names[0], f"{left.id} is there twice; that in {names[1]} is used"))
        return kept


def domain_task(name: str, domains: Sequence[str], anchor: str) -> Task:
    """The cross-domain task: the anchor and each other domain are seen, any two others are not (thesis 4.3.4)."""
    others = [domain for domain in domains if domain != anchor]
    return Task(
        name=name,
        kind="cross-domain",
        modalities=tuple(Rgb(domain) for domain in domains),
        anchor=anchor,
        groups=tuple(Group((anchor, other)) for other in others),
        unseen=tuple(Translation((source,), target) for source, target in permutations(others, 2)),
        seen=tuple(
            Translation((source,), target) for other in others for source, target in ((anchor, other), (other, anchor))
        ),
    )


def scan(folder: Path, domain: str, part: str, problems: list[Problem]) -> Iterator[Picture]:
    """The images of a folder; other files are added to ``problems``, hidden ones are passed over."""
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        if entry.is_file() and path.suffix.lower() in IMAGES:
            yield Picture(domain, _name(path.stem), part, path, entry.stat().st_size)
        else:
            problems.append(Problem(f"{folder.parent.name}/{folder.name}/{entry.name}", "no image; it is not used"))


def scan_records(path: Path, domain: str, part: str) -> Iterator[Picture]:
    """The images of a TFRecord file, none of them decoded. Raises UserError naming a damaged file."""
    for record, payload in tfrecords.walk(path):
        try:
            features = tfrecords.bytes_features(payload)
            name = Path(features[NAME].decode()).stem
            size = len(features[ENCODED])
        except (KeyError, ValueError) as error:
            reason = f"no feature {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(
                f"{path}: record {record.number} has {reason}; expected {NAME} and {ENCODED}; get the file again"
            ) from error
        yield Picture(domain, _name(name), part, path, size, record)


def _divide(pictures: Sequence[Picture], counts: tuple[int, int] | None) -> Parts:
    """Training, validation and test, drawn by the hash of the id.

    With ``counts`` all images are divided anew: as many for training and test as named, or in that proportion where
    there are fewer. Without, official parts stay what they are where there are both.
    """
    everything = shuffled(picture.id for picture in pictures)
    official = {part: shuffled(p.id for p in pictures if p.part == part) for part in OFFICIAL}
    share = OFFICIAL_VALIDATION_SHARE
    if counts is not None:
        scale = min(1.0, len(everything) / sum(counts))
        cut = max(1, round(counts[1] * scale))
        test, train = everything[:cut], everything[cut : cut + round(counts[0] * scale)]
    elif all(official.values()):
        test, train = official["test"], official["train"]
    else:
        cut = max(1, round(TEST_SHARE * len(everything)))
        test, train = everything[:cut], everything[cut:]
        share = VALIDATION_SHARE / (1 - TEST_SHARE)
    cut = max(1, round(share * len(train)))
    return Parts(train[cut:], train[:cut], test)


def _name(stem: str) -> str:
    """One spelling for names that archives unpack with spaces, colons or underscores."""
    return re.sub(r"[\s:_]+", "_", stem)
