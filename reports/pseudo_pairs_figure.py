"""What pseudo-pairs gain over a control of as many steps, against steps of stage 2 and against what the anchor tells.

Cells that start from the same parent with the same seed are compared; the parent says how long stage 2 was, the data
set how much of the classes its colours tell (``--set data.tied_colours``, ``docs/synthetic.md``).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from mmbench.modality import main_score
from mmbench.reporting import Figure, Results, Table

from .cell_files import UNREADABLE
from .clean import complete
from .main_translation import in_percent

NAME = "pseudo-pairs"
TITLE = "Gain of pseudo-pairs over a control of as many steps"

WITH, CONTROL = ("mmnet-pp", "mmnet-pp-input"), "mmnet-control"
PSEUDO = ".pseudo_pairs"  # the end of the settings that a control has not: the kind, and the loss's weight
STAGE = "align"  # the second of the thesis' schedule
STEPS, TIED = "steps of stage 2", "tied colours"
# Of each axis what --set varies along it: cells that differ in anything else are other lines.
VARIED = {STEPS: ("profile.steps", f"stage.{STAGE}.steps"), TIED: ("data.tied_colours",)}
NOTE = (
    "Gain: with pseudo-pairs less the control, which starts from the same cell and trains as long without; mean over "
    "seeds. Tied colours: share of materials in the colour of their class, 0 where the data set has no such setting."
)


def build(results: Results, published: pd.DataFrame) -> list[Table | Figure]:
    """A table of all pairs of cells that there are, and a figure of those that lie on a line of at least two points."""
    gains = pd.DataFrame(_gains(results))
    if gains.empty:
        return []
    keys = ["data set", "profile", "method", "translation", STEPS, TIED, "changes", "score"]
    means = gains.groupby(keys, sort=True)[["control", "pseudo-pairs", "gain"]].mean()
    means["seeds"] = gains.groupby(keys, sort=True)["seed"].nunique()
    frame = means.reset_index()
    formats = dict.fromkeys(("control", "pseudo-pairs", "gain"), ".2f") | {TIED: "g"}
    made: list[Table | Figure] = [Table(NAME, TITLE, frame, NOTE, formats=formats)]
    lines = {axis: found for axis in VARIED if (found := _lines(frame, axis))}
    return [*made, Figure(f"{NAME}-lines", TITLE, _draw(lines), NOTE)] if lines else made


def _gains(results: Results) -> Iterator[dict[str, Any]]:
    """A row per unseen translation of two cells that differ in pseudo-pairs alone, in percent or the score's unit."""
    rows = complete(results.rows)
    plain = rows[(rows["group"] == "zero-pair") & (rows[["via", "weights", "selection", "cls"]] == "").all(axis=1)]
    by_cell = dict(list(plain.groupby(["dataset", "profile", "method", "seed"])))
    parents = {str(cell.get("key")): cell for cell in results.cells}
    controls = {_alike(cell): cell for cell in results.cells if _base(cell) == CONTROL and _parent(cell)}
    for cell in results.cells:
        control, parent = controls.get(_alike(cell)), parents.get(_parent(cell))
        if _base(cell) not in WITH or control is None or parent is None:
            continue
        with contextlib.suppress(*UNREADABLE):
            about = _about(cell, parent)
            scored, plain_scored = (_scores(by_cell[_who(one)]) for one in (cell, control))
            for key in scored.keys() & plain_scored.keys():
                (translation, score), value, without = key, scored[key], plain_scored[key]
                yield {**about, "translation": translation, "score": score, "control": without,
                       "pseudo-pairs": value, "gain": value - without}  # fmt: skip


def _about(cell: Mapping[str, Any], parent: Mapping[str, Any]) -> dict[str, Any]:
    (steps,) = (int(stage["steps"]) for stage in parent["config"]["stages"] if stage["name"] == STAGE)
    changed = {key: value for part in cell["changed"].values() for key, value in part.items()}
    return {
        "data set": str(cell["base"]["dataset"]),
        "profile": str(cell["base"]["profile"]),
        "method": str(cell["base"]["method"]),
        "seed": int(cell["seed"]),
        STEPS: steps,
        TIED: float(cell["data_settings"].get("tied_colours", 0.0)),
        "changes": json.dumps(changed, sort_keys=True) if changed else "",
    }


