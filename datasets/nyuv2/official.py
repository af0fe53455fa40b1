"""The official split of NYU Depth v2: 795 of its images are for training, 654 for test, numbered from 1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scipy.io import loadmat

from mmbench.errors import UserError

from ..nyu13 import whole_numbers

LABELED = "nyu_depth_v2_labeled.mat"
SPLITS = "splits.mat"
LISTS = "https://github.com/VainF/nyuv2-python-toolkit"
TRAIN, TEST = 795, 654

MODALITIES = ("rgb", "depth", "segmentation")
GROUPS = ("rgb+segmentation", "rgb+depth")


@dataclass(frozen=True)
class Official:
    """Numbers of the images of each part, in the order of the file."""

    train: tuple[int, ...]
    test: tuple[int, ...]

    def runs(self) -> dict[int, int]:
        """Number -> which run of neighbours of one part it is in, counted from 1.

        The file has the images of a scene one after the other, and no scene in both parts: a run parts no scene.
        """
        test, made = set(self.test), {}
        run, last = 0, None
        for number in sorted((*self.train, *self.test)):
            run += (number in test) is not last
            made[number], last = run, number in test
        return made


def read(path: Path) -> Official:
    """``splits.mat``. Raises UserError where it is not that file."""
    try:
        held = loadmat(path)
        # Whole doubles, as MATLAB saves numbers unless told otherwise, are as good as integers.
        lists = (whole_numbers(held[key]).ravel().tolist() for key in ("trainNdxs", "testNdxs"))
        made = Official(*map(tuple, lists))
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        raise UserError(f"{path}: not the official split ({error}); get it from {LISTS}") from error
    if set(made.train) & set(made.test) or min((*made.train, *made.test), default=1) < 1:
        raise UserError(f"{path}: numbers must be from 1, none in both lists; get it from {LISTS}")
    return made
