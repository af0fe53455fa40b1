"""Training over time: alignment factors and latents' spread with stage borders (thesis figure 4.11), and losses."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator, MaxNLocator

from mmbench.reporting import Figure, Results

from .cell_files import asked, entries
from .clean import cells

NAME = "curves"
TITLE = "Training: alignment and spread of the latents (figure 4.11), losses"

SEEDS = 10  # of a method: more would not change the picture, but reading their logs takes time
COLOURS = 10  # of matplotlib's cycle; more losses are dashed, more pairs of modalities drawn as their mean and range
METHODS = 12  # axes of a figure of losses
COLUMNS = 4
TICKS = 4  # of an axis of steps: drawing ticks and their labels takes most of a figure's time
TITLE_WIDTH = 44  # letters above an axis
TITLE_LINE = 0.125  # inches
GAPS = {"wspace": 0.25, "hspace": 0.08}  # fixed: a layout engine takes longer than all the drawing
RE_ESTIMATION = "re-estimate"  # a stage without training, which a child of the cell does not go on from
ALIGNMENT, SPREAD, LOSSES = "alignment/", "latent_std/", "losses/"


@dataclass
class Curves:
    """A method's logs: stage -> last step, in order; and curve -> step -> a value per seed.

    Steps count from the start of the cell that the method starts from, where it starts from one.
    """

    title: str
    stages: dict[str, int] = field(default_factory=dict)
    values: dict[str, dict[int, list[float]]] = field(default_factory=dict)

    def of(self, prefix: str) -> list[str]:
        """Names of the curves with a prefix."""
        return [name for name in self.values if name.startswith(prefix)]


def build(results: Results, published: pd.DataFrame) -> list[Figure]:
    """Per data set and profile: alignment of the methods that log it, and losses of all that have some."""
    figures = []
    for (dataset, profile), part in cells(results.rows).groupby(["dataset", "profile"], sort=True):
        folder = results.folder(str(dataset), str(profile))
        methods = [_read(folder, str(method), mine) for method, mine in part.groupby("method", sort=True)]
        where = f"{dataset}, profile {profile}"
        if aligned := [curves for curves in methods if curves.of(ALIGNMENT)]:
            for number, some in enumerate(_parts(aligned, COLUMNS)):
                name = f"curves-alignment{_suffix(number)}-{dataset}-{profile}"
                title = f"Alignment over training (figure 4.11): {where}"
                figures.append(Figure(name, title, _alignment(some), _note(some), cropped=False))
        if trained := [curves for curves in methods if curves.of(LOSSES)]:
            for number, some in enumerate(_parts(trained, METHODS)):
                name = f"curves-losses{_suffix(number)}-{dataset}-{profile}"
                figures.append(
                    Figure(name, f"Losses over training: {where}", _losses(some), _note(some), cropped=False)
                )
    return figures


def _suffix(number: int) -> str:
    return f"-{number + 1}" if number else ""


def _note(methods: Sequence[Curves]) -> str:
    return "An axis without a legend has the curves of the one to its left." if len(methods) > 1 else ""


def _parts(methods: Sequence[Curves], size: int) -> list[Sequence[Curves]]:
    return [methods[start : start + size] for start in range(0, len(methods), size)]


def _read(folder: Path, method: str, cells: pd.DataFrame) -> Curves:
    """The logs of a method's first seeds, behind those of the cells that they start from."""
    title = str(cells["title"].iloc[0] or method)
    curves = Curves(title)
    for seed in sorted(cells["seed"])[:SEEDS]:
        own = folder / method / f"seed-{seed}"
        base = 0
        if (parent := _parent(folder, own, seed)) is not None:
            base = _add(curves, [e for e in entries(parent) if e["stage"] != RE_ESTIMATION], 0)
        _add(curves, entries(own), base)
    return curves


def _parent(folder: Path, own: Path, seed: int) -> Path | None:
    """The folder of the cell that another starts from, told by its key."""
    key = asked(own).get("parent")
    if not key:
        return None
    here = sorted(folder.glob(f"*/seed-{seed}"))
    return next((path for path in here if asked(path).get("key") == key), None)


def _add(curves: Curves, logged: Sequence[Mapping[str, Any]], base: int) -> int:
    """Put the logged numbers into the curves, ``base`` steps later; returns the last step."""
    last = base
    for entry in logged:
        last = base + entry["total_step"]
        curves.stages[entry["stage"]] = max(last, curves.stages.get(entry["stage"], 0))
        losses = entry.get("losses")
        numbers = {f"{LOSSES}{name}": value for name, value in (losses if isinstance(losses, dict) else {}).items()}
        numbers |= {name: value for name, value in entry.items() if name.startswith((ALIGNMENT, SPREAD))}
        for name, value in numbers.items():
            if isinstance(value, int | float) and math.isfinite(value):
                curves.values.setdefault(name, {}).setdefault(last, []).append(float(value))
    return last


def _alignment(methods: Sequence[Curves]) -> Canvas:
    """A column per method: alignment factors above, the latents' standard deviations below."""
    canvas = Canvas(figsize=(max(6.0, 3.4 * len(methods)), 5.2))
    axes = canvas.subplots(
        2, len(methods), squeeze=False, sharex="col", sharey="row", gridspec_kw=GAPS | {"wspace": 0.08}
    )
    for column, curves in enumerate(methods):
        for axis, prefix in zip(axes[:, column], (ALIGNMENT, SPREAD), strict=True):
            _draw(axis, curves, prefix)
        _name_stages(axes[0][column], curves)
        axes[1][column].set_xlabel("step")
    axes[0][0].set(ylabel="alignment factor", ylim=(None, 1.0))
    axes[1][0].set(ylabel="std of the latent", ylim=(0.0, None))
    _name_curves(axes[0], 7, "center right")
    _name_curves(axes[1], 7)
    _set_margins(canvas)
    return canvas


