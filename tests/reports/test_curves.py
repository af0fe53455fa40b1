"""Curves over training from logs: means over seeds, stages in a row with the parent's, and damaged lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from mmbench.reports import curves
from mmbench.reports.published import load

from mmbench.reporting import COLUMNS, Figure, Results


def write(runs: Path, method: str, seed: int, entries: list[Any], **asked: str) -> None:
    folder = runs / "rooms" / "laptop" / method / f"seed-{seed}"
    folder.mkdir(parents=True)
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    (folder / "log.jsonl").write_text("\n".join(lines))
    (folder / "cell.json").write_text(json.dumps(asked))


def entry(stage: str, step: int, loss: float, **rest: float) -> dict[str, Any]:
    return {
        "stage": stage,
        "total_step": step,
        "losses": {"rgb": loss},
        **{k.replace("_in_", "/"): v for k, v in rest.items()},
    }


def aligned(stage: str, step: int, factor: float) -> dict[str, Any]:
    return entry(stage, step, 1.0, alignment_in_a=factor, latent_std_in_rgb=0.5)


def build(runs: Path, *cells: tuple[str, int]) -> dict[str, Figure]:
    rows = [{"dataset": "rooms", "profile": "laptop", "method": m, "title": m.upper(), "seed": s} for m, s in cells]
    results = Results(pd.DataFrame(rows, columns=list(COLUMNS)), runs=runs)
    return {figure.name: figure for figure in curves.build(results, load())}


def points(axis: Any, number: int = 0) -> list[tuple[float, Any]]:
    return [(float(x), pytest.approx(float(y))) for x, y in zip(*axis.lines[number].get_data(), strict=True)]


def test_mean_over_seeds_with_a_band_of_one_standard_deviation(tmp_path: Path) -> None:
    for seed, shift in ((0, 0.0), (1, 0.2)):
        steps = [aligned("translate", 10, 0.1 + shift), aligned("align", 20, 0.7), aligned("re-estimate", 30, 0.7)]
        write(tmp_path, "m", seed, steps)
    figures = build(tmp_path, ("m", 0), ("m", 1))
    assert list(figures) == ["curves-alignment-rooms-laptop", "curves-losses-rooms-laptop"]
    above, below = figures["curves-alignment-rooms-laptop"].figure.axes
    assert points(above) == [(10, 0.2), (20, 0.7), (30, 0.7)]
    (band,) = [item for item in above.collections if isinstance(item, PolyCollection)]
    at_first = [y for x, y in np.asarray(band.get_paths()[0].vertices) if x == 10]
    spread = np.std([0.1, 0.3], ddof=1)
    assert (min(at_first), max(at_first)) == (pytest.approx(0.2 - spread), pytest.approx(0.2 + spread))
    borders = [np.asarray(line.get_xdata())[0] for line in above.lines if line.get_linestyle() == "--"]
    assert borders == [10, 20]
    assert above.get_title() == "M, 2 seeds\n1 translate, 2 align, 3 re-estimate"
    assert points(below) == [(10, 0.5), (20, 0.5), (30, 0.5)]


def test_a_child_goes_on_where_its_parent_ended(tmp_path: Path) -> None:
    """As the papers' three stages; the parent's re-estimated statistics are not what the child starts from."""
    write(tmp_path, "m", 0, [aligned("align", 20, 0.7), aligned("re-estimate", 30, 0.75)], key="k")
    write(tmp_path, "pp", 0, [aligned("pseudo-pairs", 10, 0.8)], key="l", parent="k")
    write(tmp_path, "orphan", 0, [aligned("pseudo-pairs", 10, 0.8)], parent="gone")
    canvas = build(tmp_path, ("m", 0), ("pp", 0), ("orphan", 0))["curves-alignment-rooms-laptop"].figure
    parent, orphan, child = canvas.axes[:3]
    assert points(parent) == [(20, 0.7), (30, 0.75)]
    assert points(child) == [(20, 0.7), (30, 0.8)]
    assert points(orphan) == [(10, 0.8)]


def test_damaged_logs_lose_what_cannot_be_read_only(tmp_path: Path) -> None:
    lines: list[Any] = [
        entry("train", 10, 2.0), {"stage": "train", "total_step": 20, "losses": {"rgb": "x", "gan": float("nan")}},
        {"stage": "train", "total_step": 30, "losses": None}, "[1]", '{"total_step": "?", "stage": 1}', "\udcff",
        entry("train", 40, 1.0), '{"stage": "train", "total_st',
    ]  # fmt: skip
    lines[5] = "\x00"
    write(tmp_path, "m", 0, lines)
    write(tmp_path, "empty", 0, [])
    (tmp_path / "rooms" / "laptop" / "m" / "seed-0" / "cell.json").write_text("{")
    figures = build(tmp_path, ("m", 0), ("empty", 0), ("absent", 7))
    assert list(figures) == ["curves-losses-rooms-laptop"], "none of them logs alignment"
    (axis,) = figures["curves-losses-rooms-laptop"].figure.axes
    assert points(axis) == [(10, 2.0), (40, 1.0)]
    assert build(tmp_path) == {}


def test_a_legend_stands_where_the_curves_are_others_than_to_the_left(tmp_path: Path) -> None:
    for number, names in enumerate((["rgb", "gan"], ["rgb", "gan"], ["gan", "rgb"], ["gan"], ["gan"])):
        logged = [{"stage": "train", "total_step": 10, "losses": dict.fromkeys(names, 1.0)}]
        write(tmp_path, f"m{number}", 0, logged)
    figure = build(tmp_path, *((f"m{number}", 0) for number in range(5)))["curves-losses-rooms-laptop"]
    legends = [axis.get_legend() is not None for axis in figure.figure.axes[:5]]
    assert legends == [True, False, True, True, True], "the fifth begins a row"
    assert "legend" in figure.note


def test_negative_losses_and_many_curves_can_be_drawn(tmp_path: Path) -> None:
    pairs = {f"alignment/{number}": number / 20 for number in range(20)}
    losses = {f"loss-{number}": number - 3.0 for number in range(12)}
    write(tmp_path, "m", 0, [{"stage": "s", "total_step": step, "losses": losses, **pairs} for step in (1, 2)])
    figures = build(tmp_path, ("m", 0))
    (axis,) = figures["curves-losses-rooms-laptop"].figure.axes
    assert len(axis.lines) == 12
    assert axis.get_yscale() == "symlog"
    above = figures["curves-alignment-rooms-laptop"].figure.axes[0]
    assert points(above) == [(1, np.mean(list(pairs.values()))), (2, np.mean(list(pairs.values())))]
    assert len(above.lines) == 1
    assert all(figure.png(dpi=30) and figure.svg() for figure in figures.values())


def test_many_methods_fill_several_figures(tmp_path: Path) -> None:
    methods = [f"m{number:02}" for number in range(curves.METHODS + 1)]
    for method in methods:
        write(tmp_path, method, 0, [entry("train", 10, 2.0), entry("train", 20, 1.0)])
    figures = build(tmp_path, *((method, 0) for method in methods))
    assert list(figures) == ["curves-losses-rooms-laptop", "curves-losses-2-rooms-laptop"]
