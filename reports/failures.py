"""Failure cases of the main translation: test images with the lowest scores, by class and by method, and pictures.

Per-image statistics are kept of every test image, pictures only of the first few: the tables speak of all, the figure
of those.
"""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from mmbench.metric import Metric
from mmbench.modality import MAIN_SCORES, Modality
from mmbench.reporting import Figure, Results, Table

from .cell_files import UNREADABLE, arrays_in, output_of, per_image, result_of, row_number
from .clean import titled
from .main_translation import METRICS, Main, main_translation
from .rows import GROUPS

Colour = tuple[float, float, float]  # of [0, 1]

NAME = "failures"
TITLE = "Failures: the test images with the lowest scores"

REFERENCE = "mmnet"
SAME = ("inputs", "output", "via", "bn")  # what tells a cell's rows apart
WORST = 3  # images named per row
SHOWN = 4  # pictures, the worst of those that are stored


@dataclass(frozen=True)
class LowestSeed:
    """A method's lowest seed: its folder, ``result.json``, the number of its row there, and statistics per image.

    Attributes:
        scores: of each image alone by key, ``(N,)``; nan where nothing of the image was evaluated.
    """

    folder: Path
    title: str
    group: str
    seed: int
    result: Mapping[str, Any]
    number: int
    modality: Modality
    statistics: np.ndarray
    scores: Mapping[str, np.ndarray]

    @property
    def row(self) -> Mapping[str, Any]:
        """The row of the main translation."""
        return dict(self.result["rows"][self.number])

    @property
    def classes(self) -> list[str]:
        """Names of classes 1..K, in their order; empty where the output has none."""
        return [name for name, _ in self.modality.legend]

    @cached_property
    def iou(self) -> np.ndarray:
        """IoU of each image and class in percent, ``(N, K)``; nan where an image lacks the class."""
        return np.stack([self.scores[f"iou/{name}"] for name in self.classes], axis=1)

    @cached_property
    def confusion(self) -> np.ndarray:
        """int64 ``(N, K, K)`` of each image; rows are the true classes, columns the predicted ones."""
        return self.statistics.astype(np.int64).reshape(-1, len(self.classes), len(self.classes))


def build(results: Results, published: pd.DataFrame) -> list[Table | Figure]:
    """Per data set and profile: a table by class and a figure, both of M&MNets, and a table by method."""
    made: list[Table | Figure] = []
    scored = titled(results.rows[results.rows["metric"].isin(METRICS)])
    for (dataset, profile), part in scored.groupby(["dataset", "profile"], sort=True):
        main = main_translation(part)
        cells = _cells(results.folder(str(dataset), str(profile)), main, results.metrics) if main else {}
        if not main or not cells:
            continue
        place, where = f"{dataset}-{profile}", f"{dataset}, profile {profile}"
        own = cells.get(REFERENCE)
        ids = results.test_ids(next(iter(cells.values())).result)
        if own and (canvas := _draw(own, main, ids)):
            text = f"Failures of {own.title}, {main.arrow}: {where}"
            made.append(Figure(f"{NAME}-pictures-{place}", text, canvas, _picture_note(own)))
        if own and own.classes:
            frame = pd.DataFrame(_by_class(own, ids))
            text = f"Failures of {own.title} by class, {main.arrow}: {where}"
            made.append(_table(f"{NAME}-{place}", text, frame, _class_note(own), str(dataset), str(profile)))
        frame = pd.DataFrame([_of_method(method, cell, main, ids) for method, cell in cells.items()])
        text = f"Failures by method, {main.arrow}: {where}"
        made.append(_table(f"{NAME}-methods-{place}", text, frame, _method_note(cells), str(dataset), str(profile)))
    return made


