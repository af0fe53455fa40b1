"""Multi-modal translation with the inputs' weights and the source of side information varied (CVPR 2018, figure 7).

The whole sweep is evaluated on the test images and kept for the figure. Which of it is best is decided on aligned
validation images, so that row uses unseen pairs and stands apart from the reported one (alpha 0.2, the anchor's side
information), whatever it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mmbench.evaluation.aligned import Classify, evaluate_rows
from mmbench.method import Method
from mmbench.reporting import SWEEP, VALIDATION
from mmbench.task import Task, Translation
from mmbench.training.cache import Cache
from mmbench.training.device import Compute

ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # weight of the second input; the first has 1 - alpha


def candidates(translation: Translation) -> tuple[Translation, ...]:
    """Every alpha with the side information of either input."""
    return tuple(
        replace(translation, weights=(round(1.0 - alpha, 6), alpha), side_from=side)
        for side in translation.inputs
        for alpha in ALPHAS
    )


def sweep(
    method: Method,
    task: Task,
    cache: Cache,
    validation: Sequence[str],
    test: Sequence[str],
    compute: Compute,
    *,
    batch_size: int,
    first: int,
    classify: Classify | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Rows of the sweep over every translation that the method mixes, and one per translation chosen on validation.

    Args:
        first: number of the first row, for the names of the per-image statistics.
        classify, progress: as in :func:`mmbench.evaluation.aligned.evaluate_rows`.

    Returns:
        Rows and per-image statistics as :func:`mmbench.evaluation.aligned.evaluate_rows` gives them, with
        ``selection`` in each row.
    """
    rows: list[dict[str, Any]] = []
    statistics: dict[str, np.ndarray] = {}

    for translation in method.mixes():
        mixes = candidates(translation)
        arguments: dict[str, Any] = {
            "batch_size": batch_size,
            "translations": mixes,
            "same_inputs": True,
            "progress": progress,
        }
        on_validation, _, _ = evaluate_rows(method, task, cache, validation, compute, **arguments)
        on_test, per_image, _ = evaluate_rows(method, task, cache, test, compute, classify=classify, **arguments)
        if not on_validation or not on_test:
            continue
        score = task.modality(translation.output).main.key
        scores = [row["metrics"][score] for row in on_validation]
        best = int(np.nanargmax(scores)) if not np.isnan(scores).all() else 0
        for number, selection in [*((n, SWEEP) for n in range(len(on_test))), (best, VALIDATION)]:
            for key, values in per_image.items():
                row, _, name = key.partition("/")
                if row == str(number):
                    statistics[f"{first + len(rows)}/{name}"] = values
            rows.append({**on_test[number], "selection": selection})
    return rows, statistics
