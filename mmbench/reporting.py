"""The contract of a report: one file in ``reports/``, one function that makes tables or figures.

The card stands at the top of the file as literal assignments, read without importing it::

    NAME = "segmentation"
    TITLE = "Segmentation: IoU per class, mIoU and global accuracy"
    FUNCTION = "build"                # optional: the function's name

    def build(results: pandas.DataFrame, published: pandas.DataFrame) -> list[Table | Figure]: ...

``results`` holds one row per metric value (the columns are ``mmbench.reporting.COLUMNS``), ``published`` the papers'
numbers (``reports/published_results.csv``). Both may be empty; a report with nothing to show returns an empty list.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.table import HIGH as HIGH
from mmbench.table import LOW as LOW
from mmbench.table import MISSING as MISSING
from mmbench.table import STD as STD
from mmbench.table import WIDTH as WIDTH
from mmbench.table import Line as Line
from mmbench.table import Table as Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas
    from matplotlib.transforms import Bbox

COLUMNS = (
    "dataset", "published_dataset", "profile", "method", "title", "group", "seed", "state", "inputs", "output",
    "output_kind", "via", "weights", "side_from", "bn", "checkpoint", "selection", "side_information", "pretrained",
    "metric", "cls", "value",
)  # fmt: skip

SWEEP, VALIDATION = "sweep", "validation"  # values of ``selection``; the reported rows have none

PADDING = 0.1  # inches around a figure


@dataclass(frozen=True)
class Figure:
    """A figure of matplotlib, saved as PNG and SVG; equal figures give equal files.

    Attributes:
        name: file name without its ending; with ``-<dataset>-<profile>`` in it, the figure stands in that section of
            the page.
        title: one line for listings; what the figure itself shows is the report's choice.
        figure: a matplotlib Figure, made without pyplot so that no window and no global state is involved.
        note: stands below the figure on the page.
        cropped: whether it is cut, or grows, to what is drawn; False saves the time that finding it out takes, a third
            of all, where the margins are right as they are.
    """

    name: str
    title: str
    figure: Canvas
    note: str = ""
    cropped: bool = True

    def png(self, dpi: int = 150) -> bytes:
        """Pixels, ``dpi`` to an inch."""
        return self._saved("png", {"Software": None}, dpi)

    def svg(self) -> bytes:
        """Lines and letters as paths, so that no font is needed; images at their own resolution."""
        import matplotlib

        with matplotlib.rc_context({"svg.hashsalt": self.name, "svg.fonttype": "path", "svg.image_inline": True}):
            return self._saved("svg", {"Date": None, "Creator": None})

    def _saved(self, kind: str, metadata: dict[str, None], dpi: int = 72) -> bytes:
        buffer = io.BytesIO()
        box = self._box if self.cropped else None
        self.figure.savefig(buffer, format=kind, dpi=dpi, bbox_inches=box, metadata=metadata)
        return buffer.getvalue()

    @functools.cached_property
    def _box(self) -> Bbox:
        """What to save, in inches. The layout is made once for both files: it costs more than drawing does."""
        if self.figure.get_layout_engine() is not None:
            self.figure.draw_without_rendering()
            self.figure.set_layout_engine("none")
        return self.figure.get_tightbbox().padded(PADDING)

    def has_images(self) -> bool:
        """Whether it shows pictures, of which an SVG is no smaller than a PNG."""
        return any(axis.images for axis in self.figure.axes)
