"""What is tried on each method, and what a finished cell scores."""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.modality import main_score
from mmbench.typed import build

FILE = Path(__file__).with_name("tries.toml")
MOST = 6
ACCURACY = "classification_accuracy"  # of the judge, where translations have no truth


@dataclass(frozen=True)
class Try:
    """One change: what ``--set`` is given, and why."""

    set: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Series:
    """The tries of one method, in order.

    Attributes:
        dataset: which every try is trained and scored on.
        scenes: what ``--set`` makes of it, so that no image is scored that a result is reported for.
        before: what ``--set`` makes of the method where a kept try is its own setting since, so that "as it is" stays
            what the tries were measured against.
    """

    dataset: str
    scenes: tuple[str, ...]
    tries: tuple[Try, ...]
    before: tuple[str, ...] = ()


def read(method: str, path: Path = FILE) -> Series:
    """The series of a method. Raises UserError for a method without one, or a file that says something else."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))
    if method not in listed:
        raise UserError(f"{path}: nothing is to be tried on {method!r}{did_you_mean(method, listed)}")
    values = dict(listed[method])
    tries = [build(Try, one, f"{path}: {method}, try {n}") for n, one in enumerate(values.pop("tries", ()), start=1)]
    if len(tries) > MOST:
        raise UserError(f"{path}: {method} has {len(tries)} tries; expected at most {MOST}, as every method")
    made: Series = build(Series, {**values, "tries": ()}, f"{path}: {method}")
    return replace(made, tries=tuple(tries))


def scores(result: Mapping[str, Any]) -> dict[str, float]:
    """What a finished cell scores: a share of 1 by translation that is unseen and direct, such as mIoU or delta < 1.25.

    Of unpaired domains the judge's accuracy over all pairs, and the diversity of samples where it was measured, which
    decides nothing.
    """
    if result["task"]["kind"] == "cross-domain":
        metrics = [row["metrics"] for row in result["rows"]]
        accuracy = {"judge's accuracy": statistics.fmean(one[ACCURACY] for one in metrics) / 100}
        # It needs AlexNet's weights, which are not on every machine.
        diversity = [one["sample_diversity"] for one in metrics if one["sample_diversity"] is not None]
        return {**accuracy, "(diversity)": statistics.fmean(diversity)} if diversity else accuracy
    made = {}
    for unseen in result["task"]["unseen"]:
        (source,) = unseen["inputs"]
        row = next(r for r in result["rows"] if (r["inputs"], r["output"], r["via"]) == (source, unseen["output"], ""))
        score = main_score(row["output_kind"])
        assert score is not None, "every kind has one"
        made[f"{source} → {row['output']}: {score.header}"] = row["metrics"][score.key] / (
            100 if score.unit == "%" else 1
        )
    return made


def mean(found: Mapping[str, float]) -> float:
    """The one number that decides: the mean of the scores without those in brackets."""
    return statistics.fmean(value for name, value in found.items() if not name.startswith("("))


def merged(*lists: Sequence[str]) -> list[str]:
    """``--set`` items of several lists; of a setting that several name, the last."""
    last = {item.partition("=")[0]: item for items in lists for item in items}
    return list(last.values())
