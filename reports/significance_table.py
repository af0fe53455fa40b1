"""Each method against M&MNets on the same test images: paired bootstrap, corrected for the number of comparisons.

Resampling takes seconds, so its outcome is kept under the sizes and times of the per-image files it came from; these
are opened only where one of them has changed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmbench.metric import Metric, Score
from mmbench.modality import MAIN_KEYS, MAIN_SCORES
from mmbench.reporting import Results, Table

from . import main_translation
from .cell_files import UNREADABLE, arrays_in, output_of, per_image, result_of, row_number
from .clean import USABLE, complete, records
from .prior_level import HEADER, MARK, PriorLevels, marked
from .prior_level import note as prior_note
from .published import CASCADES
from .rows import GROUPS, KEY, label
from .statistics import REPLICATES, SEED, accuracy, bootstrap_interval, holm, replicates_of

NAME = "significance"
TITLE = "Differences to M&MNets (paired bootstrap over test images)"

REFERENCE = "mmnet"
JUDGED = main_translation.JUDGED.key  # compared where there is a judge, instead of the output's own metric
METHOD = 2  # raised when a change of the bootstrap changes numbers
SCORES = {score.key: score for score in MAIN_SCORES} | {JUDGED: Score(JUDGED, "Accuracy", ".1f", "%")}
IDENTITY = ("inputs", "output", "via", "weights", "side_from", "bn", "checkpoint", "selection")
SORTED = ("method", "inputs", "bn")


@dataclass(frozen=True)
class SeedValues:
    """One row of a method over its seeds: the metric's value per seed, and how the row is found in ``result.json``."""

    fields: Mapping[str, str]
    metric: str
    values: dict[int, float]

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """What tells the row from others of its cell."""
        return tuple(self.fields[name] for name in IDENTITY)


class Bootstraps:
    """Bootstrapped differences between the rows of one data set and profile, kept for the next report."""

    def __init__(self, results: Results, dataset: str, profile: str) -> None:
        self.folder = results.folder(dataset, profile)
        self.kept, self.name = results.kept, f"{NAME}-{dataset}-{profile}"
        self.used: dict[str, list[float]] = {}
        self.fresh = False
        known = self.kept.get(self.name)
        self.known: Mapping[str, Any] = known if isinstance(known, Mapping) else {}
        self.stamp = functools.cache(_stamp)
        self.replicates = functools.cache(functools.partial(_replicates, results.metrics))

    def interval(self, row: SeedValues, reference: SeedValues, seeds: list[int]) -> list[float]:
        """Low, high and p of the difference between means over seeds; nan where a file of theirs cannot be read."""
        sides = [
            (side, [self.folder / side.fields["method"] / f"seed-{seed}" for seed in seeds])
            for side in (row, reference)
        ]
        with contextlib.suppress(*UNREADABLE):
            stamps = [self.stamp(cell) for _, cells in sides for cell in cells]
            names = [(side.fields["method"], *side.identity) for side, _ in sides]
            asked = json.dumps([METHOD, REPLICATES, SEED, row.metric, seeds, names, stamps])
            key = hashlib.sha256(asked.encode()).hexdigest()[:24]
            if not self._recall(key):
                drawn = [[self.replicates(cell, side.identity, row.metric) for cell in cells] for side, cells in sides]
                self.used[key] = _difference(drawn)
                self.fresh = True
            return self.used[key]
        return [float("nan")] * 3

    def _recall(self, key: str) -> bool:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            low, high, p = (float("nan") if value is None else float(value) for value in self.known[key])
            self.used[key] = [low, high, p]
            return True
        return False

    def keep(self) -> None:
        """Write what was asked for, where anything changed; the rest is dropped."""
        if self.fresh or self.used.keys() != self.known.keys():
            self.kept[self.name] = self.used


