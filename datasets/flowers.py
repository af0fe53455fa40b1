"""Flowers-102 as opponent channels: zero-pair translation between channels of one image (thesis 4.5.3, table 4.1).

Official layout, in the folder that torchvision gives it; what is not listed here is not needed::

    <root>/flowers-102/jpg/image_00001.jpg ...    also accepted: <root> is the folder flowers-102 itself
    <root>/flowers-102/imagelabels.mat            `labels` 1 x 8189, 1-based like the image ids

Of the 102 categories the thesis uses ten, 1867 images in all. A subset of the images will do: those that are present
are used, :attr:`Flowers.note` says how many, and the manifest differs. Images are centre-cropped to a square; the
thesis resizes to 128 x 128 and does not say how it crops.

With ten training images per class the official split (``setid.mat``) cannot be the thesis' one, which is unpublished.
Here 38 % of each class are the group theta1+theta2, 38 % the group theta1+theta3, 4 % validation and 20 % test, drawn
by a hash of the image's name. An image stays in its part however many others are present.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from mmbench.dataset import DataLimits, Dataset, Problem, Sample
from mmbench.errors import UserError
from mmbench.modality import Rgb, Scalar
from mmbench.modality.reading import Reading, RgbReading, ScalarReading
from mmbench.modality.reading.stored import DamagedError
from mmbench.resize import fit
from mmbench.task import Group, Split, Task, Translation

from .blocks import in_turn

NAME = "flowers"
TITLE = "Flowers-102, opponent channels"
KIND = "cross-channel"
CLASS = "Flowers"
NEEDS_ROOT = True
JUDGE = "judge-classifier"
SOURCE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
CITATION = "Nilsback & Zisserman, ICVGIP 2008"
TERMS = "none are stated; research use, cite Nilsback & Zisserman 2008"
DOWNLOADS = (
    {
        "url": "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/102flowers.tgz",
        "md5": "52808999861908f626f3c1f4e79d11fa",
        "into": "flowers-102",
    },
    {
        "url": "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/imagelabels.mat",
        "md5": "e0620be6f572b9609742df49c70aed4d",
        "into": "flowers-102",
    },
)

WHERE = (
    "get 102flowers.tgz (md5 52808999861908f626f3c1f4e79d11fa) and imagelabels.mat "
    f"(md5 e0620be6f572b9609742df49c70aed4d) from {SOURCE}"
)

CATEGORIES = {
    77: "passionflower",
    51: "petunia",
    74: "rose",
    46: "wallflower",
    89: "watercress",
    73: "water lily",
    88: "cyclamen",
    94: "foxglove",
    81: "frangipani",
    83: "hibiscus",
}

TASK = Task(
    name=NAME,
    kind="cross-channel",
    modalities=(Scalar("theta1"), Scalar("theta2"), Rgb("theta3")),
    anchor="theta1",
    groups=(Group(("theta1", "theta2")), Group(("theta1", "theta3"))),
    unseen=(Translation(("theta2",), "theta3"),),
    seen=(Translation(("theta1",), "theta3"),),
    multi_modal=(Translation(("theta1", "theta2"), "theta3", weights=(0.5, 0.5), side_from="theta1"),),
    judged="theta3",
)


THETA1, THETA2 = ScalarReading(difference=(0, 1)), ScalarReading(difference=(1, 2))
THETA3 = RgbReading()


class Flowers(Dataset):
    """Ten classes of Flowers-102; eq. 4.14: theta1 = R - G, theta2 = G - B, theta3 = RGB.

    The differences are divided by 255, so they lie in [-1, 1] exactly. Multi-modal translation weighs both latents
    equally and takes theta1's side information: the thesis states neither for this data set.
    """

    task = TASK
    published = "flowers-opponent"
    labels = tuple(CATEGORIES.values())

    def __init__(self, root: Path | None, limits: DataLimits) -> None:
        super().__init__(root, limits)
        self.folder = _find(root)
        self._classes = _official(self.folder / "imagelabels.mat")
        self._sizes = {
            path.stem: path.stat().st_size
            for path in (self.folder / "jpg").glob("image_*.jpg")
            if path.stem in self._classes
        }
        if not self._sizes:
            raise UserError(f"flowers: no image of the ten classes in {self.folder / 'jpg'}; {WHERE}")

    @property
    def note(self) -> str:
        """How much of the ten classes is there: ``1637 of 1867 images present``."""
        return f"{len(self._sizes)} of {len(self._classes)} images present"

    def split(self) -> Split:
        """Class-balanced lists; every prefix of a list is balanced too, and so is what the limits leave of it."""
        parts: dict[str, list[list[str]]] = {part: [] for part in ("group1", "group2", "validation", "test")}
        for index in range(len(self.labels)):
            # Ranks count absent images too, so that a subset moves no image to another part.
            ranked = sorted((i for i, label in self._classes.items() if label == index), key=_draw)
            first, second, third = (math.floor(len(ranked) * share) for share in (0.38, 0.76, 0.8))
            cuts = (ranked[:first], ranked[first:second], ranked[second:third], ranked[third:])
            for part, ids in zip(parts.values(), cuts, strict=True):
                part.append([sample_id for sample_id in ids if sample_id in self._sizes])
        first_group, second_group = (group.name for group in self.task.groups)
        return Split(
            groups={
                first_group: in_turn(parts["group1"], self.limits.train),
                second_group: in_turn(parts["group2"], self.limits.train),
            },
            validation=in_turn(parts["validation"], self.limits.validation),
            test=in_turn(parts["test"], self.limits.test),
        )

    def manifest(self) -> str:
        """SHA-256 over name, size in bytes and class of every image that is present."""
        lines = (f"{name} {size} {self._classes[name]}" for name, size in sorted(self._sizes.items()))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def readings(self) -> dict[str, Reading]:
        """All of them are read from colour images."""
        return {"theta1": THETA1, "theta2": THETA2, "theta3": THETA3}

    def paths(self) -> dict[str, Path]:
        """The file of labels, and every image that is present."""
        names = ["imagelabels.mat", *(f"jpg/{name}.jpg" for name in self._sizes)]
        return {name: self.folder / name for name in names}

    def sample(self, sample_id: str) -> Sample:
        """theta1 and theta2 float32 ``(H, W)`` in [-1, 1], theta3 uint8 ``(H, W, 3)``, at the size of the file."""
        return _channels(self._decode(sample_id))

    def label(self, sample_id: str) -> int:
        """Index into :attr:`labels`; the file's own labels are 1-based category numbers."""
        return self._classes[sample_id]

    def load(self, ids: Sequence[str], size: int) -> Iterator[Sample]:
        """Square samples. The channels are taken after resizing, so that eq. 4.14 holds for every pixel."""
        for sample_id in ids:
            square = fit({"theta3": self._decode(sample_id)}, self.task.modalities, size)
            yield _channels(square["theta3"])

    def verify(self) -> Iterator[Problem]:
        """Every image that cannot be decoded to its end; a subset will do, so absent ones only count in ``note``."""
        for sample_id in sorted(self._sizes):
            path = f"jpg/{sample_id}.jpg"
            try:
                THETA3.read(self.folder / path)
            except DamagedError as error:
                yield Problem(path, str(error))

    def _decode(self, sample_id: str) -> np.ndarray:
        path = self.folder / "jpg" / f"{sample_id}.jpg"
        try:
            return THETA3.read(path)
        except DamagedError as error:
            raise UserError(f"{path}: {error}; {WHERE}") from error


