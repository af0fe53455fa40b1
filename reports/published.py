"""The papers' numbers (published_results.csv) and which of our rows each may stand beside."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from mmbench.errors import UserError, did_you_mean

FILE = files(__package__) / "published_results.csv"
SOURCES = ("thesis", "cvpr2018")  # where both print a number, the later one stands first
CASCADES = ("cascade", "cascade-skip", "pix2pix-cascade")  # their published rows run through the anchor
ALPHA = "0.8,0.2"  # thesis 4.6.2: the anchor's latent has weight 1 - alpha = 0.8
ALPHA_NOT_STATED = ("flowers-opponent",)  # thesis 4.5.3 prints multi-modal numbers without it
REAL = "real"  # real images instead of a method's
ALIASES = {"oracle-multimodal": "oracle", "cyclegan-domains": "cyclegan"}  # one name in the papers' tables
# Thesis 6.5.4: on artworks SDIT is "the variant of our model without attention".
ALIASES_OF = {"artworks-4": {"sdit-no-attention": "sdit", "sdit": ""}}
SCHEDULES = {"mmnet-cvpr2018": ("mmnet", "cvpr2018")}  # one paper's schedule under a name of its own
CLASSES = {("freiburg", "road"): "trail"}  # the official name, the thesis' name
KEYS = ("dataset", "inputs", "output", "method", "metric", "cls")
EXPERIMENT = ("source", "table", "dataset", "inputs", "output", "method", "label")
OF_DOMAINS = tuple(key for key in EXPERIMENT if key != "output")
MEAN = "mean"  # the output of a mean over all domains (tables 6.3 and 6.4)
# How far it may be from the mean of the printed domains; all but one are within 0.1 points and 0.001.
MEAN_ROUNDED = {"reverse_classification_accuracy": 0.5, "lpips": 0.005}
ROUNDED = 0.5  # points: printed classes average to the printed mIoU within 0.25 but where a table contradicts itself


@dataclass(frozen=True)
class Place:
    """Where a number stands: paper, table, and its line in ``published_results.csv``."""

    source: str
    table: str
    line: int

    @property
    def text(self) -> str:
        """Such as ``thesis, table 4.4`` or ``thesis, text of 4.6.2``."""
        section, _, in_text = self.table.partition("-")
        return f"{self.source}, {f'text of {section}' if in_text else f'table {section}'}"


@dataclass(frozen=True)
class Number:
    """A published number.

    Attributes:
        value: percent, fraction or metres, see :func:`load`.
        places: where it is printed, with the same value.
        inconsistent: how the table contradicts itself in it, or empty.
    """

    value: float
    places: tuple[Place, ...]
    inconsistent: str = ""

    @property
    def where(self) -> str:
        """All places as text."""
        return "; ".join(place.text for place in self.places)


def load(methods: Collection[str] = ()) -> pd.DataFrame:
    """All numbers: source, table, dataset, inputs, output, method, label, group, side_information, metric, cls, value.

    IoUs and accuracies are in percent, deltas are fractions, ``rmse_linear`` is in metres.

    Args:
        methods: that there are; without any, names are not checked.

    Raises:
        UserError: a line of another length, a missing column, a value that is no number, an unknown source or method, a
            number that stands there twice; names file and line.
    """
    try:
        with FILE.open(encoding="utf-8") as file:
            table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except pd.errors.ParserError as error:
        raise UserError(f"{FILE}: {str(error).strip()}") from None
    if missing := sorted({*KEYS, *EXPERIMENT, "value"} - set(table)):
        raise UserError(f"{FILE}: no column {', '.join(missing)} in its first line")
    values = pd.to_numeric(table["value"], errors="coerce")
    for column, known in (("source", SOURCES), ("method", [*methods, REAL] if methods else set(table["method"]))):
        if (line := _first(~table[column].isin(known))) is not None:
            name = table[column][line]
            raise UserError(f"{_line(line)}: no {column} named {name!r}{did_you_mean(name, known)}")
    if (line := _first(values.isna())) is not None:
        raise UserError(f"{_line(line)}: value {table['value'][line]!r}: expected a number")
    identity = [*EXPERIMENT, "metric", "cls"]
    if (line := _first(table.duplicated(identity))) is not None:
        same = _first((table[identity] == table.loc[line, identity]).all(axis=1))
        raise UserError(f"{_line(line)}: the same number as line {(same or 0) + 2}: delete one of them")
    return table.assign(value=values)


def _first(wrong: pd.Series) -> int | None:
    """The first row that is, or None."""
    rows = np.flatnonzero(wrong.to_numpy())
    return int(rows[0]) if len(rows) else None


def _line(row: int) -> str:
    return f"{FILE}, line {row + 2}"


def published_name(dataset: str, method: str) -> str:
    """What the papers' tables of a data set call a method; empty where it is not the one that they print."""
    return ALIASES_OF.get(dataset, {}).get(method, ALIASES.get(method, method))


