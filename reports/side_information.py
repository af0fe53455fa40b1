"""What decoders read of side information and of the latent: scores with other indices, agreement of indices.

The numbers are those that the command ``side-information`` leaves beside cells. They are in no other table, claim or
figure: rows with RGB's indices or the truth's are *not zero-pair*, the rest but the method's own are probes.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from mmbench.given.files import read_bytes
from mmbench.modality import Score, main_score
from mmbench.reporting import STD, Figure, Results, Table

from .cell_files import UNREADABLE, sealed
from .clean import cells
from .prior_level import HEADER, MARK, PriorLevels, marked, note
from .statistics import summary

NAME = "side-information"
TITLE = "Side information: what decoders read"

FILE = "side_information.json"
GROUPS = ("zero-pair", "seen", "probe", "not zero-pair")
CHANCE = 0.25
COLOURS = 10  # of matplotlib's cycle
SIDES = ("input", "random", "fixed", "", "another")  # what is no modality
NOTE = (
    "zero-pair and seen: the method as it is. probe: no translation, but a look at what the decoder reads; indices at "
    "random or at the top-left of every window, or the latent of another scene's image with the side information of "
    "the input. not zero-pair: side information of RGB or of the truth itself, which show what they show. RGB's for "
    "depth to segmentation are the test graph of the authors' released code. Nothing here enters another table or a "
    "claim."
)
AGREEMENT_NOTE = (
    "Share of 2 x 2 windows in which two encoders' largest feature has the same place, over windows in which neither "
    "is all zero; by chance a quarter. one scene: both look at the same test image; different scenes: at two."
)


def build(results: Results, published: pd.DataFrame) -> list[Table | Figure]:
    """Per data set and profile a table per output modality, one of indices, and a figure of both."""
    made: list[Table | Figure] = []
    levels = PriorLevels(results.rows)
    for (dataset, profile), part in cells(results.rows).groupby(["dataset", "profile"], sort=True):
        where = results.folder(str(dataset), str(profile))
        found = [
            _looked(where / str(method) / f"seed-{seed}", {"method": str(title or method), "seed": int(seed)})
            for method, title, seed in zip(part["method"], part["title"], part["seed"], strict=True)
        ]
        scores, shares = (pd.DataFrame([row for rows in some for row in rows]) for some in zip(*found, strict=True))
        suffix, told = f"{dataset}-{profile}", f"{dataset}, profile {profile}"
        if len(scores):
            for output, mine in scores.groupby("output", sort=True):
                mark = functools.partial(levels.mark, str(dataset), str(profile), str(output))
                made.append(_table(mine, str(output), suffix, told, mark))
        if len(shares):
            made.append(_agreement(shares, suffix, told))
        if len(scores) or len(shares):
            made.append(Figure(f"{NAME}-{suffix}", f"{TITLE}: {told}", _draw(scores, shares), NOTE))
    return made


def _looked(cell: Path, who: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A cell's scores and shares; none where it was not looked into, or made again since."""
    with contextlib.suppress(*UNREADABLE):
        looked = sealed(cell, FILE)
        if looked["result"] == hashlib.sha256(read_bytes(cell / "result.json")).hexdigest():
            return list(_scores(looked, who)), list(_shares(looked, who))
    return [], []


