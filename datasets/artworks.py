"""Photographs and four painters, unpaired: the art sets of CycleGAN (thesis 4.3.4, figure 4.5c; A.3.2).

Official layout, in a folder ``artworks`` of the data root, or the data root itself::

    monet2photo/{trainA,testA}/00010.jpg                  paintings; vangogh2photo, ukiyoe2photo, cezanne2photo alike
    monet2photo/{trainB,testB}/2014-08-01 17_41_55.jpg    photographs, the same in all four archives

Photographs are taken once by name from whichever archives are there. Some of the styles will do; see
``docs/artworks.md``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbench.dataset import DataLimits, Dataset, Problem, Sample
from mmbench.errors import UserError
from mmbench.task import Split

from .domains import Picture, Pool, domain_task, scan

NAME = "artworks"
TITLE = "Artworks: photographs and four painters"
KIND = "cross-domain"
CLASS = "Artworks"
NEEDS_ROOT = True
JUDGE = "judge-domains"
SOURCE = "https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets/"
CITATION = "Zhu, Park, Isola & Efros, ICCV 2017"
TERMS = "none are stated (WikiArt and Flickr); research use, cite Zhu et al. 2017"
SETTINGS = {"styles": 4, "counts": "all", "scored": "test"}
CHOICES = {"styles": [4, 3], "counts": ["all", "thesis"], "scored": ["test", "validation"]}
VARIANTS = {
    "artworks-4": {
        "TITLE": "Artworks: photographs and three painters",
        "SETTINGS": {"styles": 3, "counts": "thesis"},
    }
}
DOWNLOADS = (
    {"url": "https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets/monet2photo.zip", "into": "artworks"},
    {"url": "https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets/vangogh2photo.zip", "into": "artworks"},
    {"url": "https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets/ukiyoe2photo.zip", "into": "artworks"},
    {"url": "https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets/cezanne2photo.zip", "into": "artworks"},
)

WHERE = f"get monet2photo.zip, vangogh2photo.zip, ukiyoe2photo.zip and cezanne2photo.zip from {SOURCE}"
ANCHOR = "photo"
STYLES = ("monet", "vangogh", "ukiyoe", "cezanne")
THREE = ("monet", "ukiyoe", "cezanne")  # thesis 6.4.1 and table 6.4

# Training and test images of thesis 6.4.1. Those of van Gogh are not there; A.3.2 has 500 in all.
THESIS = {
    "photo": (3000, 300),
    "monet": (1000, 200),
    "vangogh": (400, 100),
    "ukiyoe": (700, 100),
    "cezanne": (500, 100),
}

FOLDERS = {"trainA": ("art", "train"), "testA": ("art", "test"), "trainB": (ANCHOR, "train"), "testB": (ANCHOR, "test")}


class Artworks(Dataset):
    """Photographs are the anchor, painters the other domains: those of whom there are paintings.

    The setting ``styles`` takes all four or the three of thesis 6.4.1. With ``counts`` at ``all`` the official test
    images are test, and 5 % of training are validation; a domain that lacks one of both is divided 70 : 10 : 20. With
    ``thesis`` all images of a domain are divided anew, into as many as thesis 6.4.1 has or in that proportion.
    ``scored=validation`` scores validation images in place of the test images.

    Raises:
        UserError: no archive's folder, no photograph, or paintings of fewer than two painters.
    """

    def __init__(self, root: Path | None, limits: DataLimits, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__(root, limits, {**SETTINGS, **(settings or {})})
        styles = THREE if self.settings["styles"] == 3 else STYLES
        folder = _find(root)
        problems: list[Problem] = []
        pictures = list(_pictures(folder, styles, problems))  # before the Pool, as this fills ``problems``
        self._pool = Pool(folder, pictures, problems)
        self.labels = self._pool.domains((ANCHOR, *styles), ANCHOR, WHERE)
        self.task = domain_task(NAME, self.labels, ANCHOR)
        anew, tested = self.settings["counts"] == "thesis", self.settings["scored"] == "test"
        self._parts = {name: self._pool.parts(name, THESIS[name] if anew else None) for name in self.labels}
        self.published = "artworks-4" if anew and tested and self.labels == (ANCHOR, *THREE) else ""
        self._absent = tuple(style for style in styles if style not in self.labels)

    @property
    def note(self) -> str:
        """``photo 450, monet 109, ukiyoe 237, cezanne 53 images, none of vangogh``."""
        held = [picture.domain for picture in self._pool.pictures.values()]
        found = ", ".join(f"{name} {held.count(name)}" for name in self.labels) + " images"
        found += f", none of {' and '.join(self._absent)}" if self._absent else ""
        if self.settings["counts"] == "thesis":
            sizes = [sum(map(len, lists)) for lists in zip(*self._parts.values(), strict=True)]
            return "{}; divided anew: {} training, {} validation, {} test".format(found, *sizes)
        drawn = self._pool.drawn(self.labels)
        return f"{found}; {drawn}" if drawn else found

    def split(self) -> Split:
        """Ids such as ``monet/00010``; a group is all of one painter's training images and its own share of photos."""
        return self._pool.split(self.task, self._parts, self.limits, self.settings["scored"])

    def manifest(self) -> str:
        """SHA-256 over part, name and size in bytes of every image."""
        return self._pool.manifest(self.labels)

    def paths(self) -> dict[str, Path]:
        """The files of all images of its domains."""
        return self._pool.paths(self.labels)

    def sample(self, sample_id: str) -> Sample:
        """One image, uint8 ``(256, 256, 3)``, under the name of its domain. Raises UserError naming a damaged file."""
        picture = self._pool.find(sample_id)
        return {picture.domain: picture.rgb()}

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """Its domain alone."""
        return (self._pool.find(sample_id).domain,)

    def label(self, sample_id: str) -> int:
        """Its domain as an index into :attr:`labels`."""
        return self.labels.index(self._pool.find(sample_id).domain)

    def verify(self) -> Iterator[Problem]:
        """Every image that is there; absent ones only count in ``note``."""
        yield from self._pool.verify()


def _find(root: Path | None) -> Path:
    """The folder that holds the archives' folders."""
    if root is None:
        raise UserError(f"{NAME}: give --data-root, the folder that holds artworks; {WHERE}")
    places = (root / "artworks", root)
    for folder in places:
        if any((folder / f"{style}2photo").is_dir() for style in STYLES):
            return folder
    raise UserError(f"{NAME}: no monet2photo or another style's folder in {places[0]} and {places[1]}; {WHERE}")


def _pictures(folder: Path, styles: tuple[str, ...], problems: list[Problem]) -> Iterator[Picture]:
    """Paintings of the styles, and photographs of all archives, whose art is of no matter for them."""
    for style in STYLES:
        archive = folder / f"{style}2photo"
        if not archive.is_dir():
            continue
        for entry in sorted(os.scandir(archive), key=lambda entry: entry.name):
            domain, part = FOLDERS.get(entry.name, ("", ""))
            domain = style if domain == "art" else domain
            if entry.is_dir() and domain in (ANCHOR, *styles):
                yield from scan(Path(entry.path), domain, part, problems)
            elif not domain and not entry.name.startswith("."):
                expected = f"not used: expected {', '.join(FOLDERS)}"
                problems.append(Problem(f"{archive.name}/{entry.name}", expected))
