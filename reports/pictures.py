"""Qualitative grids (figures 4.9, 4.12, 4.13): the same test images, translated by every method, beside the truth."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from mmbench.modality import Colour, modality_of
from mmbench.reporting import Figure, Results

from .cell_files import UNREADABLE, arrays_in, result_of
from .clean import cells

NAME = "pictures"
TITLE = "Pictures: inputs, each method's translation, truth"

IMAGES = 5
COLUMNS = 10  # pictures side by side, beyond which they would be too small to tell apart on a page
GAP = 0.04  # between pictures, of their height
GROUPS = ("baselines", "zero-pair", "oracle")
SWATCH = 0.9  # inches that a colour and its name take in the legend
LINE = 0.16  # inches of a line of the legend


@dataclass
class Columns:
    """Pictures of one output by group and caption, and what their colours mean."""

    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    swatches: dict[str, Colour] = field(default_factory=dict)


def build(results: Results, published: pd.DataFrame) -> list[Figure]:
    """One figure per data set, profile and output modality, from each method's lowest seed."""
    figures = []
    for (dataset, profile), part in cells(results.rows).groupby(["dataset", "profile"], sort=False):
        lowest = part.sort_values("seed").drop_duplicates("method")[["method", "seed", "title"]]
        columns: dict[str, Columns] = {}
        for method, seed, title in lowest.itertuples(index=False):
            folder = results.folder(str(dataset), str(profile), method, seed)
            # One cell's damaged samples leave out that cell's pictures only.
            with contextlib.suppress(*UNREADABLE):
                _add(columns, folder, title)
        for output, mine in columns.items():
            name = f"pictures-{dataset}-{profile}-to-{output}"
            figures.append(Figure(name, f"Pictures to {output}: {dataset}, profile {profile}", _draw(mine)))
    return figures


def _add(columns: dict[str, Columns], folder: Path, title: str) -> None:
    """Put a cell's pictures into the columns of each output, ordered by the tables' groups."""
    samples = folder / "samples" / "samples.npz"
    if not samples.exists():
        return
    result = result_of(folder)
    rows = result["rows"]
    treated_fairly = {(row["output"], row["via"]) for row in rows if row["bn"] != "trained"}
    with arrays_in(folder, "samples/samples.npz") as arrays:
        for number, row in enumerate(rows):
            if row["group"] not in GROUPS or (row["via"] and result["parent"]):
                continue  # a child's cascades look like its parent's
            if row["bn"] == "trained" and (row["output"], row["via"]) in treated_fairly:
                continue
            whole = columns.setdefault(row["output"], Columns())
            here = whole.pictures
            names = row["inputs"].split("+")
            whole.swatches |= _swatches(result, [*names, row["output"]])
            for name in names:
                here.setdefault(f"0 input|{name}", arrays[f"truth/{name}"])
            here.setdefault("9 truth|truth", arrays[f"truth/{row['output']}"])
            treated = ", BN re-estimated" if row["bn"] != "trained" else ""
            path = " → ".join(part for part in (row["inputs"], row["via"], row["output"]) if part)
            key = f"{1 + GROUPS.index(row['group'])} {row['group']}|{title}{treated}\n{path}"
            here[key] = arrays[f"picture/{number}"]


def _swatches(result: Mapping[str, Any], names: list[str]) -> dict[str, Colour]:
    """What the colours of modalities' pictures mean; empty where the result is older than its ``task``."""
    found: dict[str, Colour] = {}
    with contextlib.suppress(*UNREADABLE):
        for values in result["task"]["modalities"]:
            if values["name"] in names:
                found |= dict(modality_of(values).swatches)
    return found


def _draw(columns: Columns) -> Canvas:
    """Inputs, methods, truth side by side; many methods in bands, each with inputs and truth of its own.

    What the colours mean stands below.
    """
    ordered = sorted(columns.pictures.items(), key=lambda item: item[0][0])
    count = min(IMAGES, *(len(images) for _, images in ordered))
    methods = [item for item in ordered if not item[0].startswith(("0 ", "9 "))]
    inputs, truth = ([item for item in ordered if item[0].startswith(first)] for first in ("0 ", "9 "))
    room = max(1, COLUMNS - len(inputs) - len(truth))
    bands = max(1, -(-len(methods) // room))
    size = -(-len(methods) // bands)
    height = 1.25 * count + 0.9
    width = 1.35 * (len(inputs) + size + len(truth))
    across = max(1, int(width / SWATCH))
    below = LINE * -(-len(columns.swatches) // across)
    whole = height * bands + below
    canvas = Canvas(figsize=(width, whole))
    for number in range(bands):
        shown = [*inputs, *methods[number * size : (number + 1) * size], *truth]
        bottom = 1 - height * (number + 1 - 0.01) / whole
        top = 1 - (height * number + 0.85) / whole
        grid = canvas.add_gridspec(
            1, len(inputs) + size + len(truth), left=0.005, right=0.995, bottom=bottom, top=top, wspace=0.04
        )
        for x, (name, images) in enumerate(shown):
            axis = canvas.add_subplot(grid[x])
            axis.imshow(_below_each_other(images[:count]), interpolation="nearest")
            axis.set_axis_off()
            axis.set_title(_wrapped(name.split("|", 1)[1]), fontsize=6)
    if columns.swatches:
        patches = [
            Patch(facecolor=f"#{r:02x}{g:02x}{b:02x}", edgecolor="black", linewidth=0.5, label=name)
            for name, (r, g, b) in columns.swatches.items()
        ]
        canvas.legend(handles=patches, loc="lower center", ncols=across, fontsize=6, frameon=False, borderpad=0,
                      handlelength=1.2, columnspacing=1.0, borderaxespad=0.1)  # fmt: skip
    return canvas


def _below_each_other(images: np.ndarray) -> np.ndarray:
    """Images ``(N, H, W, 3)`` as one with white between them: an axis for each would take several times as long."""
    gap = max(1, round(GAP * images.shape[1]))
    padded = np.pad(images, ((0, 0), (0, gap), (0, 0), (0, 0)), constant_values=255)
    return padded.reshape(-1, *images.shape[2:])[:-gap]


def _wrapped(title: str) -> str:
    return "\n".join(line for part in title.split("\n") for line in textwrap.wrap(part, 19))
