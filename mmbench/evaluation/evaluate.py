"""The one door to evaluation: a trained method in, rows, per-image statistics and pictures out.

Three forms stand behind it: *aligned* where test samples hold the truth, *unpaired* where only a judge can say, and the
form of a judge itself, whose one row is its ceiling.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench.dataset import Dataset
from mmbench.evaluation.aligned import SAMPLES, align, evaluate_rows
from mmbench.evaluation.judged import ceiling
from mmbench.evaluation.samples import sample_files
from mmbench.evaluation.sweep import sweep
from mmbench.evaluation.unpaired import evaluate_domains, translation_matrix
from mmbench.method import Method
from mmbench.plugins.catalog import Card
from mmbench.task import Access, Split, Task
from mmbench.training.cache import Cache
from mmbench.training.device import Compute

ALIGNMENT_IMAGES = 64  # validation images that the alignment factor is taken from

Progress = Callable[[str, int, int], None]
Pictures = dict[str, bytes | Mapping[str, np.ndarray]]
"""File name -> a PNG, or the arrays of an ``.npz``."""


@dataclass(frozen=True)
class Material:
    """What a method is evaluated on, and how.

    Attributes:
        dataset, images, split: adapter, prepared arrays, lists of ids.
        compute: device and precision.
        batch_size: images at a time; no number depends on it.
        progress: called with (what, done, total).
    """

    dataset: Dataset
    images: Cache
    split: Split
    compute: Compute
    batch_size: int
    progress: Progress | None = None


@dataclass(frozen=True)
class Evaluation:
    """What comes of it.

    Attributes:
        rows: a translation's fields, ``output_kind``, ``metrics``, and the row's place in the tables: ``group`` and
            ``side_information``.
        statistics: per-image statistics by ``<row number>/<name>``, for intervals and bootstraps.
        pictures: sample translations of the first test images.
    """

    rows: list[dict[str, Any]]
    statistics: dict[str, np.ndarray]
    pictures: Pictures


def evaluate(
    method: Method, card: Card, material: Material, judge: Any = None, side_information: str = ""
) -> Evaluation:
    """All rows of a trained method.

    Args:
        card: of the method; says whether it is a judge, and where its rows stand in the tables.
        judge: scores translated images, where the data set has one.
        side_information: of the method's settings; stands in each row.
    """
    if card.get("ROLE") == "judge":
        made = Evaluation([ceiling(method, material.dataset, material.images, material.split.test, material.compute,
                                   material.batch_size)], {}, {})  # fmt: skip
        made.rows[0].update(group="ceiling", side_information="")
        return made
    made = _aligned(method, material, judge) if material.dataset.task.aligned else _unpaired(method, material, judge)
    for row in made.rows:
        row.update(group=group_of(row, card, material.dataset.task), side_information=side_information)
    return made


def observer(material: Material) -> Callable[[Method], dict[str, float]] | None:
    """What training logs now and then: alignment factors on validation images; None where none are aligned.

    A copy of the method looks at the aligned images: what a method keeps of them cannot reach its training.
    """
    task, images = material.dataset.task, material.images
    rows = images.index(material.split.validation)
    whole = rows[images.holding(rows, [modality.name for modality in task.modalities])]
    watched = [images.ids[row] for row in whole[:ALIGNMENT_IMAGES]]
    if not task.aligned or not watched:
        return None
    return lambda trained: align(copy.deepcopy(trained), task, images, watched, material.compute)


def group_of(row: Mapping[str, Any], card: Card, task: Task) -> str:
    """The tables' row group: cascades are baselines, seen and multi-modal rows stand apart from zero-pair ones.

    What saw true pairs is an oracle, whatever its card says. A baseline's seen translation, too, is no rival of others'
    unseen ones.
    """
    if Access(card["ACCESS"]) is Access.TRUE_PAIRS:
        return "oracle"
    inputs = row["inputs"].split("+")
    group, direct = str(card["GROUP"]), len(inputs) == 1 and not row["via"]
    if group in ("zero-pair", "baselines") and direct and task.is_seen(inputs[0], row["output"]):
        return "seen"
    if group != "zero-pair" or direct:
        return group
    return "baselines" if row["via"] else "multi-modal"


def _aligned(method: Method, material: Material, judge: Any) -> Evaluation:
    dataset, images, test, compute = material.dataset, material.images, material.split.test, material.compute
    classify = judge.classify if judge else None
    rows, statistics, drawn = evaluate_rows(
        method, dataset.task, images, test, compute,
        batch_size=material.batch_size, classify=classify, progress=material.progress,
    )  # fmt: skip
    pictures = sample_files(dataset, images, test[:SAMPLES], rows, drawn)
    mixed, more = sweep(
        method, dataset.task, images, material.split.validation, test, compute,
        batch_size=material.batch_size, first=len(rows), classify=classify, progress=material.progress,
    )  # fmt: skip
    return Evaluation(rows + mixed, statistics | more, pictures)


def _unpaired(method: Method, material: Material, judge: Any) -> Evaluation:
    dataset, images, test, compute = material.dataset, material.images, material.split.test, material.compute
    rows, statistics = evaluate_domains(
        method, dataset, images, test, compute, judge, batch_size=material.batch_size, progress=material.progress
    )
    return Evaluation(rows, statistics, {"matrix.npz": translation_matrix(method, dataset, images, test, compute)})
