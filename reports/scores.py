"""What the papers' claims are decided on: values per seed of translations and of domains, and how networks grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmbench.reporting import SWEEP, Results

from .clean import USABLE, complete, records

CASCADES = ("cascade", "cascade-skip", "pix2pix-cascade")  # their rows run through the anchor
TABLE_BASELINES = (*CASCADES, "cyclegan", "stargan-unpaired", "stargan-paired")  # thesis tables 4.4 and 4.6
ANCHOR = "rgb"

Side = Mapping[int, float]  # seed -> value


class Direction(NamedTuple):
    """A translation, whether training sees it, and what is compared of it; values are multiplied by ``scale``."""

    inputs: str
    output: str
    metric: str
    header: str
    scale: float = 1.0
    seen: bool = False
    lower: bool = False  # whether smaller values are better
    cls: str = ""


DS = Direction("depth", "segmentation", "miou", "mIoU, %")
RS = DS._replace(inputs="rgb", seen=True)
RDS = DS._replace(inputs="rgb+depth")
NS = DS._replace(inputs="nir")
RNS = DS._replace(inputs="rgb+nir")
RDNS = DS._replace(inputs="rgb+depth+nir")
SD = Direction("segmentation", "depth", "delta_1.25", "δ < 1.25, %", 100.0)
RSD = SD._replace(inputs="rgb+segmentation")
FLOWERS = Direction("theta2", "theta3", "classification_accuracy", "accuracy, %")
SEEN_FLOWERS = FLOWERS._replace(inputs="theta1", seen=True)
BOTH_FLOWERS = FLOWERS._replace(inputs="theta1+theta2")


def overall(where: Direction) -> Direction:
    """The same translation by its global accuracy."""
    return where._replace(metric="global_accuracy", header="global accuracy, %")


def obstacle(where: Direction) -> Direction:
    """The same translation by the IoU of Freiburg Forest's obstacles."""
    return where._replace(metric="iou", cls="obstacle", header="IoU of obstacle, %")


def five_metrics(where: Direction) -> list[Direction]:
    """A translation to depth by each of the papers' five metrics."""
    return [
        where,
        where._replace(metric="delta_1.25^2", header="δ < 1.25², %"),
        where._replace(metric="delta_1.25^3", header="δ < 1.25³, %"),
        where._replace(metric="rmse_linear", header="RMSE, cm", lower=True),
        where._replace(metric="rmse_log", header="0.01 RMSE (log)", lower=True),
    ]


DIRECTIONS = (
    *(DS, RS, RDS, NS, RNS, RDNS, overall(DS), *map(obstacle, (RDS, RNS, RDNS))),
    *(*five_metrics(SD), *five_metrics(RSD), FLOWERS, SEEN_FLOWERS, BOTH_FLOWERS),
)
REVERSE, LPIPS = ("reverse_accuracy", "all"), ("lpips", "translated")  # of domains: metric and class


