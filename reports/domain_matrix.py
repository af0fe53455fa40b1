"""The matrix of figure 4.5: a test image of each domain, translated to every other; seen and unseen pairs framed.

Above the first method's on the page stand the translations of all methods one by one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from mmbench.reporting import Example, Figure, Gallery, Panel, Results

from .cell_files import UNREADABLE, arrays_in, asked
from .clean import cells, lowest_seeds
from .gallery import compact

NAME = "matrix"
TITLE = "Every domain to every other (figure 4.5): inputs red, seen translations blue, unseen without a frame"

SIDE = 0.72  # inches of a picture
FRAMES = {"input": "tab:red", "seen": "tab:blue"}


def build(results: Results, published: pd.DataFrame) -> list[Figure]:
    """One figure per method with domains, from its lowest seed."""
    rows = results.rows
    rows = rows[(rows["output_kind"] == "domain") & (rows["group"] != "ceiling")]
    figures = []
    translated = rows.groupby(["dataset", "profile", "method", "seed"])
    for (dataset, profile), part in cells(rows).groupby(["dataset", "profile"], sort=False):
        drawn: list[tuple[str, str, Canvas]] = []
        examples: list[Example] = []
        lowest = lowest_seeds(part)[["method", "seed", "title", "place"]]
        for method, seed, title, place in lowest.itertuples(index=False):
            folder = results.folder(str(dataset), str(profile), method, seed)
            # One cell's damaged samples leave out that cell's pictures only.
            with contextlib.suppress(*UNREADABLE):
                task = asked(folder)["task"]
                seen = {(translation["inputs"][0], translation["output"]) for translation in task["seen"]}
                with arrays_in(folder, "samples/matrix.npz") as arrays:
                    matrix, domains = arrays["matrix"], [str(name) for name in arrays["domains"]]
                if place == 0:
                    drawn.append((method, title, _draw(matrix, domains, seen)))
                own = translated.get_group((dataset, profile, method, seed))
                pairs = zip(own["inputs"], own["output"], strict=True)
                kinds = {pair: "seen" if pair in seen else "unseen" for pair in pairs}
                examples += _examples(matrix, domains, kinds, title, seed, place)
        for number, (method, title, canvas) in enumerate(drawn):
            name = f"matrix-{dataset}-{profile}-{method}"
            text = f"{title}, every domain to every other: {dataset}, profile {profile}"
            figures.append(Figure(name, text, canvas, gallery=Gallery(examples) if number == 0 else None))
    return figures


def _examples(
    matrix: np.ndarray, domains: list[str], kinds: Mapping[tuple[str, str], str], title: str, seed: int, place: int
) -> Iterator[Example]:
    """A cell's translations one by one: the input and what became of it."""
    for y, source in enumerate(domains):
        given = Panel(f"{source}, input", compact(matrix[y, y]), "")
        for x, target in enumerate(domains):
            if kind := kinds.get((source, target)):
                choices = {"input": source, "to": target, "method": title, "seed": f"{seed}"}
                made = Panel(f"{target} by {title} ({kind} pair)", compact(matrix[y, x]), "")
                yield Example(choices, [given, made], rank=place)


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