def _scores(looked: Mapping[str, Any], who: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in looked["rows"]:
        score = main_score(row["output_kind"])
        if score and row["metrics"].get(score.key) is not None:
            fields = {name: str(row[name]) for name in ("inputs", "output", "output_kind", "side", "latent", "group")}
            yield {**who, **fields, "value": float(row["metrics"][score.key])}


def _shares(looked: Mapping[str, Any], who: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in looked["agreement"]:
        if row["compared"]:
            fields = {"encoders": row["modalities"].replace(",", ", "), "level": row["level"], "scenes": row["scenes"]}
            shares = {"value": row["agreeing"] / row["compared"], "compared": row["compared"] / row["windows"]}
            yield {**who, **fields, **shares}


def _table(scores: pd.DataFrame, output: str, suffix: str, told: str, mark: Callable[[str, float], str]) -> Table:
    score = _score(scores)
    rows = []
    keys = ["group", "method", "inputs", "side", "latent"]
    for key, mine in scores.groupby(keys, sort=False):
        group, method, inputs, side, latent = map(str, key)
        about = {"group": group, "method": method, "translation": f"{inputs} → {output}"}
        about |= {"side information of": _named(side, inputs, output), "latent of": _of(latent, inputs)}
        found = summary(mine["value"].tolist())
        rows.append({**about, "seeds": found.seeds, **found.columns(score.header)})
    frame = _by_group(pd.DataFrame(rows)).reset_index(drop=True)
    means = zip(frame["group"], frame[score.header], strict=True)
    frame = marked(frame, [mark(group, mean) for group, mean in means], "method")
    said = " ".join(filter(None, [NOTE, note(frame, score.header)]))
    return Table(
        f"{NAME}-{suffix}-{output}", f"{TITLE}: {told}, to {output}", frame, said, group_column="group",
        formats={score.header: score.spec}, headers={MARK: HEADER},
    )  # fmt: skip


def _by_group(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of :data:`GROUPS`, those of other groups last."""
    places = frame["group"].map(lambda group: GROUPS.index(group) if group in GROUPS else len(GROUPS))
    return frame.iloc[places.argsort(kind="stable")]


def _agreement(shares: pd.DataFrame, suffix: str, told: str) -> Table:
    means = shares.groupby(["method", "encoders", "level", "scenes"], sort=False)["value"].mean().unstack("scenes")
    means = means.reindex(columns=["one", "different"])
    means["compared"] = shares[shares["scenes"] == "one"].groupby(["method", "encoders", "level"])["compared"].mean()
    frame = (100 * means).reset_index().rename(columns={"one": "one scene", "different": "different scenes"})
    frame["seeds"] = [shares[shares["method"] == method]["seed"].nunique() for method in frame["method"]]
    frame.columns.name = None
    formats = dict.fromkeys(("one scene", "different scenes", "compared"), ".1f")
    headers = {"one scene": "one scene, %", "different scenes": "different, %", "compared": "windows compared, %"}
    title = f"Agreement of pooling indices: {told}"
    return Table(f"{NAME}-indices-{suffix}", title, frame, AGREEMENT_NOTE, formats=formats, headers=headers)


def _score(scores: pd.DataFrame) -> Score:
    score = main_score(str(scores["output_kind"].iloc[0]))
    assert score is not None  # its rows have it
    return score


def _named(side: str, inputs: str, output: str) -> str:
    if side == output:
        return f"{side}, the truth"
    if side in SIDES:
        return {"input": inputs, "random": "nobody: random", "fixed": "nobody: fixed"}.get(side, "-")
    return f"{side}, as released" if (inputs, output) == ("depth", "segmentation") else side


def _of(latent: str, inputs: str) -> str:
    return inputs if latent == "input" else latent


def _draw(scores: pd.DataFrame, shares: pd.DataFrame) -> Canvas:
    """Agreement by level above, an axis per pair of encoders; scores below, an axis per unseen translation."""
    methods = list(dict.fromkeys([name for frame in (scores, shares) if len(frame) for name in frame["method"]]))
    colours = {method: f"C{number % COLOURS}" for number, method in enumerate(methods)}
    pairs = list(shares.groupby("encoders", sort=False)) if len(shares) else []
    unseen = scores[scores["group"].isin(["zero-pair"])] if len(scores) else scores
    arrows = list(dict.fromkeys(zip(unseen["inputs"], unseen["output"], strict=True))) if len(unseen) else []
    rows = [(len(items), height) for items, height in ((pairs, 2.8), (arrows, 3.2)) if items]
    canvas = Canvas(figsize=(11.0, sum(height for _, height in rows) + 0.4), layout="constrained")
    parts = list(canvas.subfigures(len(rows), 1, height_ratios=[height for _, height in rows], squeeze=False)[:, 0])
    if pairs:
        axes = parts.pop(0).subplots(1, len(pairs), sharey=True, squeeze=False)[0]
        for axis, (encoders, mine) in zip(axes, pairs, strict=True):
            _draw_agreement(axis, mine, colours)
            axis.set_title(f"indices of {encoders}", fontsize=9)
        axes[0].set_ylabel("windows that agree, %", fontsize=8)
        axes[0].legend(fontsize=6, loc="best")
    if arrows:
        axes = parts.pop(0).subplots(1, len(arrows), squeeze=False)[0]
        for axis, (inputs, output) in zip(axes, arrows, strict=True):
            _draw_scores(axis, scores[(scores["inputs"] == inputs) & (scores["output"] == output)], colours)
            axis.set_title(f"{inputs} → {output}", fontsize=9)
        axes[0].set_ylabel("side information", fontsize=8)
        axes[-1].legend(fontsize=6, loc="upper right", bbox_to_anchor=(1.0, -0.2), borderaxespad=0.0, ncols=2)
    return canvas


def _draw_agreement(axis: Axes, shares: pd.DataFrame, colours: Mapping[str, str]) -> None:
    for (method, scenes), mine in shares.groupby(["method", "scenes"], sort=False):
        line = 100 * mine.groupby("level")["value"].mean()
        style, label = ("-", str(method)) if scenes == "one" else ("--", f"{method}, different scenes")
        axis.plot(line.index, line, style, marker="o", markersize=3, color=colours[str(method)], label=label)
    axis.axhline(100 * CHANCE, color="grey", linestyle=":", linewidth=1)
    axis.set_xticks(sorted(set(shares["level"])))
    axis.set_xlabel("level, 1 the finest", fontsize=8)


def _draw_scores(axis: Axes, scores: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """A line per kind of side information and latent, what is not zero-pair below all others on a grey ground."""
    ordered = _by_group(scores.assign(line=[_line(row) for row in scores.to_dict("records")]))
    lines = list(dict.fromkeys(ordered["line"]))
    for number, (method, mine) in enumerate(ordered.groupby("method", sort=False)):
        found = {line: summary(some.tolist()).columns("x") for line, some in mine.groupby("line")["value"]}
        heights = [lines.index(str(line)) + 0.12 * (number - (len(colours) - 1) / 2) for line in found]
        axis.errorbar(
            [one["x"] for one in found.values()], heights, xerr=[one["x" + STD] for one in found.values()],
            fmt="o", markersize=4, linewidth=1, color=colours[str(method)], label=str(method),
        )  # fmt: skip
    apart = [lines.index(line) for line in ordered.loc[ordered["group"] == GROUPS[-1], "line"]]
    if apart:
        axis.axhspan(min(apart) - 0.5, max(apart) + 0.5, color="0.92", zorder=0)
    axis.set_yticks(range(len(lines)), lines, fontsize=7)
    axis.set_ylim(len(lines) - 0.5, -0.5)
    axis.set_xlabel(_score(scores).axis, fontsize=8)
    axis.grid(axis="x", alpha=0.3)


def _line(row: Mapping[Hashable, Any]) -> str:
    """What a row of scores is called at an axis: of every method that has it the same."""
    if row["latent"] != "input":
        return f"own, latent of {row['latent']}"
    if row["group"] != GROUPS[-1]:
        return "own" if row["group"] in GROUPS[:2] else {"fixed": "at the top-left"}.get(row["side"], row["side"])
    return f"{_named(row['side'], row['inputs'], row['output'])}\n(not zero-pair)"