def _find(root: Path | None) -> Path:
    """The folder with the official files."""
    if root is None:
        raise UserError(f"flowers: give --data-root, the folder that holds flowers-102; {WHERE}")
    folder = root / "flowers-102" if (root / "flowers-102").is_dir() else root
    missing = [name for name in ("jpg", "imagelabels.mat") if not (folder / name).exists()]
    if missing:
        looked = folder if folder != root else f"{root / 'flowers-102'} and {root}"
        raise UserError(f"flowers: {' and '.join(missing)} not found in {looked}; {WHERE}")
    return folder


def _official(path: Path) -> dict[str, int]:
    """Image name -> index of its class, for all images of the ten classes that the labels list."""
    try:
        categories = loadmat(path)["labels"].ravel().tolist()
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        raise UserError(f"{path}: not the official label file ({error}); {WHERE}") from error
    index = {category: number for number, category in enumerate(CATEGORIES)}
    return {
        f"image_{number:05d}": index[category]
        for number, category in enumerate(categories, start=1)
        if category in index
    }


def _channels(rgb: np.ndarray) -> Sample:
    """Eq. 4.14 on uint8 ``(H, W, 3)``."""
    return {"theta1": THETA1.decode(rgb), "theta2": THETA2.decode(rgb), "theta3": rgb}


def _draw(sample_id: str) -> str:
    return hashlib.sha256(sample_id.encode()).hexdigest()
