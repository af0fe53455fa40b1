"""The contract of a report: one file in ``reports/``, one function that makes tables or figures.

The card stands at the top of the file as literal assignments, read without importing it::

    NAME = "segmentation"
    TITLE = "Segmentation: IoU per class, mIoU and global accuracy"
    FUNCTION = "build"                # optional: the function's name

    def build(results: Results, published: pandas.DataFrame) -> list[Table | Figure]: ...

``results`` are the :class:`Results` below a runs folder, ``published`` the papers' numbers
(``reports/published_results.csv``). Both may be empty, and hold what damaged files say; a report with nothing to show
returns an empty list. Names are unique within a report, the same input gives the same output, and input stays as it is.
A report that raises or returns something else gives a note in its place.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.metric import Metric
from mmbench.table import HIGH as HIGH
from mmbench.table import LOW as LOW
from mmbench.table import MISSING as MISSING
from mmbench.table import STD as STD
from mmbench.table import WIDTH as WIDTH
from mmbench.table import Line as Line
from mmbench.table import Table as Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Canvas
    from matplotlib.transforms import Bbox

COLUMNS = (
    "dataset", "published_dataset", "profile", "method", "base_method", "change", "title", "group", "seed", "state",
    "inputs", "output", "output_kind", "via", "weights", "side_from", "bn", "checkpoint", "selection",
    "side_information", "pretrained", "metric", "cls", "value",
)  # fmt: skip

SWEEP, VALIDATION = "sweep", "validation"  # values of ``selection``; the reported rows have none

PADDING = 0.1  # inches around a figure


@dataclass(frozen=True)
class Listed:
    """A method or data set that there is, run or not.

    Attributes:
        name, title: as on its card.
        kinds: of task that the method can do; of a data set its one.
    """

    name: str
    title: str
    kinds: tuple[str, ...]


def _no_ids(facts: Mapping[str, Any]) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Results:
    """All finished cells below a runs folder, as reports are handed them.

    Attributes:
        rows: one row per metric value, with :data:`COLUMNS`. A damaged result may have put anything into it.
        cells: of each finished cell what its ``result.json`` holds beside its rows (commit, hardware, split hashes,
            times and more), with ``dataset``, ``profile``, ``method`` and ``seed`` as in the rows and, as ``base``, the
            first three as they were before ``--set``; ``needs_root`` says whether the data set needs a data root.
        runs: the folder; cells' files lie in :meth:`folder`.
        remarks: data set -> a sentence that belongs below every table of it.
        metrics: by name, with whose ``compute`` per-image statistics become numbers.
        test_ids: of one of ``cells`` the ids of its test images, in the order of ``per_image.npz``; empty where the
            data set cannot be opened here, or has another test split by now.
        known_methods, known_datasets: all that the catalog finds, but judges; empty where nobody asked it.
        kept: what took long to compute, JSON by name, there again in the next report of the same runs folder. A report
            begins its names with its own, and must do without: the folder may be deleted or read-only.
        made_by: what another report, by name, makes of the same results, so that it is made once for all; None where
            nobody shares it.
    """

    rows: pd.DataFrame
    cells: tuple[Mapping[str, Any], ...] = ()
    runs: Path = Path("runs")
    remarks: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    test_ids: Callable[[Mapping[str, Any]], Sequence[str]] = _no_ids
    known_methods: tuple[Listed, ...] = ()
    known_datasets: tuple[Listed, ...] = ()
    kept: MutableMapping[str, Any] = field(default_factory=dict)
    made_by: Callable[[str], Sequence[Table | Figure]] | None = None

    def of(self, dataset: str = "", profile: str = "") -> Results:
        """Rows and cells of one data set, of one profile, or of both; with ``""`` of all."""
        rows, cells = self.rows, self.cells
        for column, value in (("dataset", dataset), ("profile", profile)):
            if value:
                rows = rows[rows[column] == value]
                cells = tuple(facts for facts in cells if facts[column] == value)
        return replace(self, rows=rows, cells=cells, made_by=None)

    def folder(self, dataset: str, profile: str, method: str = "", seed: int | None = None) -> Path:
        """Where a cell's files are or, without ``seed`` and ``method``, those of all cells."""
        parts = [dataset, profile, *([method] if method else []), *([f"seed-{seed}"] if seed is not None else [])]
        return self.runs.joinpath(*map(str, parts))


