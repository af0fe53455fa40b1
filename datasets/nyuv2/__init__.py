"""NYU Depth v2: 1449 Kinect images of rooms with dense labels; beyond the papers (``docs/nyuv2.md``).

Two forms, below the data root or a folder ``nyuv2`` in it: the official file ``nyu_depth_v2_labeled.mat``
(``labeled.py``), or its images as files in ``rgb/``, ``depth/`` and a folder of labels (``exported.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbench.dataset import DataLimits, Dataset, Problem, Sample
from mmbench.errors import UserError
from mmbench.modality.reading import Reading
from mmbench.task import Split

from ..nyu13 import rooms_task
from . import exported
from .exported import Exported
from .labeled import Labeled
from .official import LABELED

NAME = "nyuv2"
TITLE = "NYU Depth v2, 13 classes"
KIND = "cross-modal"
CLASS = "NyuV2"
NEEDS_ROOT = True
SOURCE = "http://horatio.cs.nyu.edu/mit/silberman/nyu_depth_v2/nyu_depth_v2_labeled.mat"
CITATION = "Silberman, Hoiem, Kohli & Fergus, ECCV 2012"
TERMS = "none are stated; research use, cite Silberman et al. 2012"
SETTINGS = {"depth": "refined", "labels": "auto"}
CHOICES = {"depth": ["refined", "raw"], "labels": ["auto", "mapping40", "png40", "png13", "segmentation"]}
DOWNLOADS = ({"url": "http://horatio.cs.nyu.edu/mit/silberman/nyu_depth_v2/nyu_depth_v2_labeled.mat", "into": "nyuv2"},)


class NyuV2(Dataset):
    """Official split; some training scenes are validation, the others are halved, no scene in two parts.

    The settings choose ``depths`` (``refined``) or ``rawDepths`` (``raw``, with holes; of the official file only), and
    where labels come from.

    Raises:
        UserError: a file is missing or is not what its name says.
    """

    task = rooms_task(NAME)

    def __init__(self, root: Path | None, limits: DataLimits, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__(root, limits, {**SETTINGS, **(settings or {})})
        if root is None:
            raise UserError(f"nyuv2: give --data-root, the folder that holds {LABELED}; get it from {SOURCE}")
        self.form = _open(root, limits, self.settings)

    @property
    def note(self) -> str:
        """How many images are there, and where labels come from."""
        return self.form.note

    def split(self) -> Split:
        """Every beginning of a list is a fair sample of it."""
        return self.form.split()

    def manifest(self) -> str:
        """SHA-256 over the names and sizes of the files, and what says how they are read."""
        return self.form.manifest()

    def readings(self) -> dict[str, Reading]:
        """Of the official file labels only where they are PNGs: its depth is in no file of its own."""
        return self.form.readings()

    def paths(self) -> dict[str, Path]:
        """Every file that is read."""
        return self.form.paths()

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """All three modalities, in the exported form those that have a file."""
        return self.form.holds(sample_id)

    def sample(self, sample_id: str) -> Sample:
        """rgb uint8 ``(H, W, 3)``, depth float32 metres and segmentation uint8 ``(H, W)``; 480 x 640 in the official
        file.

        Raises UserError where a file is damaged, or a label does not fit its image.
        """
        return self.form.sample(sample_id)

    def verify(self) -> Iterator[Problem]:
        """Every image of the split; an official file that cannot be opened is one problem."""
        return self.form.verify()


def _open(root: Path, limits: DataLimits, settings: Mapping[str, Any]) -> Labeled | Exported:
    places = (root / NAME, root)
    for place in places:
        if (place / LABELED).is_file():
            return Labeled(place, limits, settings)
    for place in places:
        if exported.is_here(place):
            if settings["depth"] == "raw":
                raise UserError(f"nyuv2: depth = raw needs {LABELED}: {place} has one depth, taken as it is")
            return Exported(place, limits, settings["labels"])
    raise UserError(
        f"nyuv2: {LABELED} not found in {places[0]} and {root}, nor its images as rgb/ and depth/; get it from {SOURCE}"
    )