def _losses(methods: Sequence[Curves]) -> Canvas:
    """An axis per method."""
    columns = min(COLUMNS, len(methods))
    rows = -(-len(methods) // columns)
    canvas = Canvas(figsize=(max(6.0, 3.4 * columns), 2.9 * rows))
    grid = canvas.subplots(rows, columns, squeeze=False, gridspec_kw=GAPS | {"hspace": 0.5})
    axes = grid.ravel()
    for axis, curves in zip(axes, methods, strict=False):
        _draw(axis, curves, LOSSES)
        # Losses of one method lie orders of magnitude apart; those of a critic may be negative.
        least = min(value for name in curves.of(LOSSES) for values in curves.values[name].values() for value in values)
        axis.set_yscale("log" if least > 0 else "symlog")
        if least > 0:
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
            axis.yaxis.set_major_formatter("{x:g}")
        axis.minorticks_off()
        _name_stages(axis, curves)
    for axis in axes[max(0, len(methods) - columns) : len(methods)]:
        axis.set_xlabel("step")
    for axis in axes[len(methods) :]:
        axis.set_axis_off()
    for row in grid:
        _name_curves(row, 6)
    _set_margins(canvas)
    return canvas


def _set_margins(canvas: Canvas) -> None:
    """Room for the labels and for as many lines as the longest title has."""
    width, height = canvas.get_size_inches()
    for side in (side for axis in canvas.axes for side in (axis.xaxis, axis.yaxis) if not side.get_label_text()):
        side.set_label_coords(0, 0)  # else matplotlib seeks the place of what is not there, a tenth of its drawing
    lines = max(axis.get_title().count("\n") + 1 for axis in canvas.axes)
    top = 0.12 + TITLE_LINE * lines
    canvas.subplots_adjust(left=0.7 / width, right=1 - 0.3 / width, bottom=0.5 / height, top=1 - top / height)


def _draw(axis: Any, curves: Curves, prefix: str) -> None:
    """The mean over seeds of each curve and, where there are several seeds, one standard deviation to either side."""
    names = curves.of(prefix)
    if len(names) > COLOURS and prefix != LOSSES:
        _draw_range(axis, curves, names)
    else:
        for number, name in enumerate(names):
            steps = sorted(curves.values[name])
            mean, std = _mean_and_std([curves.values[name][step] for step in steps])
            (line,) = axis.plot(
                steps, mean, "-" if number < COLOURS else "--", linewidth=1.2, label=name.removeprefix(prefix)
            )
            if std.any():
                axis.fill_between(steps, mean - std, mean + std, color=line.get_color(), alpha=0.25, linewidth=0)
    axis.xaxis.set_major_locator(MaxNLocator(TICKS, integer=True))
    for border in list(curves.stages.values())[:-1]:
        axis.axvline(border, color="grey", linestyle="--", linewidth=0.8)


def _mean_and_std(values: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Of each group of numbers, with ddof = 1; the standard deviation of a single number is 0."""
    counts = np.array([len(group) for group in values])
    numbers, starts = np.concatenate(values), np.cumsum(counts) - counts
    mean = np.add.reduceat(numbers, starts) / counts
    squares = np.add.reduceat((numbers - np.repeat(mean, counts)) ** 2, starts)
    return mean, np.sqrt(squares / np.maximum(counts - 1, 1))


def _draw_range(axis: Any, curves: Curves, names: Sequence[str]) -> None:
    """Mean and range of many curves, each its mean over seeds."""
    means = pd.DataFrame({name: {step: np.mean(v) for step, v in curves.values[name].items()} for name in names})
    means = means.sort_index()
    (line,) = axis.plot(means.index, means.mean(axis=1), linewidth=1.2, label=f"mean of {len(names)}, and their range")
    axis.fill_between(
        means.index, means.min(axis=1), means.max(axis=1), color=line.get_color(), alpha=0.25, linewidth=0
    )


def _name_curves(row: Sequence[Any], size: int, place: str = "best") -> None:
    """A legend on each axis of a row with other curves than the one to its left: legends hide what they stand on."""
    left: list[tuple[str, str]] = []
    for axis in row:
        handles, names = axis.get_legend_handles_labels()
        here = [(name, handle.get_color()) for name, handle in zip(names, handles, strict=True)]
        if here and here != left:
            axis.legend(fontsize=size, loc=place, framealpha=0.6)
        left = here


def _name_stages(axis: Any, curves: Curves) -> None:
    """The method and, below, the numbers and names of its stages."""
    names = ", ".join(f"{number} {name}" for number, name in enumerate(curves.stages, start=1))
    seeds = max((len(values) for name in curves.values for values in curves.values[name].values()), default=0)
    title = f"{curves.title}, {seeds} seed{'s' * (seeds != 1)}"
    lines = [line for text in (title, names) for line in textwrap.wrap(text, TITLE_WIDTH, break_on_hyphens=False)]
    # Without y, every drawing looks for what may stand above the axis, which takes an eighth of its time.
    axis.set_title("\n".join(lines), fontsize=7, y=1.0)