@dataclass(frozen=True)
class Panel:
    """One picture of an :class:`Example`.

    Attributes:
        caption: what it shows.
        png: its file; pictures of one example are of one size.
        meaning: the name, in :attr:`Gallery.meanings`, of what its colours stand for.
    """

    caption: str
    png: bytes
    meaning: str


@dataclass(frozen=True)
class Example:
    """Pictures that belong together, pixel by pixel: an input, its translation, the truth.

    Attributes:
        choices: what a reader chooses it by, such as ``{"image": "1", "method": "Oracle"}``; a gallery's examples have
            the same names in the same order.
        panels: the pictures.
        rank: where the page has no room for all examples, those of the lowest ranks are on it.
    """

    choices: Mapping[str, str]
    panels: Sequence[Panel]
    rank: int = 0


@dataclass(frozen=True)
class Gallery:
    """Examples that a reader of the page looks at one by one; a pixel that is pointed at is told in all pictures.

    Attributes:
        examples: the first one is shown first.
        meanings: name -> what colours stand for, six hexadecimal digits to text; empty where they mean themselves.

    Raises:
        TypeError, ValueError: a picture that is not bytes, or an example with no choices or others than the first.
    """

    examples: Sequence[Example]
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for example in self.examples:
            if not example.choices or list(example.choices) != list(self.examples[0].choices):
                asked, given = (", ".join(one.choices) for one in (self.examples[0], example))
                raise ValueError(
                    f"an example is chosen by {given or 'nothing'}; the first one is by {asked or 'nothing'}"
                )
            for panel in example.panels:
                if not isinstance(panel.png, bytes):
                    raise TypeError(f"panel {panel.caption!r}: {type(panel.png).__name__}, expected a PNG file's bytes")


@dataclass(frozen=True)
class Figure:
    """A figure of matplotlib, saved as PNG and SVG; equal figures give equal files.

    Attributes:
        name: file name without its ending; with ``-<dataset>-<profile>`` in it, the figure stands in that section of
            the page.
        title: one line for listings; what the figure itself shows is the report's choice.
        figure: a matplotlib Figure, made without pyplot so that no window and no global state is involved.
        note: stands below the figure on the page.
        cropped: whether it is cut, or grows, to what is drawn; False where the margins are right as they are.
        gallery: what the page lets a reader look at closely, above the figure.
    """

    name: str
    title: str
    figure: Canvas
    note: str = ""
    cropped: bool = True
    gallery: Gallery | None = None

    def png(self, dpi: int = 100) -> bytes:
        """Pixels, ``dpi`` to an inch."""
        # A twelfth larger than at the usual level, in two thirds of the time.
        return self._saved("png", {"Software": None}, dpi, pil_kwargs={"compress_level": 3})

    def svg(self) -> bytes:
        """Lines and letters as paths, so that no font is needed; images at their own resolution."""
        import matplotlib

        with matplotlib.rc_context({"svg.hashsalt": self.name, "svg.fonttype": "path", "svg.image_inline": True}):
            return self._saved("svg", {"Date": None, "Creator": None})

    def _saved(self, kind: str, metadata: dict[str, None], dpi: int = 72, **options: Any) -> bytes:
        buffer = io.BytesIO()
        box = self._box if self.cropped else None
        self.figure.savefig(buffer, format=kind, dpi=dpi, bbox_inches=box, metadata=metadata, **options)
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