def _scores(rows: pd.DataFrame) -> dict[tuple[str, str], float]:
    """(translation, score with its unit) -> value, shares of 1 in percent."""
    found = {}
    for inputs, output, kind, metric, value in zip(
        rows["inputs"], rows["output"], rows["output_kind"], rows["metric"], rows["value"], strict=True
    ):
        score = main_score(str(kind))
        if score is not None and metric == score.key and value == value:
            scale, named = in_percent(score)
            found[f"{inputs} → {output}", named] = scale * float(value)
    return found


def _lines(frame: pd.DataFrame, axis: str) -> list[tuple[str, str, pd.DataFrame]]:
    """Translation with its score, label and points of each line along an axis."""
    rest = frame["changes"].map(lambda text: _without(text, VARIED[axis]))
    other = [column for column in (STEPS, TIED) if column != axis]
    keys = [frame[name] for name in ("translation", "score", "data set", "profile", "method", *other)] + [rest]
    found = []
    for key, points in frame.groupby(keys, sort=True):
        translation, score, dataset, profile, method, held, changes = map(str, key)
        if points[axis].nunique() > 1:
            held = f"{float(held):g}"
            label = ", ".join(filter(None, (f"{method}: {dataset}, {profile}", f"{other[0]} {held}", changes)))
            found.append((f"{translation}: {score}", label, points.groupby(axis)["gain"].mean().reset_index()))
    return found


def _without(text: str, varied: tuple[str, ...]) -> str:
    changed = json.loads(text) if text else {}
    return ", ".join(f"{key}={value}" for key, value in sorted(changed.items()) if key not in varied)


def _draw(lines: Mapping[str, list[tuple[str, str, pd.DataFrame]]]) -> Canvas:
    """A row per axis, a column per translation."""
    titles = list(dict.fromkeys(title for found in lines.values() for title, _, _ in found))
    canvas = Canvas(figsize=(5.2 * len(titles), 3.4 * len(lines)), layout="constrained")
    grid = canvas.subplots(len(lines), len(titles), squeeze=False)
    for row, (axis, found) in zip(grid, lines.items(), strict=True):
        for place, title in zip(row, titles, strict=True):
            _draw_axis(place, axis, title, [(label, points) for name, label, points in found if name == title])
    return canvas


def _draw_axis(place: Axes, axis: str, title: str, found: list[tuple[str, pd.DataFrame]]) -> None:
    if not found:
        place.set_axis_off()
        return
    for label, points in found:
        place.plot(points[axis], points["gain"], marker="o", markersize=4, label=label)
    place.axhline(0.0, color="grey", linewidth=0.8)
    place.set(title=title, xlabel=axis, ylabel="gain")
    place.xaxis.set_major_locator(MaxNLocator(5, integer=axis == STEPS))
    place.legend(fontsize=6)


def _who(cell: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(str(cell[name]) for name in ("dataset", "profile", "method")), int(cell["seed"]))


def _base(cell: Mapping[str, Any]) -> str:
    base = cell.get("base")
    return str(base.get("method", "")) if isinstance(base, Mapping) else ""


def _alike(cell: Mapping[str, Any]) -> tuple[str, str]:
    """What a cell and its control have in common: the parent, and all that ``--set`` changed but of pseudo-pairs."""
    changed = cell.get("changed")
    parts = changed.values() if isinstance(changed, Mapping) else ()
    items = [item for part in parts if isinstance(part, Mapping) for item in part.items()]
    return _parent(cell), json.dumps(sorted(i for i in items if not i[0].endswith(PSEUDO)), default=str)


def _parent(cell: Mapping[str, Any]) -> str:
    return str(cell.get("parent") or "")