def build(results: Results, published: pd.DataFrame) -> list[Table]:
    """One table per data set, profile and output, a row per method's reported row; nothing without M&MNets."""
    found, levels = _collect(results.rows), PriorLevels(results.rows)
    everywhere: dict[tuple[str, str], Bootstraps] = {}
    tables = []
    for (dataset, profile, output, metric), rows in sorted(found.items()):
        if metric != JUDGED and (dataset, profile, output, JUDGED) in found:
            continue
        if (dataset, profile) not in everywhere:
            everywhere[dataset, profile] = Bootstraps(results, dataset, profile)
        if compared := _compare(list(rows.values()), everywhere[dataset, profile]):
            shown = SCORES[metric].header
            marks = [
                "" if metric == JUDGED else levels.mark(dataset, profile, output, one["group"], one[shown])
                for one in compared
            ]
            tables.append(_table(compared, marks, metric, dataset, profile, output))
    for bootstraps in everywhere.values():
        bootstraps.keep()
    return tables


def _collect(results: pd.DataFrame) -> dict[tuple[str, ...], dict[tuple[str, ...], SeedValues]]:
    """Reported rows by (data set, profile, output, main metric) and :data:`KEY`.

    Those are of the last checkpoint and no sweep; of what has an intermediate modality, the cascades with trained and
    with re-estimated BN statistics.
    """
    found: dict[tuple[str, ...], dict[tuple[str, ...], SeedValues]] = {}
    if "metric" not in results:
        return found
    rows = complete(results[results["metric"].isin(SCORES)])
    kept = rows["state"].isin(USABLE) & rows["value"].notna() & (rows["selection"] == "") & (rows["inputs"] != "")
    kept &= (rows["metric"] == JUDGED) | (rows["metric"] == rows["output_kind"].map(MAIN_KEYS))
    kept &= rows["checkpoint"].isin(["", "last"])
    rows = rows[kept]
    places = records(rows, ("dataset", "profile", "output", "metric"))
    for key, place, (seed, value) in zip(records(rows, KEY), places, records(rows, ("seed", "value")), strict=True):
        here = found.setdefault(place, {})
        if key not in here:
            here[key] = SeedValues(dict(zip(KEY, key, strict=True)), place[-1], {})
        here[key].values[seed] = value
    return {place: dict(filter(_reported, here.items())) for place, here in found.items()}


def _reported(item: tuple[tuple[str, ...], SeedValues]) -> bool:
    fields = item[1].fields
    return not fields["via"] or fields["base_method"] in CASCADES


def _compare(rows: list[SeedValues], bootstraps: Bootstraps) -> list[dict[str, Any]]:
    """A record per row that M&MNets has a row beside, with the same inputs and at least one common seed."""
    mmnets = [row for row in rows if row.fields["base_method"] == REFERENCE]
    made = []
    for row in rows:
        reference = _reference(row, mmnets)
        seeds = sorted(row.values.keys() & reference.values.keys()) if reference else []
        if reference and seeds:
            low, high, p = bootstraps.interval(row, reference, seeds)
            theirs, ours = (sum(side.values[seed] for seed in seeds) / len(seeds) for side in (row, reference))
            made.append(
                {
                    "group": row.fields["group"],
                    "row": label(row.fields),
                    "seeds": len(seeds),
                    SCORES[row.metric].header: theirs,
                    "M&MNets": ours,
                    "difference": theirs - ours,
                    "low": low,
                    "high": high,
                    "p": p,
                    "metric": row.metric,
                    "reference": reference.fields["method"],
                    **{key: row.fields[key] for key in ("method", "base_method", "change", *IDENTITY)},
                }
            )
    order = [*GROUPS, *(record["group"] for record in made)]
    made.sort(key=lambda record: (order.index(record["group"]), *(record[key] for key in SORTED)))
    return made


def _reference(row: SeedValues, rows: list[SeedValues]) -> SeedValues | None:
    """M&MNets' row with the same inputs: with the same change by ``--set``, else unchanged, else the only one there is.

    A changed M&MNets stands beside the unchanged one.
    """
    found = {one.fields["change"]: one for one in rows if one.fields["inputs"] == row.fields["inputs"]}
    if row.fields["base_method"] == REFERENCE:
        return found.get("") if row.fields["change"] else None
    only = next(iter(found.values())) if len(found) == 1 else None
    return found.get(row.fields["change"]) or found.get("") or only


