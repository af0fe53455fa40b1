"""The matrix of figure 4.5: a test image of each domain, translated to every other; seen and unseen pairs framed."""

from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from mmbench.reporting import Figure, Results

from .cell_files import UNREADABLE, arrays_in, asked
from .clean import titled

NAME = "matrix"
TITLE = "Every domain to every other (figure 4.5): inputs red, seen translations blue, unseen without a frame"

SIDE = 0.72  # inches of a picture
FRAMES = {"input": "tab:red", "seen": "tab:blue"}


def build(results: Results, published: pd.DataFrame) -> list[Figure]:
    """One figure per method with domains, from its lowest seed."""
    rows = results.rows
    rows = rows[(rows["output_kind"] == "domain") & (rows["group"] != "ceiling")]
    cells = titled(rows.sort_values("seed").drop_duplicates(["dataset", "profile", "method"]))
    figures = []
    for dataset, profile, method, seed, title in cells[
        ["dataset", "profile", "method", "seed", "title"]
    ].itertuples(index=False):  # fmt: skip
        folder = results.folder(dataset, profile, method, seed)
        # One cell's damaged samples leave out that cell's figure only.
        with contextlib.suppress(*UNREADABLE):
            task = asked(folder)["task"]
            seen = {(translation["inputs"][0], translation["output"]) for translation in task["seen"]}
            with arrays_in(folder, "samples/matrix.npz") as arrays:
                canvas = _draw(arrays["matrix"], [str(name) for name in arrays["domains"]], seen)
            name = f"matrix-{dataset}-{profile}-{method}"
            figures.append(Figure(name, f"{title}, every domain to every other: {dataset}, profile {profile}", canvas))
    return figures


def _draw(matrix: np.ndarray, domains: list[str], seen: set[tuple[str, str]]) -> Canvas:
    count = len(domains)
    canvas = Canvas(figsize=(SIDE * count + 0.7, SIDE * count + 0.35))
    axes = canvas.subplots(count, count, squeeze=False)
    for y, source in enumerate(domains):
        for x, target in enumerate(domains):
            here = axes[y][x]
            here.imshow(matrix[y, x], interpolation="nearest")
            here.set_xticks([])
            here.set_yticks([])
            kind = "input" if x == y else "seen" if (source, target) in seen else ""
            for spine in here.spines.values():
                spine.set_visible(bool(kind))
                spine.set_color(FRAMES.get(kind, "none"))
                spine.set_linewidth(2.0)
        axes[y][0].set_ylabel(source, fontsize=7)
        axes[0][y].set_title(source, fontsize=7)
    canvas.subplots_adjust(left=0.07, right=0.995, bottom=0.005, top=0.96, wspace=0.06, hspace=0.06)
    return canvas