def _cells(folder: Path, main: Main, metrics: Mapping[str, Metric]) -> dict[str, LowestSeed]:
    """The lowest seed of each method whose statistics can be read, in the order of the tables' groups."""
    lowest = main.rows.sort_values("seed", kind="stable").drop_duplicates("method").sort_values("method")
    found = {}
    for record in lowest.to_dict("records"):
        own = folder / str(record["method"]) / f"seed-{record['seed']}"
        with contextlib.suppress(*UNREADABLE):
            result = result_of(own)
            wanted = {name: "" if pd.isna(record[name]) else record[name] for name in SAME}
            number = row_number(result["rows"], {**wanted, "selection": ""})
            modality = output_of(result, result["rows"][number])
            metric = metrics[modality.metric]
            statistics = per_image(own, number, metric, modality)
            scores = metric.of_each(statistics, modality)
            title = str(record["title"] or record["method"])
            found[str(record["method"])] = LowestSeed(
                own, title, str(record["group"]), int(record["seed"]), result, number, modality, statistics, scores
            )
    order = [*GROUPS, *(cell.group for cell in found.values())]
    return dict(sorted(found.items(), key=lambda item: order.index(item[1].group)))


def _by_class(cell: LowestSeed, ids: Sequence[str]) -> list[dict[str, object]]:
    iou, confusion = cell.iou, cell.confusion
    pixels, total = confusion.sum(axis=2), confusion.sum(axis=0)
    rows = []
    for number, name in enumerate(cell.classes):
        mine, size = iou[:, number], pixels[:, number]
        present = np.flatnonzero(size)
        # Of many images with an IoU of 0, the one where most of the class was missed says most.
        worst = present[np.lexsort((-size[present], mine[present]))][:WORST]
        wrong = np.where(np.arange(len(total)) == number, 0, total[number])
        taken = int(wrong.argmax())
        rows.append(
            {
                "class": name,
                "IoU": cell.row["metrics"].get(f"iou/{name}"),
                "images": len(present),
                "not found in": int((confusion[present, number, number] == 0).sum()),
                "taken for": f"{cell.classes[taken]} {wrong[taken] / total[number].sum():.0%}" if wrong.any() else "",
                "worst test images (IoU, pixels of the class)": ", ".join(
                    f"{_name(ids, image)} ({mine[image]:.0f}, {size[image]})" for image in worst
                ),
            }
        )
    return rows


def _of_method(method: str, cell: LowestSeed, main: Main, ids: Sequence[str]) -> dict[str, object]:
    own = cell.scores[main.score.key]
    valid = np.flatnonzero(~np.isnan(own))
    worst = valid[np.argsort(own[valid], kind="stable")][:WORST]
    header, spec = main.score.header, main.score.spec
    row: dict[str, object] = {"name": method, "method": cell.title, "seed": cell.seed, "images": len(valid)}
    row[f"median {header}"] = float(np.median(own[valid])) if len(valid) else float("nan")
    if cell.classes:
        iou = [(cell.row["metrics"][f"iou/{name}"], name) for name in cell.classes]
        value, name = min((pair for pair in iou if pair[0] is not None), key=itemgetter(0), default=(0.0, ""))
        row["worst class (IoU)"] = f"{name} ({value:.0f})" if name else ""
    row[f"worst test images ({header})"] = ", ".join(f"{_name(ids, image)} ({own[image]:{spec}})" for image in worst)
    return row


def _table(name: str, title: str, frame: pd.DataFrame, note: str, dataset: str, profile: str) -> Table:
    frame.insert(0, "profile", profile)
    frame.insert(0, "dataset", dataset)
    medians = {f"median {score.header}": score.spec for score in MAIN_SCORES}
    return Table(
        name, title, frame, note, formats={"IoU": ".1f", **medians}, hidden=("dataset", "profile", "name"), detail=True
    )


def _name(ids: Sequence[str], image: int) -> str:
    return ids[image] if image < len(ids) else f"#{image}"


def _class_note(cell: LowestSeed) -> str:
    return (
        f"Seed {cell.seed}; all {len(cell.statistics)} test images. images: how many show the class; not found in: in "
        "how many of them no pixel of it was found; taken for: the class that most of its other pixels got, and their "
        "share of its pixels. Worst: lowest IoU of the class in the image, of equals the image with more of it. "
        "#17: number 17, from 0, in the order of the test split."
    )


def _method_note(cells: Mapping[str, LowestSeed]) -> str:
    images = max(len(cell.statistics) for cell in cells.values())
    return (
        f"Each method's lowest seed; all {images} test images. Scores are of single images, over the classes that each "
        "shows: their median is not the score of the test set. Cascades have re-estimated BN statistics where they "
        "have BN. #17: number 17, from 0, in the order of the test split."
    )


