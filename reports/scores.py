"""What the papers' claims are decided on: values per seed, alignment factors, and how networks grow in number."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmbench.reporting import Results

from .cell_files import entries
from .clean import USABLE, complete, records

TABLE_BASELINES = ("cascade", "cascade-skip", "pix2pix-cascade", "cyclegan", "stargan-unpaired", "stargan-paired")

Side = Mapping[int, float]  # seed -> value


class Direction(NamedTuple):
    """A translation, whether training sees it, and what is compared of it; values are multiplied by ``scale``."""

    inputs: str
    output: str
    metric: str
    header: str
    scale: float = 1.0
    seen: bool = False


DS = Direction("depth", "segmentation", "miou", "mIoU, %")
RS = DS._replace(inputs="rgb", seen=True)
RDS = DS._replace(inputs="rgb+depth")
SD = Direction("segmentation", "depth", "delta_1.25", "δ < 1.25, %", 100.0)
RSD = SD._replace(inputs="rgb+segmentation")
FLOWERS = Direction("theta2", "theta3", "classification_accuracy", "accuracy, %")
DIRECTIONS = (DS, RS, RDS, SD, RSD, FLOWERS)


@dataclass
class Scores:
    """The results of one data set and profile: as they are, or with one change by ``--set`` where it concerns a method.

    Attributes:
        dataset, profile: which.
        change: what was changed, or empty; a method that has no results with it stands here as it is.
        folder: the folder of its methods.
        names: method -> its name in the runs folder.
        sides: (method, inputs, output, via, bn) -> values per seed.
        groups: the same keys -> the row's group.
        pretrained: method -> whether its RGB encoder was.
        stale: how many of the values were made with other code.
    """

    dataset: str
    profile: str
    folder: Path
    change: str = ""
    names: dict[str, str] = field(default_factory=dict)
    sides: dict[tuple[str, ...], dict[int, float]] = field(default_factory=dict)
    groups: dict[tuple[str, ...], str] = field(default_factory=dict)
    pretrained: dict[str, bool] = field(default_factory=dict)
    stale: int = 0

    def has(self, where: Direction) -> bool:
        """Whether some method was evaluated on a translation that is not seen in training."""
        return any(key[1:3] == where[:2] and group != "seen" for key, group in self.groups.items())

    def side(self, method: str, where: Direction, via: str = "", bn: str = "trained") -> Side:
        """A row's values per seed; empty without such a row, or where the translation was seen in training."""
        key = (method, where.inputs, where.output, via, bn)
        if not where.seen and self.groups.get(key) == "seen":
            return {}
        return {seed: where.scale * value for seed, value in self.sides.get(key, {}).items()}

    def fair(self, method: str, where: Direction) -> Side:
        """A cascade with BN statistics re-estimated on the images it reads or, where it has no BN, as it is."""
        return self.side(method, where, "rgb", "re-estimated") or self.side(method, where, "rgb")

    def baselines(self, where: Direction) -> list[tuple[str, Side]]:
        """Every baseline's row and M&MNets' own cascade; those of the papers' tables, without values, where not run.

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

    def alignment(self, method: str, stage: str) -> Side:
        """The alignment factor (times 100) at a stage's end, mean over the pairs of encoders, per seed."""
        return {
            int(path.name.removeprefix("seed-")): 100.0 * value
            for path in sorted((self.folder / self.names.get(method, method)).glob("seed-*"))
            if path.name.removeprefix("seed-").isdigit() and (path / "result.json").exists()
            for value in _last_alignment(path, stage)
        }


def _last_alignment(cell: Path, stage: str) -> list[float]:
    """The last logged value of a stage, or nothing; lines that cannot be read are left out."""
    last: list[float] = []
    for entry in entries(cell, '"alignment/'):
        with contextlib.suppress(ValueError, TypeError):
            values = [float(value) for key, value in entry.items() if key.startswith("alignment/")]
            if entry["stage"] == stage and values:
                last = [sum(values) / len(values)]
    return last


def collect(results: Results) -> Iterator[Scores]:
    """The rows that claims speak of, by data set and profile: reported ones, with the papers' weights."""
    rows = results.rows
    if "metric" not in rows:
        return
    rows = complete(rows[rows["metric"].isin({where.metric for where in DIRECTIONS})])
    usable = rows["state"].isin(USABLE) & rows["value"].notna() & (rows["selection"] == "")
    rows = rows[usable & rows["checkpoint"].isin(("", "last"))]
    wanted = {(where.inputs, where.output, where.metric) for where in DIRECTIONS}
    rows = rows[np.array([place in wanted for place in records(rows, ("inputs", "output", "metric"))], bool)]
    for (dataset, profile), part in rows.groupby(["dataset", "profile"], sort=True):
        for change in sorted(set(part["change"])):
            changed = part[part["change"] == change]
            others = part[(part["change"] == "") & ~part["base_method"].isin(changed["base_method"])]
            scores = Scores(str(dataset), str(profile), results.folder(str(dataset), str(profile)), change)
            scores.stale = int((changed["state"] == "stale").sum())
            _fill(scores, pd.concat([changed, others]) if change else changed)
            yield scores


def _fill(scores: Scores, rows: pd.DataFrame) -> None:
    columns = ["base_method", "inputs", "output", "via", "bn", "method", "seed", "value", "group", "pretrained"]
    for *row, bn, name, seed, value, group, pretrained in records(rows, columns):
        key = (*row, bn or "trained")
        scores.sides.setdefault(key, {})[seed] = value
        scores.groups[key] = group
        scores.names[key[0]] = name
        scores.pretrained[key[0]] = pretrained == "True"


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
