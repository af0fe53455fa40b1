"""Which files a folder of images has: by modality, then by the sample's name. Nothing is opened."""

from __future__ import annotations

import itertools
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmbench.errors import UserError

from . import stamps
from .description import FILE, USUAL, Description

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy")
OTHER_NAMES = {
    "rgb": ("images", "image", "imgs", "img", "color", "colour", "colors", "colours"),
    "depth": ("depths", "depth_maps", "depthmaps"),
    "segmentation": ("labels", "label", "masks", "mask", "annotations", "seg", "semantic", "gt"),
    "nir": ("ir", "infrared"),
}
"""What people call the folders otherwise."""
LAYOUT = f"expected folders such as {', '.join(f'{name}/' for name in USUAL)} with files of equal names"


@dataclass(frozen=True)
class Image:
    """One file: its path below the root, and its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class Files:
    """What was found.

    Attributes:
        root: the folder.
        images: modality -> sample -> file, sorted. A sample is named by its file's path in the modality's folder,
            without the ending: ``kitchen_01``, or ``kitchen/01`` in a subfolder; by the pattern's first group; or by
            the time of the anchor's nearest image.
        ignored: how many files have other endings, or do not match the pattern.
    """

    root: Path
    images: Mapping[str, Mapping[str, Image]]
    ignored: int = 0

    def holds(self, sample: str) -> tuple[str, ...]:
        """The modalities that a sample has."""
        return tuple(name for name, images in self.images.items() if sample in images)

    def samples(self) -> list[str]:
        """All of them, sorted."""
        return sorted(set().union(*self.images.values()))

    def paths(self) -> dict[str, Path]:
        """Every image by its path below the root."""
        return {normal(image.path): self.root / image.path for of in self.images.values() for image in of.values()}


def scan(root: Path, description: Description) -> Files:
    """Every image of the described modalities, and of the usual folders that are there.

    The anchor comes first, then the usual ones, whatever the order in the description.

    Raises:
        UserError: a folder is missing, empty or cannot be read, two files have one name, or a modality has no name in
            common with the anchor.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; {LAYOUT}")
    folders = {name: table.folder or name for name, table in description.modalities.items()}
    here = sorted(entry.name for entry in _listed(root) if entry.is_dir())
    grouped = {part.strip() for group in description.groups for part in group.split("+")} or set(USUAL)
    grouped.add(description.anchor)
    folders |= {name: name for name in USUAL if name in here and name in grouped and name not in folders}
    anchor = description.anchor
    if anchor not in folders:
        found = f"found {', '.join(f'{name}/' for name in here)}" if here else "found no folder"
        raise UserError(
            f"{root}: no folder {anchor}/ for the anchor's images ({found}); {LAYOUT}, or name other folders in {FILE}"
            f"{proposal(root)}"
        )
    images: dict[str, dict[str, Image]] = {}
    ignored = 0
    for name in dict.fromkeys([anchor, *(name for name in USUAL if name in folders), *folders]):
        pattern = description.modalities[name].pattern if name in description.modalities else ""
        images[name], others = _images(root, folders[name], pattern)
        ignored += others
    if description.nearest:
        images = stamps.by_time(images, anchor, description.nearest)
    _refuse_shared(images, description, root)
    for name, found_here in images.items():
        if not images[anchor].keys() & found_here.keys():
            one, other = next(iter(images[anchor].values())), next(iter(found_here.values()))
            raise UserError(
                f"{root}: no file of {folders[name]}/ has the name of one of {folders[anchor]}/, such as {other.path} "
                f"and {one.path}; files of one sample need equal names{_patterns(images)}"
            )
    return Files(root, images, ignored)


def _refuse_shared(images: Mapping[str, Mapping[str, Image]], description: Description, root: Path) -> None:
    """Nothing, unless one file is two modalities of a sample: raises UserError that names the keys which make it so."""
    for one, other in itertools.combinations(images, 2):
        shared = (image.path for sample, image in images[one].items() if images[other].get(sample) == image)
        if path := next(shared, ""):
            name = other if other in description.modalities else one
            raise UserError(
                f"{root / FILE}: [modalities.{name}]: folder, pattern: {path} would be {one} and {other}; "
                "give each files of its own"
            )