def comparable(row: Mapping[str, str] | pd.Series) -> bool:
    """Whether a row of the results table follows the papers' protocol, so that a published number may stand beside it.

    It does with the statistics BN was trained with, the last checkpoint, nothing chosen on validation images, no
    intermediate modality except in a cascade, and in multi-modal translation the papers' weights (where stated) and the
    anchor's (the first input's) side information.
    """
    one_input = "+" not in row["inputs"]
    stated = row["inputs"].count("+") == 1 and row["published_dataset"] not in ALPHA_NOT_STATED
    return bool(
        row["bn"] in ("", "trained")
        and row["checkpoint"] in ("", "last")
        and not row.get("selection", "")
        and (not row["via"] or row["base_method"] in CASCADES)
        and (one_input or not stated or row["weights"] in ("", ALPHA))
        and row["side_from"] in ("", row["inputs"].split("+")[0])
    )


class Numbers:
    """The published numbers, to be looked up; none where the table lacks a column.

    Attributes:
        methods: as the papers name them, in their order; of all data sets.
    """

    def __init__(self, published: pd.DataFrame, datasets: Iterable[str] | None = None) -> None:
        """``datasets``: those that will be asked for, by their published names; None: any."""
        self._known: dict[tuple[str, ...], list[tuple[str, Number]]] = {}
        self.methods: list[str] = []
        if {*KEYS, *EXPERIMENT, "value"} <= set(published):
            self.methods = list(dict.fromkeys(published["method"]))
            known = published["dataset"] if datasets is None else datasets
            lines = np.flatnonzero(published["dataset"].isin(list(known)))
            if not len(lines):
                return
            wanted = published.iloc[lines]
            contradictions, means = _contradictions(wanted), _mean_contradictions(wanted)
            for line, record in zip(lines.tolist(), wanted.to_dict("records"), strict=True):
                said = contradictions.get(tuple(record[key] for key in EXPERIMENT), "")
                said = said if record["metric"] in ("iou", "miou") else ""
                said = said or means.get(tuple(record[key] for key in (*OF_DOMAINS, "metric")), "")
                place = Place(str(record["source"]), str(record["table"]), line)
                number = Number(float(record["value"]), (place,), said)
                self._known.setdefault(tuple(record[key] for key in KEYS), []).append((str(record["label"]), number))

    def of(self, row: Mapping[str, str] | pd.Series, metric: str, cls: str = "") -> list[Number]:
        """Numbers for a row of the results table, the thesis' first; what both papers print alike is one number.

        A row with one paper's own schedule has that paper's numbers only.

        Nothing where they have none for this data set, inputs, output, method and metric, where the row is another
        experiment (:func:`comparable`), or of a paper that prints several numbers under this key (its ablations).
        """
        if not row["published_dataset"] or not comparable(row):
            return []
        dataset, name = row["published_dataset"], row["base_method"]
        method, *sources = SCHEDULES.get(name, (published_name(dataset, name), *SOURCES))
        key = (dataset, row["inputs"], row["output"], method, metric, CLASSES.get((dataset, cls), cls))
        found = [number for _, number in self._known.get(key, [])]
        by_source = [[number for number in found if number.places[0].source == source] for source in sources]
        return _merged([here[0] for here in by_source if len(here) == 1])

    def labelled(self, label: str, dataset: str, metric: str) -> list[Number]:
        """Numbers of an ablation, by the label of its row, the thesis' first."""
        found = [
            number
            for key, numbers in self._known.items()
            if (key[0], key[4]) == (dataset, metric)
            for its_label, number in numbers
            if its_label == label
        ]
        return _merged(sorted(found, key=lambda number: SOURCES.index(number.places[0].source)))


def _merged(numbers: Sequence[Number]) -> list[Number]:
    """Numbers of several papers, equal ones as one with all places."""
    made: dict[float, Number] = {}
    for number in numbers:
        known = made.get(number.value)
        made[number.value] = replace(known, places=(*known.places, *number.places)) if known else number
    return list(made.values())


def _contradictions(published: pd.DataFrame) -> dict[tuple[Any, ...], str]:
    """Experiments whose printed classes do not average to the printed mIoU, and what both are."""
    rows = published[published["metric"].isin(["iou", "miou"])]
    # One row per experiment, and a column per metric: its mean and how many numbers there are.
    table = rows.groupby([*EXPERIMENT, "metric"], sort=False)["value"].agg(["mean", "size"]).unstack("metric")
    if not {("mean", "iou"), ("mean", "miou")} <= set(table.columns):
        return {}
    classes, whole = table["mean", "iou"], table["mean", "miou"]
    apart = table[(table["size", "miou"] == 1) & ((classes - whole).abs() > ROUNDED)]
    records = zip(apart.index.tolist(), apart["mean", "iou"], apart["mean", "miou"], strict=True)
    return {
        tuple(key): f"source: its classes average {mean:.1f}, its mIoU is {miou:.1f}" for key, mean, miou in records
    }


def _mean_contradictions(published: pd.DataFrame) -> dict[tuple[Any, ...], str]:
    """Rows of one metric whose printed domains do not average to the printed mean, and what both are."""
    rows = published[published["metric"].isin(MEAN_ROUNDED)]
    keys, mean = [*OF_DOMAINS, "metric"], rows["output"] == MEAN
    printed, domains = (part.groupby(keys)["value"].mean() for part in (rows[mean], rows[~mean]))
    both = pd.DataFrame({"printed": printed, "domains": domains}).dropna()
    return {
        key: f"source: its domains average {domains:.3f}, its mean is {printed:.3f}"
        for key, printed, domains in both.itertuples(name=None)
        if abs(printed - domains) > MEAN_ROUNDED[key[-1]]
    }
