"""Qualitative grids (figures 4.9, 4.12, 4.13): the same test images, translated by every method, beside the truth."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from mmbench.modality import Colour, Modality, modality_of
from mmbench.reporting import Example, Figure, Gallery, Results

from .cell_files import UNREADABLE, arrays_in, result_of
from .clean import cells, lowest_seeds
from .gallery import examples, meaning, path_of

NAME = "pictures"
TITLE = "Pictures: inputs, each method's translation, truth"

IMAGES = 5
COLUMNS = 10  # pictures side by side, beyond which they would be too small to tell apart on a page
GAP = 0.04  # between pictures, of their height
GROUPS = ("baselines", "zero-pair", "oracle")
CHOSEN = ("zero-pair", "baselines", "oracle")  # in which order they are offered one by one: the page is about the first
SAMPLES = "samples/samples.npz"
SWATCH = 0.9  # inches that a colour and its name take in the legend
LINE = 0.16  # inches of a line of the legend


@dataclass
class Columns:
    """Pictures of one output by group and caption, what their colours mean, and the same one by one by group."""

    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    swatches: dict[str, Colour] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=lambda: {group: [] for group in CHOSEN})
    meanings: dict[str, Mapping[str, str]] = field(default_factory=dict)


def build(results: Results, published: pd.DataFrame) -> list[Figure]:
    """One figure per data set, profile and output modality, from each method's lowest seed.

    Above it on the page stand the pictures of the lowest seeds one by one.
    """
    figures = []
    ids: dict[str, Sequence[str]] = {}
    for (dataset, profile), part in cells(results.rows).groupby(["dataset", "profile"], sort=False):
        columns: dict[str, Columns] = {}
        lowest = lowest_seeds(part)[["method", "seed", "title", "place"]]
        for method, seed, title, place in lowest.itertuples(index=False):
            folder = results.folder(str(dataset), str(profile), method, seed)
            # One cell's damaged samples leave out that cell's pictures only.
            with contextlib.suppress(*UNREADABLE):
                if (folder / SAMPLES).exists():
                    result = result_of(folder)
                    _add(columns, folder, result, title, seed, place, _ids(results, result, ids))
        for output, mine in columns.items():
            name = f"pictures-{dataset}-{profile}-to-{output}"
            text = f"Pictures to {output}: {dataset}, profile {profile}"
            gallery = Gallery([example for some in mine.examples.values() for example in some], mine.meanings)
            figures.append(Figure(name, text, _draw(mine), gallery=gallery))
    return figures


def _ids(results: Results, result: Mapping[str, Any], known: dict[str, Sequence[str]]) -> Sequence[str]:
    """Of a cell's test images; looked up once for each list of them."""
    split = str((result.get("split_hashes") or {}).get("test"))
    if split not in known:
        known[split] = results.test_ids(result)
    return known[split]


def _add(
    columns: dict[str, Columns], folder: Path, result: Mapping[str, Any], title: str, seed: int, place: int,
    ids: Sequence[str],
) -> None:  # fmt: skip
    """Put a cell's pictures one by one into each output's and, of the lowest seed, into its columns.

    Columns are ordered by the tables' groups.
    """
    rows = result["rows"]
    modalities = _modalities(result)
    treated_fairly = {(row["output"], row["via"]) for row in rows if row["bn"] != "trained"}
    with arrays_in(folder, SAMPLES) as arrays:
        for number, row in enumerate(rows):
            if row["group"] not in GROUPS or (row["via"] and result["parent"]):
                continue  # a child's cascades look like its parent's
            if row["bn"] == "trained" and (row["output"], row["via"]) in treated_fairly:
                continue
            whole = columns.setdefault(row["output"], Columns())
            names = row["inputs"].split("+")
            shown = [modalities[name] for name in [*names, row["output"]] if name in modalities]
            treated = ", BN re-estimated" if row["bn"] != "trained" else ""
            whole.examples[row["group"]] += examples(arrays, number, row, f"{title}{treated}", seed, place, ids)
            whole.meanings |= {m.name: meaning(m) for m in shown if m.name not in whole.meanings}
            if place > 0:
                continue
            here = whole.pictures
            for modality in shown:
                whole.swatches |= dict(modality.swatches)
            for name in names:
                here.setdefault(f"0 input|{name}", arrays[f"truth/{name}"])
            here.setdefault("9 truth|truth", arrays[f"truth/{row['output']}"])
            key = f"{1 + GROUPS.index(row['group'])} {row['group']}|{title}{treated}\n{path_of(row)}"
            here[key] = arrays[f"picture/{number}"]


def _modalities(result: Mapping[str, Any]) -> dict[str, Modality]:
    """Those of a cell by name; none where the result is older than its ``task``."""
    with contextlib.suppress(*UNREADABLE):
        return {values["name"]: modality_of(values) for values in result["task"]["modalities"]}
    return {}


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