def proposal(root: Path) -> str:
    """The command that describes folders whose names are not the usual ones, where they can be told."""
    here = {path.name.lower(): path.name for path in root.iterdir() if path.is_dir()}
    found = {
        name: here[other]
        for name, others in OTHER_NAMES.items()
        if name not in here
        for other in reversed(others)
        if other in here
    }
    options = "".join(f" --{name} {folder}" for name, folder in found.items())
    return f": python -m mmbench data init {root}{options}" if options else ""


def _patterns(images: Mapping[str, Mapping[str, Image]]) -> str:
    """The lines that make the names of all modalities equal, where all that differs are their ends or beginnings."""
    firsts = {name: next(iter(of)) for name, of in images.items()}
    shared = _beginning(list(firsts.values()))
    ends = {name: first.removeprefix(shared) for name, first in firsts.items()}
    if all(stamps.are_stamps(of) for of in images.values()):
        return f", or write nearest = 0.02 in {FILE}, where names are times that may differ by so many seconds"
    if shared and all(sample.endswith(ends[name]) for name, of in images.items() for sample in of):
        made = {name: f"^(.*){re.escape(end)}$" for name, end in ends.items() if end}
    else:
        shared = _beginning([first[::-1] for first in firsts.values()])[::-1]
        starts = {name: first.removesuffix(shared) for name, first in firsts.items()}
        if not shared or not all(sample.startswith(starts[name]) for name, of in images.items() for sample in of):
            return ""
        made = {name: f"^{re.escape(start)}(.*)$" for name, start in starts.items() if start}
    lines = [f"pattern = '{pattern}' under [modalities.{name}]" for name, pattern in made.items()]
    return f", or write {' and '.join(lines)} in {FILE}"


def _beginning(names: list[str]) -> str:
    """What all names begin with, without the character that parts it from the rest."""
    columns = zip(*names, strict=False)
    length = next((place for place, letters in enumerate(columns) if len(set(letters)) > 1), min(map(len, names)))
    return names[0][:length].rstrip("._- ")


def _images(root: Path, folder: str, pattern: str) -> tuple[dict[str, Image], int]:
    """Sample -> file of one modality, and how many files have other endings or do not match the pattern."""
    if not (root / folder).is_dir():
        raise UserError(f"{root / folder}: no such folder, but {FILE} names it")
    found: dict[str, Image] = {}
    twice: list[str] = []
    others: list[str] = []
    for entry in _walk(root / folder):
        path = Path(entry.path)
        # Some systems store "é" as one character and some as two; to people it is one name.
        sample = normal(path.relative_to(root / folder).with_suffix("").as_posix())
        match = re.search(pattern, sample)
        if path.suffix.lower() not in SUFFIXES or (pattern and not (match and match[1])):
            others.append(entry.name)
            continue
        sample = match[1] if pattern and match else sample
        image = Image(path.relative_to(root).as_posix(), _size(entry))
        if sample in found:
            twice.append(f"{found[sample].path} and {image.path}")
        found[sample] = image
    if twice:
        more = f" (and {len(twice) - 1} more)" if len(twice) > 1 else ""
        alike = f"are the sample {sample!r} by the pattern" if pattern else "are named alike"
        raise UserError(f"{root}: two files {alike}: {twice[0]}{more}; keep one of them")
    if not found:
        what = f"no images, only files such as {others[0]}" if others else "no images"
        matching = f" whose names match {pattern!r}" if pattern else ""
        raise UserError(f"{root / folder}: {what}; expected files ending in {', '.join(SUFFIXES)}{matching}")
    return dict(sorted(found.items())), len(others)


def normal(name: str) -> str:
    """A name as all systems may compare it."""
    return unicodedata.normalize("NFC", name)


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Files below a folder; names that begin with a dot are other programs' notes."""
    for entry in sorted(_listed(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            yield from _walk(Path(entry.path))
        else:
            yield entry


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:  # links in a circle
        raise UserError(f"{entry.path}: cannot be read ({error.strerror})") from error


def _size(entry: os.DirEntry[str]) -> int:
    try:
        found = entry.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for without end
            raise UserError(f"{entry.path}: neither a file nor a link to one; take it out of the folder")
        return found.st_size
    except OSError as error:
        what = "a link to what is not there" if entry.is_symlink() else "cannot be read"
        raise UserError(f"{entry.path}: {what} ({error.strerror}); bring the file back, or delete its name") from error


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from error
