"""The sweep over alpha: which rows there are, that validation chooses and test only reports, what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmbench.evaluation.aligned import evaluate_rows, numbers
from mmbench.evaluation.sweep import ALPHAS, candidates, sweep
from mmbench.reporting import SWEEP, VALIDATION
from mmbench.task import Translation
from mmbench.training.device import Compute

CPU = Compute(torch.device("cpu"), "fp32")
MIX = Translation(("rgb", "depth"), "segmentation", weights=(0.8, 0.2), side_from="rgb")


def test_every_alpha_with_the_side_information_of_either_input() -> None:
    made = candidates(MIX)
    assert len(set(made)) == len(made) == 2 * len(ALPHAS)
    assert MIX in made
    assert {(t.weights[1], t.side_from) for t in made if t.weights} == {(a, s) for a in ALPHAS for s in MIX.inputs}
    assert all(t.weights is not None and sum(t.weights) == 1.0 for t in made)


def test_validation_chooses_and_test_reports(bench: Any, tmp_path: Path) -> None:
    method = bench.train("mmnet", tmp_path)
    task, split = bench.dataset.task, bench.dataset.split()
    rows, statistics = sweep(method, task, bench.cache, split.validation, split.test, CPU, batch_size=4, first=10)
    of_one = 2 * len(ALPHAS) + 1
    assert [row["selection"] for row in rows] == ([SWEEP] * (of_one - 1) + [VALIDATION]) * 2
    for number, row in enumerate(rows):
        target = task.modality(row["output"])
        again = numbers(target, {target.metric: statistics[f"{10 + number}/{target.metric}"]})
        np.testing.assert_equal(again, row["metrics"])
    for start, score in ((0, "miou"), (of_one, "delta_1.25")):
        swept, chosen = rows[start : start + of_one - 1], rows[start + of_one - 1]
        mixes = candidates(task.multi_modal[start // of_one])
        on_validation, _, _ = evaluate_rows(
            method, task, bench.cache, split.validation, CPU, batch_size=4, translations=mixes
        )
        best = int(np.argmax([row["metrics"][score] for row in on_validation]))
        assert {**swept[best], "selection": VALIDATION} == chosen


def test_methods_without_mixes_have_no_sweep(bench: Any) -> None:
    for name in ("cascade", "mmnet-skip"):
        method, _ = bench.build(name)
        assert sweep(method, bench.dataset.task, bench.cache, ("x",), ("y",), CPU, batch_size=1, first=0) == ([], {})
