"""How files of a modality are read: a description that data sets give and cells record, and the reading itself.

Training and ``translate`` decode with the same description and the same code, so that one file is the same array in
both. Each kind is a class in a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbench.modality.base import Modality
from mmbench.typed import build

from .base import Reading as Reading
from .depth import UNITS as UNITS
from .depth import DepthReading as DepthReading
from .rgb import RgbReading as RgbReading
from .scalar import ScalarReading as ScalarReading
from .segmentation import SegmentationReading as SegmentationReading
from .stored import DamagedError as DamagedError
from .stored import UndescribedError as UndescribedError

KINDS: Mapping[str, type[Reading]] = {
    "rgb": RgbReading, "depth": DepthReading, "segmentation": SegmentationReading, "scalar": ScalarReading
}  # fmt: skip


def as_written(modality: Modality) -> Reading:
    """How files are read that hold a modality in mmbench's own form, as ``translate`` writes them."""
    return KINDS[modality.kind].as_written(modality)


def reading_of(values: Mapping[str, Any], where: str = "readings") -> Reading:
    """A reading from what :func:`mmbench.typed.as_dict` made of it.

    Raises:
        KeyError, UserError: a kind, or a field, that is unknown; the latter begins with ``where``.
    """
    given = {key: value for key, value in values.items() if key != "kind"}
    made: Reading = build(KINDS[values["kind"]], given, where)
    return made
