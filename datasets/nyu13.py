"""The 13 indoor classes of Eigen and SceneNet, and how the 40 classes of NYUv2 map to them.

Sources: SceneNetv1.0's README, ``class13Mapping.mat`` and ESANet's copy agree on the mapping. SUN RGB-D's 37 classes
are the first 37 of NYUv2's 40 in the same order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmbench.errors import UserError
from mmbench.modality import Depth, Rgb, Segmentation
from mmbench.modality.opening import BrokenImageError, open_image
from mmbench.modality.reading import SegmentationReading
from mmbench.task import Group, Task, Translation

from .synthetic.scene import CLASSES as CLASSES
from .synthetic.scene import PALETTE as PALETTE

# fmt: off
MAP40: np.ndarray = np.array(
    [
        0,
        12, 5, 6, 1, 4, 9, 10, 12, 13, 6,
        8, 6, 13, 10, 6, 13, 6, 7, 7, 5,
        7, 3, 2, 6, 11, 7, 7, 7, 7, 7,
        7, 6, 7, 7, 7, 7, 7, 7, 6, 7,
    ],
    dtype=np.uint8,
)
# fmt: on
"""uint8 ``(41,)``: class 0..40 of NYUv2 to 0..13, void to void."""

MAP37 = MAP40[:38]
"""uint8 ``(38,)``: class 0..37 of SUN RGB-D to 0..13."""

MAP13 = np.arange(len(CLASSES) + 1, dtype=np.uint8)
"""uint8 ``(14,)``: labels that have the 13 classes already."""


def to_classes(ids: np.ndarray, table: np.ndarray, where: Path) -> np.ndarray:
    """uint8 classes of an array of ids (integers, or whole doubles, as some files hold) by a table that 0 starts.

    Raises UserError naming ``where`` and the id that the table has no class for, or a value that is no id.
    """
    try:
        whole = whole_numbers(ids)
    except ValueError as error:
        raise UserError(f"{where}: {error}, expected class ids") from error
    for extreme in (int(whole.max(initial=0)), int(whole.min(initial=0))):
        if not 0 <= extreme < len(table):
            raise UserError(f"{where}: label {extreme}, expected 0 to {len(table) - 1}; another set of classes?")
    return table[whole]


def whole_numbers(values: np.ndarray) -> np.ndarray:
    """int64 of integers, or of doubles that hold such. Raises ValueError for anything else."""
    whole = values.astype(np.int64) if values.dtype.kind in "bui" or np.isfinite(values).all() else None
    if whole is None or (whole != values).any():
        raise ValueError(f"{values.dtype} values that are not whole numbers")
    return whole


def read_ids(path: Path) -> np.ndarray:
    """The class ids ``(H, W)`` of an 8-bit PNG. Raises UserError naming a file that is damaged or of another kind."""
    try:
        image = open_image(path)
        mode, ids = image.mode, np.asarray(image)
    except BrokenImageError as error:
        raise UserError(f"{path}: cannot be decoded ({error}); unpack the label archive again") from error
    if mode not in ("L", "P"):
        raise UserError(f"{path}: image mode {mode}, expected 8-bit class ids")
    return ids


def reading_through(table: np.ndarray) -> SegmentationReading:
    """How PNGs of class ids are read whose classes are those of a table."""
    classes = table[1:].tolist()
    return SegmentationReading(tuple(range(1, len(table))), classes=tuple(classes), void_ids=(0,))


def rooms_task(name: str) -> Task:
    """The cross-modal task over rgb, depth and the 13 classes that SUN RGB-D and NYUv2 share (thesis 4.6.1).

    The multi-modal rows weigh the anchor's latent with 1 - alpha = 0.8 and take its pooling indices (thesis 4.6.2).
    """
    return Task(
        name=name,
        kind="cross-modal",
        modalities=(
            Rgb("rgb"),
            Depth("depth"),
            Segmentation("segmentation", classes=CLASSES, palette=PALETTE),
        ),
        anchor="rgb",
        groups=(Group(("rgb", "segmentation")), Group(("rgb", "depth"))),
        unseen=(Translation(("depth",), "segmentation"), Translation(("segmentation",), "depth")),
        seen=(
            Translation(("rgb",), "segmentation"),
            Translation(("rgb",), "depth"),
            Translation(("depth",), "rgb"),
            Translation(("segmentation",), "rgb"),
        ),
        multi_modal=(
            Translation(("rgb", "depth"), "segmentation", weights=(0.8, 0.2), side_from="rgb"),
            Translation(("rgb", "segmentation"), "depth", weights=(0.8, 0.2), side_from="rgb"),
        ),
    )
