"""Multi-modal translation against the second input's weight, with either input's indices (CVPR 2018, figure 7)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure as Canvas

from mmbench.modality import main_score
from mmbench.reporting import SWEEP, Figure, Results

from .clean import numbers

NAME = "alpha"
TITLE = "Multi-modal translation against alpha (CVPR 2018, figure 7)"

STYLES = ("-", "--", ":", "-.")


def build(results: Results, published: pd.DataFrame) -> list[Figure]:
    """One figure per data set and profile: an axis per translation, a line per method and source of indices."""
    rows = results.rows[results.rows["selection"] == SWEEP]
    rows = rows.assign(value=numbers(rows["value"]))
    figures = []
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        grouped = part.groupby(["inputs", "output", "output_kind"], sort=True)
        translations = [(key, mine, score) for key, mine in grouped if (score := main_score(str(key[2])))]
        if not translations:
            continue
        canvas = Canvas(figsize=(4.6 * len(translations), 3.6), layout="constrained")
        axes = canvas.subplots(1, len(translations), squeeze=False)[0]
        for axis, ((inputs, output, _), mine, score) in zip(axes, translations, strict=True):
            _draw(axis, mine[mine["metric"] == score.key], str(inputs).split("+"))
            axis.set(title=f"{str(inputs).replace('+', ', ')} → {output}", ylabel=score.axis)
            axis.set_xlabel(f"alpha, the weight of {str(inputs).split('+')[-1]}")
        axes[-1].legend(fontsize=7, loc="best")
        name = f"alpha-{dataset}-{profile}"
        figures.append(Figure(name, f"Alpha: {dataset}, profile {profile}", canvas))
    return figures


def _draw(axis: object, rows: pd.DataFrame, inputs: list[str]) -> None:
    """Lines with the mean over seeds."""
    alphas = numbers(rows["weights"].astype(str).str.split(",").str[-1])
    for number, ((title, method), mine) in enumerate(rows.groupby(["title", "method"], sort=True)):
        for side, marker in zip(inputs, "os", strict=True):
            line = mine[mine["side_from"] == side].groupby(alphas)["value"].mean()
            axis.plot(  # type: ignore[attr-defined]
                line.index, line, STYLES[number % len(STYLES)], marker=marker, markersize=4,
                label=f"{title or method}, indices of {side}",
            )  # fmt: skip