@dataclass(eq=False)
class Scores:
    """The results of one data set and profile: as they are, or with one change by ``--set`` where it concerns a method.

    Attributes:
        dataset, profile: which.
        folder: the folder of its methods.
        change: what was changed, or empty; a method that has no results with it stands here as it is.
        of_domains: whether something was evaluated between unpaired domains.
        names: method -> its name in the runs folder.
        sides: (method, inputs, output, via, bn), metric and class -> values per seed.
        groups: (method, inputs, output, via, bn) -> the row's group.
        swept: (method, inputs, output, weights, source of the indices, metric) -> values per seed.
        domains: (method, metric, class) -> means over the targets per seed.
        pretrained: method -> whether its RGB encoder was.
        stale: how many of the values were made with other code.
    """

    dataset: str
    profile: str
    folder: Path
    change: str = ""
    of_domains: bool = False
    names: dict[str, str] = field(default_factory=dict)
    sides: dict[tuple[str, ...], dict[int, float]] = field(default_factory=dict)
    groups: dict[tuple[str, ...], str] = field(default_factory=dict)
    swept: dict[tuple[str, ...], dict[int, float]] = field(default_factory=dict)
    domains: dict[tuple[str, str, str], dict[int, float]] = field(default_factory=dict)
    pretrained: dict[str, bool] = field(default_factory=dict)
    stale: int = 0

    def has(self, where: Direction | None) -> bool:
        """Whether some method was evaluated on a translation that is not seen in training; None: between domains."""
        if where is None:
            return self.of_domains
        return any(key[1:3] == where[:2] and group != "seen" for key, group in self.groups.items())

    def side(self, method: str, where: Direction, via: str = "", bn: str = "trained") -> Side:
        """A row's values per seed; empty without such a row, or where the translation was seen in training."""
        key = (method, where.inputs, where.output, via, bn)
        if not where.seen and self.groups.get(key) == "seen":
            return {}
        values = self.sides.get((*key, where.metric, where.cls), {})
        return {seed: where.scale * value for seed, value in values.items()}

    def printed(self, method: str, where: Direction) -> Side:
        """A method as the papers' tables have it: a cascade through the anchor, with BN statistics as trained."""
        return self.side(method, where, ANCHOR if method in CASCADES else "")

    def fair(self, method: str, where: Direction) -> Side:
        """The same with a cascade's BN statistics re-estimated on the images it reads; as it is where it has no BN."""
        again = self.side(method, where, ANCHOR, "re-estimated") if method in CASCADES else {}
        return again or self.printed(method, where)

    def baselines(self, where: Direction) -> list[tuple[str, Side]]:
        """Every baseline's row and M&MNets' own cascade; those of table 4.4, without values, where not run.

        Cascades have two rows, one with re-estimated BN statistics.
        """
        found: dict[str, Side] = {}
        missing = set(TABLE_BASELINES)
        for (method, inputs, output, via, bn), group in sorted(self.groups.items()):
            repeated = method.startswith("mmnet-")  # M&MNets' own cascade, of another variant
            if (inputs, output, group) == (where.inputs, where.output, "baselines") and not repeated:
                name = f"{method} via {via}" if method == "mmnet" else method
                found[name + ", BN re-estimated" * (bn == "re-estimated")] = self.side(method, where, via, bn)
                missing.discard(method)
        return [*found.items(), *((name, {}) for name in sorted(missing))]

    def mixed(self, method: str, where: Direction, weights: str, side_from: str) -> Side:
        """One of the sweep's multi-modal rows, which has either input's pooling indices."""
        values = self.swept.get((method, where.inputs, where.output, weights, side_from, where.metric), {})
        return {seed: where.scale * value for seed, value in values.items()}

    def logs(self, method: str) -> dict[int, Path]:
        """The folders of a method's finished cells, by seed."""
        found = {}
        for path in sorted((self.folder / self.names.get(method, method)).glob("seed-*")):
            seed = path.name.removeprefix("seed-")
            if seed.isdigit() and (path / "result.json").exists():
                found[int(seed)] = path
        return found


