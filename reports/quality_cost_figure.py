"""Quality against cost: the main unseen translation's score over parameters, operations and training time."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Affine2D

from mmbench.reporting import Figure, Results

from .cell_files import asked
from .clean import numbers, titled
from .cost_table import COLUMNS
from .main_translation import METRICS, Main, in_percent, main_translation
from .rows import GROUPS

NAME = "quality-cost"
TITLE = "Quality against cost: parameters, operations, training time"

PANELS = {metric: COLUMNS[metric][:2] for metric in ("parameters", "flops", "train_seconds")}
STYLES = {"baselines": ("tab:orange", "s"), "zero-pair": ("tab:blue", "o"), "oracle": ("tab:green", "^")}
OTHER = ("tab:gray", "D")
CHANCE = "chance"
NARROW = 4  # a range below which an axis has round numbers instead of 1, 2, 5
NOTE = (
    "Means over seeds; bars: standard deviation. Training of a method that starts from another's cell has that one's "
    "time in it. Operations are of the method's first row. Chance levels are hardly trained, and stand as a line."
)
WIDE, HIGH = 12.0, 9.0  # points between centres, sideways or upwards, from which numbers and markers do not overlap
RADII = (9.5, 14.0, 19.0, 25.0, 32.0)  # of a number from its point, nearest first
TURNS = (0, 8, 4, 12, 2, 6, 10, 14, 1, 3, 5, 7, 9, 11, 13, 15)  # sixteenths of a circle


def build(results: Results, published: pd.DataFrame) -> list[Figure]:
    """One figure per data set and profile with at least two methods."""
    figures = []
    looked_at = titled(results.rows[results.rows["metric"].isin({*METRICS, *PANELS})])
    looked_at = looked_at.assign(value=numbers(looked_at["value"]))
    for (dataset, profile), part in looked_at.groupby(["dataset", "profile"], sort=True):
        main = main_translation(part, judged=True)
        points = _points(part, main, results.folder(str(dataset), str(profile))) if main else pd.DataFrame()
        if main and len(points) > 1:
            title = f"Quality against cost, {main.arrow}: {dataset}, profile {profile}"
            figures.append(Figure(f"{NAME}-{dataset}-{profile}", title, _draw(points, main), NOTE))
    return figures


def _points(part: pd.DataFrame, main: Main, folder: Path) -> pd.DataFrame:
    """A row per method, best first: title, group, mean and std of the score, and its costs; nan without one."""
    scale, _ = in_percent(main.score)
    by_method = main.rows.groupby("method", sort=True)
    points = pd.DataFrame(
        {
            "title": by_method["title"].first(),
            "group": by_method["group"].first(),
            "score": scale * by_method["value"].mean(),
            "std": scale * by_method["value"].std(ddof=1),
        }
    )
    costs = part[part["metric"].isin(PANELS) & part["method"].isin(points.index)]
    means = costs.groupby(["method", "metric"])["value"].mean().unstack("metric")
    points = points.join(means.reindex(columns=list(PANELS)))
    seeds = main.rows.groupby("method")["seed"].min()
    points["train_seconds"] = _with_parents(points["train_seconds"], folder, seeds)
    return points.sort_values("score", ascending=False, kind="stable")


def _with_parents(own_seconds: pd.Series, folder: Path, seeds: pd.Series) -> pd.Series:
    """Training times with those of the methods whose cells each starts from; nan where such a method is not there."""
    seconds = {str(method): float(own) for method, own in own_seconds.items()}
    cells = {str(method): asked(folder / str(method) / f"seed-{seed}") for method, seed in seeds.items()}
    by_key = {cell.get("key"): method for method, cell in cells.items() if cell.get("key")}
    totals = {}
    for method, own in seconds.items():
        total, here, passed = own, method, {method}
        while parent := cells.get(here, {}).get("parent"):
            here = by_key.get(parent, "")
            total += seconds.get(here, float("nan"))
            if here in passed or not here:
                break
            passed.add(here)
        totals[method] = total
    return pd.Series(totals, dtype=float)


def _draw(points: pd.DataFrame, main: Main) -> Canvas:
    """Three panels and, beside them, which number is which method."""
    chance = points[points["group"] == CHANCE]
    points = points[points["group"] != CHANCE]
    names = [
        f"{number:\N{FIGURE SPACE}>2}  {_short(title or str(method))}"
        for number, (method, title) in enumerate(points["title"].items(), start=1)
    ]
    width, height = 13.0, max(3.6, 0.17 * sum(name.count("\n") + 1 for name in names) + 0.9)
    canvas = Canvas(figsize=(width, height))
    axes = canvas.subplots(1, len(PANELS), sharey=True)
    # Fixed, not by a layout engine: where numbers overlap is decided on the final positions.
    canvas.subplots_adjust(left=0.05, right=0.765, bottom=0.55 / height, top=1 - 0.2 / height, wspace=0.07)
    for axis, (metric, (label, unit)) in zip(axes, PANELS.items(), strict=True):
        _panel(canvas, axis, points, points[metric] / unit)
        axis.set_xlabel(label)
        if len(chance):
            axis.axhline(chance["score"].iloc[0], color="grey", linestyle=":", linewidth=1, zorder=0)
    axes[0].set_ylabel(f"{in_percent(main.score)[1]}, {main.arrow}")
    groups = [group for group in GROUPS if group in set(points["group"])]
    marks = [_mark(group) for group in groups]
    if len(chance):
        marks.append(Line2D([], [], color="grey", linestyle=":", linewidth=1, label=chance["title"].iloc[0]))
    axes[-1].legend(handles=marks, loc="upper left", bbox_to_anchor=(1.01, 1.03), fontsize=8, ncols=2, frameon=False,
                    columnspacing=1.0, handletextpad=0.5, handlelength=1.2)  # fmt: skip
    canvas.text(0.775, 1 - 0.8 / height, "\n".join(names), fontsize=8, va="top", linespacing=1.35)
    return canvas


def _mark(group: str) -> Line2D:
    colour, marker = STYLES.get(group, OTHER)
    return Line2D([], [], linestyle="", color=colour, marker=marker, label=group)


def _short(title: str) -> str:
    return "\n     ".join(textwrap.wrap(title, 46))


def _panel(canvas: Canvas, axis: Axes, points: pd.DataFrame, costs: pd.Series) -> None:
    """A numbered marker per method that has the cost, and a bar of its standard deviation over seeds."""
    axis.set_xscale("log")
    shown = (costs > 0) & points["score"].notna()
    for group, part in points[shown].groupby("group", sort=False, dropna=False):
        colour, marker = STYLES.get(str(group), OTHER)
        axis.errorbar(costs[part.index], part["score"], yerr=part["std"], color=colour, marker=marker, markersize=5,
                      linewidth=0.8, linestyle="none")  # fmt: skip
    places = [
        (number, float(costs[method]), float(points["score"][method]))
        for number, method in enumerate(points.index, start=1)
        if shown[method]
    ]
    axis.margins(0.12)
    axis.grid(alpha=0.3)
    costly = [cost for _, cost, _ in places]
    narrow = bool(costly) and max(costly) < NARROW * min(costly)
    axis.xaxis.set_major_locator(MaxNLocator(5) if narrow else LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.autoscale_view()
    _number(canvas, axis, places)


def _number(canvas: Canvas, axis: Axes, places: Sequence[tuple[int, float, float]]) -> None:
    """Each point's number beside it, as near as it fits without covering another number or marker."""
    scale = Affine2D().scale(72 / canvas.dpi)
    to_points = axis.transData + scale
    points, inverse = to_points.transform([place[1:] for place in places] or np.empty((0, 2))), to_points.inverted()
    taken = [tuple(point) for point in points]
    for (number, cost, score), (x, y) in zip(places, points, strict=True):
        offsets = [(radius * math.cos(angle), radius * math.sin(angle))
                   for radius in RADII for angle in (math.pi * turn / 8 for turn in TURNS)]  # fmt: skip
        others = [place for place in taken if place != (x, y)]
        free = (o for o in offsets if all(max(abs(x + o[0] - a) / WIDE, abs(y + o[1] - b) / HIGH) >= 1
                                          for a, b in others))  # fmt: skip
        dx, dy = next(free, offsets[0])
        taken.append((x + dx, y + dy))
        label = (cost, score), (dx, dy)
        axis.annotate(str(number), *label, textcoords="offset points", fontsize=7, ha="center", va="center")
        if math.hypot(dx, dy) > RADII[0]:
            ends = inverse.transform([(x, y), (x + 0.6 * dx, y + 0.6 * dy)])
            axis.plot(*ends.T, color="grey", linewidth=0.4, scalex=False, scaley=False, zorder=0)