def _stamp(cell: Path) -> tuple[int, int]:
    """Size and time of a cell's per-image statistics."""
    file = (cell / "per_image.npz").stat()
    return file.st_size, file.st_mtime_ns


def _difference(sides: list[list[tuple[tuple[str, int], np.ndarray]]]) -> list[float]:
    """Low, high and p of the difference of two sides' means over their cells.

    Raises:
        ValueError: they were not evaluated on the same test images.
    """
    if len({images for side in sides for images, _ in side}) > 1:
        raise ValueError("nothing to pair: other test images")
    first, second = (np.mean([values for _, values in side], axis=0) for side in sides)
    return list(bootstrap_interval(first - second))


def _replicates(
    metrics: Mapping[str, Metric], cell: Path, identity: tuple[str, ...], metric: str
) -> tuple[tuple[str, int], np.ndarray]:
    """Which test images a cell's row was evaluated on (hash and number), and its metric over resamples of them."""
    result = result_of(cell)
    number = row_number(result["rows"], dict(zip(IDENTITY, identity, strict=True)))
    statistics, compute = _scored(cell, result, number, metric, metrics)
    return (str(result["split_hashes"]["test"]), len(statistics)), replicates_of(statistics, compute)


def _scored(
    cell: Path, result: Mapping[str, Any], number: int, score: str, metrics: Mapping[str, Metric]
) -> tuple[np.ndarray, Callable[[np.ndarray, int], np.ndarray]]:
    """Per-image statistics of a row, and how a score follows from their sums."""
    if score == JUDGED:
        with arrays_in(cell, "per_image.npz") as arrays:
            return arrays[f"{number}/correct"][:, None], accuracy
    modality = output_of(result, result["rows"][number])
    metric = metrics[modality.metric]
    return per_image(cell, number, metric, modality), lambda sums, images: metric.score(sums, images, modality)[score]


def _table(
    compared: list[dict[str, Any]], marks: list[str], metric: str, dataset: str, profile: str, output: str
) -> Table:
    frame = pd.DataFrame([{"dataset": dataset, "profile": profile, **record} for record in compared])
    frame.insert(list(frame).index("p") + 1, "p (Holm)", holm(frame["p"].tolist()))
    frame = marked(frame, marks, "row")
    note = (
        "Difference: method - M&MNets on the same translation, means over the seeds that both have. low, high, p: "
        f"{REPLICATES:,} paired resamples of the test images, the trained networks as they are. p (Holm): corrected "
        f"for the rows of this table. The smallest p possible is {2 / (REPLICATES + 1):.4f}. Images count as "
        "independent: where several show one scene, as frames of a video do, the intervals are too narrow."
    )
    if frame["p"].isna().any():
        note += " -: per-image statistics are missing or damaged, or of other test images."
    changed = sorted({name for name in frame["reference"] if name != REFERENCE})
    if changed:
        note += f" M&MNets here: {', '.join(changed)} in rows of the same change, or where there is no other."
    score = SCORES[metric]
    if MARK in frame:
        note += f" {prior_note(frame, score.header)}"
    spec = score.finer
    signed = dict.fromkeys(("difference", "low", "high"), f"+{spec}")
    return Table(
        name="-".join((NAME, dataset, profile, output)),
        title=f"{TITLE}: {dataset}, profile {profile}, to {output}",
        frame=frame,
        note=note,
        group_column="group",
        formats={score.header: spec, "M&MNets": spec, **signed, "p": ".4f", "p (Holm)": ".4f"},
        headers={"row": "method", MARK: HEADER},
        hidden=("dataset", "profile", "metric", "reference", "method", "base_method", "change", *IDENTITY),
        detail=True,
    )