def _picture_note(cell: LowestSeed) -> str:
    stored = len(_stored(cell)[0])
    return (
        f"The {min(SHOWN, stored)} worst of the {stored} test images that cells store pictures of, the first of all "
        f"{len(cell.statistics)}; the tables name the worst of all. Seed {cell.seed}. failed: the class with the "
        "lowest IoU in the image, of equals the one with more pixels."
    )


def _stored(cell: LowestSeed) -> list[np.ndarray]:
    """Pictures of inputs, translation and truth, uint8 ``(N, H, W, 3)``; or empty."""
    names = [f"truth/{name}" for name in cell.row["inputs"].split("+")]
    with contextlib.suppress(*UNREADABLE), arrays_in(cell.folder, "samples/samples.npz") as arrays:
        columns = [arrays[name] for name in (*names, f"picture/{cell.number}", f"truth/{cell.row['output']}")]
        if all(column.ndim == 4 and len(column) == len(columns[0]) for column in columns):
            return columns
    return [np.empty((0, 1, 1, 3), np.uint8)]


def _draw(cell: LowestSeed, main: Main, ids: Sequence[str]) -> Canvas | None:
    """A column per image, worst first; a row per input, the translation, the truth; classes' colours below."""
    columns = _stored(cell)
    count = min(len(columns[0]), len(cell.statistics))
    own = cell.scores[main.score.key][:count]
    worst = [int(image) for image in np.argsort(own, kind="stable") if not np.isnan(own[image])][:SHOWN]
    if not worst:
        return None
    labels = [*cell.row["inputs"].split("+"), cell.title, f"true {main.output}"]
    colours = _palette(cell) if cell.classes else {}
    below = 0.1 + 0.22 * -(-len(colours) // 5)
    width, height = 2.0 * len(worst) + 0.3, 2.0 * len(columns) + 0.6 + below
    canvas = Canvas(figsize=(width, height))
    axes = canvas.subplots(len(columns), len(worst), squeeze=False)
    for x, image in enumerate(worst):
        for y, pictures in enumerate(columns):
            axes[y][x].imshow(pictures[image], interpolation="nearest")
            axes[y][x].set(xticks=[], yticks=[])
        axes[0][x].set_title(_headline(cell, main, ids, image, own[image]), fontsize=8)
    for y, text in enumerate(labels):
        axes[y][0].set_ylabel("\n".join(textwrap.wrap(text, 26)), fontsize=8)
    if colours:
        patches = [Patch(facecolor=colour, edgecolor="black", linewidth=0.5, label=n) for n, colour in colours.items()]
        canvas.legend(handles=patches, loc="lower center", ncols=5, fontsize=8, frameon=False)
    canvas.subplots_adjust(
        left=0.27 / width, right=0.995, bottom=below / height, top=1 - 0.5 / height, wspace=0.04, hspace=0.04
    )
    return canvas


def _headline(cell: LowestSeed, main: Main, ids: Sequence[str], image: int, score: float) -> str:
    lines = [f"{_name(ids, image)}: {main.score.header} {score:{main.score.spec}}"]
    if cell.classes:
        iou, size = cell.iou[image], cell.confusion[image].sum(axis=1)
        failed = int(np.lexsort((-size, iou))[0])  # nan comes last
        lines.append(f"failed: {cell.classes[failed]} (IoU {iou[failed]:.0f}, {size[failed]} pixels)")
    return "\n".join(lines)


def _palette(cell: LowestSeed) -> dict[str, Colour]:
    """Class -> colour, read off the stored translations; a class that none of them holds is left out."""
    found: dict[int, Colour] = {}
    with contextlib.suppress(*UNREADABLE), arrays_in(cell.folder, "samples/samples.npz") as arrays:
        for number, row in enumerate(cell.result["rows"]):
            if row["output"] == cell.row["output"] and str(number) in arrays:
                ids, first = np.unique(arrays[str(number)], return_index=True)
                colours = arrays[f"picture/{number}"].reshape(-1, 3)[first] / 255.0
                found |= {int(i): (float(r), float(g), float(b)) for i, (r, g, b) in zip(ids, colours, strict=True)}
    return {cell.classes[i - 1]: found[i] for i in sorted(found) if 0 < i <= len(cell.classes)}