def collect(results: Results) -> Iterator[Scores]:
    """The rows that claims speak of, by data set and profile: reported ones with the papers' weights, and the sweep."""
    if not {"metric", "dataset", "profile"} <= set(results.rows):
        return
    rows = _concerned(results.rows)
    of_domains = rows["output_kind"] == "domain"
    places = {(str(dataset), str(profile)) for dataset, profile in records(rows[of_domains], ("dataset", "profile"))}
    usable = rows["state"].isin(USABLE) & rows["value"].notna() & rows["selection"].isin(("", SWEEP))
    usable &= rows["checkpoint"].isin(("", "last"))
    wanted = {(where.inputs, where.output, where.metric, where.cls) for where in DIRECTIONS}
    known = [
        (metric, cls) in (REVERSE, LPIPS) if kind == "domain" else (inputs, output, metric, cls) in wanted
        for inputs, output, metric, cls, kind in records(rows, ("inputs", "output", "metric", "cls", "output_kind"))
    ]
    rows = rows[usable & np.array(known, bool)]
    found = {(str(one), str(two)): part for (one, two), part in rows.groupby(["dataset", "profile"], sort=True)}
    for dataset, profile in sorted(found.keys() | places):
        part, folder = found.get((dataset, profile), rows[:0]), results.folder(dataset, profile)
        for change in sorted(set(part["change"])) or [""]:
            changed = part[part["change"] == change]
            others = part[(part["change"] == "") & ~part["base_method"].isin(changed["base_method"])]
            scores = Scores(dataset, profile, folder, change, (dataset, profile) in places)
            scores.stale = int((changed["state"] == "stale").sum())
            _fill(scores, pd.concat([changed, others]) if change else changed)
            yield scores


def _concerned(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with one of the metrics, and all of domains; most rows have another class."""
    blank = pd.Series("", index=rows.index)
    metrics = {where.metric for where in DIRECTIONS if not where.cls}
    classes = {where.cls for where in DIRECTIONS if where.cls}
    of_domains = rows.get("output_kind", blank) == "domain"
    return complete(rows[rows["metric"].isin(metrics) | rows.get("cls", blank).isin(classes) | of_domains])


def _fill(scores: Scores, rows: pd.DataFrame) -> None:
    between = rows["output_kind"] == "domain"
    swept = rows["selection"] == SWEEP
    columns = ["base_method", "inputs", "output", "via", "bn", "metric", "cls", "method", "seed", "value", "group",
               "pretrained"]  # fmt: skip
    for *row, bn, metric, cls, name, seed, value, group, pretrained in records(rows[~between & ~swept], columns):
        key = (*row, bn or "trained")
        scores.sides.setdefault((*key, metric, cls), {})[seed] = value
        scores.groups[key] = group
        scores.names[key[0]] = name
        scores.pretrained[key[0]] = pretrained == "True"
    columns = ["base_method", "inputs", "output", "weights", "side_from", "metric", "seed", "value"]
    for *mixed, seed, value in records(rows[swept & (rows["cls"] == "")], columns):
        scores.swept.setdefault(tuple(mixed), {})[seed] = value
    _fill_domains(scores, rows[between & ~swept])


def _fill_domains(scores: Scores, rows: pd.DataFrame) -> None:
    """A target of many rows has one number, which all of them repeat: means are over targets."""
    by_target = rows.groupby(["base_method", "metric", "cls", "seed", "output"])["value"].mean().reset_index()
    means = by_target.groupby(["base_method", "metric", "cls", "seed"])["value"].mean().reset_index()
    for method, metric, cls, seed, value in records(means, ("base_method", "metric", "cls", "seed", "value")):
        scores.domains.setdefault((method, metric, cls), {})[seed] = value


def growth(file: Path) -> dict[str, float]:
    """How the number of a method's networks grows with the number N of domains: the degree of the polynomial in N.

    Read from a CSV with the columns ``method``, ``domains`` and ``encoders``: the smallest degree whose differences
    over consecutive N are constant. Methods with too few N are left out, as is all where the file cannot be read.
    """
    try:
        table = pd.read_csv(file)[["method", "domains", "encoders"]].dropna()
    except (OSError, ValueError, KeyError):
        return {}
    found = {}
    for method, part in table.drop_duplicates(["method", "domains"]).groupby("method"):
        counts = part.sort_values("domains")
        consecutive = (counts["domains"] - np.arange(len(counts))) == counts["domains"].iloc[0]
        values, degree = counts["encoders"][consecutive].to_numpy(float), 0
        while len(values) > 1 and np.ptp(values) > 0:
            values, degree = np.diff(values), degree + 1
        if len(values) > 1:
            found[str(method)] = float(degree)
    return found
