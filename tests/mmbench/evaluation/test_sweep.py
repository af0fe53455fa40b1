"""The sweep over alpha: which rows there are, that validation chooses and test only reports, what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
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


def test_the_inputs_are_encoded_once_a_batch_for_all_candidates(bench: Any, tmp_path: Path) -> None:
    method, calls = bench.train("mmnet", tmp_path), []
    for name, encoder in method.encoders.items():
        encoder.register_forward_pre_hook(lambda *_, name=name: calls.append(name))
    method.mixes = lambda: (MIX,)
    split = bench.dataset.split()
    sweep(method, bench.dataset.task, bench.cache, split.validation, split.test, CPU, batch_size=4, first=0)
    batches = sum(-(-len(ids) // 4) for ids in (split.validation, split.test))
    assert calls == ["rgb", "depth"] * batches


@pytest.mark.parametrize("name", ["mmnet", "mmnet-skip", "mmnet-none", "majority"])
def test_translations_of_the_same_inputs_are_the_same_bits_alone(name: str, bench: Any) -> None:
    method, _ = bench.build(name)
    images = bench.read(bench.dataset.split().test[:3])
    given = {name: images[name] for name in MIX.inputs}
    direct = candidates(MIX) if name.startswith("mmnet") else method.translations()[:1]
    with torch.inference_mode():
        method.eval()
        together = list(method.translate_each(given, direct))
        alone = [method.translate(given, translation) for translation in direct]
    assert len(together) == len(direct)
    assert all(torch.equal(a, b) for a, b in zip(together, alone, strict=True))
    assert len(direct) == 1 or not all(torch.equal(together[0], other) for other in together)


def test_methods_without_mixes_have_no_sweep(bench: Any) -> None:
    for name in ("cascade", "mmnet-skip"):
        method, _ = bench.build(name)
        assert sweep(method, bench.dataset.task, bench.cache, ("x",), ("y",), CPU, batch_size=1, first=0) == ([], {})
