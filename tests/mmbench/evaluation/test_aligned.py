from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mmbench.evaluation.aligned import align, describe, evaluate_rows, numbers
from mmbench.method import Context, Method, NetworkSize
from mmbench.modality import Depth, Rgb, Segmentation
from mmbench.task import Group, Task, Translation
from mmbench.training.device import Compute

CPU = Compute(torch.device("cpu"), "fp32")
COLOURS = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
TASK = Task(
    "t",
    "cross-modal",
    (
        Rgb("rgb"),
        Depth("depth"),
        Segmentation("segmentation", classes=("a", "b", "c"), palette=COLOURS),
    ),
    "rgb",
    (Group(("rgb", "segmentation")), Group(("rgb", "depth"))),
    (Translation(("depth",), "segmentation"), Translation(("segmentation",), "depth")),
    judged="rgb",
)
ROWS = (
    *TASK.unseen,
    Translation(("rgb", "depth"), "segmentation", weights=(0.8, 0.2), side_from="rgb"),
    Translation(("depth",), "rgb"),
    Translation(("depth",), "segmentation", via="rgb", bn="re-estimated"),
)


class Images:
    """Seven test images in which depth follows from the class: 1, 2, 3 metres, except where it is wrong or missing."""

    def __init__(self) -> None:
        chance = np.random.default_rng(0)
        self.truth: dict[str, np.ndarray] = {
            "segmentation": chance.integers(0, 4, (7, 8, 8)).astype(np.uint8),
            "rgb": chance.integers(0, 256, (7, 8, 8, 3)).astype(np.uint8),
        }
        self.truth["depth"] = self.truth["segmentation"].astype(np.float32)
        self.reads: list[str] = []

    def index(self, ids: Sequence[str]) -> np.ndarray:
        return np.array([int(i) for i in ids])

    def holding(self, rows: np.ndarray, modalities: Any) -> np.ndarray:
        return np.ones(len(rows), bool)

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        self.reads.append(modality)
        return self.truth[modality][rows]

    def labels(self, rows: np.ndarray) -> np.ndarray:
        return rows % 2


class Rounding(Method):
    """Depth to class by rounding, and back; what it is called with is written down."""

    def __init__(self, images: Images, rows: tuple[Translation, ...] = ROWS) -> None:
        super().__init__(Context(TASK, 8, NetworkSize(), {}))
        self.images, self.rows = images, rows
        self.calls: list[tuple[tuple[str, ...], Translation, int, bool]] = []
        self.read_before: list[list[str]] = []

    def forward(self, batch: Any, stage: Any) -> None: ...

    def translations(self) -> tuple[Translation, ...]:
        return self.rows

    def translate(self, inputs: Any, translation: Translation, *, sample: int = 0) -> Tensor:
        self.calls.append((tuple(inputs), translation, sample, self.training))
        self.read_before.append(self.images.reads[:])
        self.images.reads.clear()
        if translation.output == "depth":
            return inputs["segmentation"].float().unsqueeze(1).clamp(min=0.1)
        if translation.output == "rgb":
            return (inputs["depth"] / 2 - 1) * torch.tensor([1.0, 0.5, -0.5]).view(1, 3, 1, 1)
        return inputs["depth"][:, 0].round().long().clamp(1, 3)


def run(method: Rounding, images: Images, batch_size: int = 3, **rest: Any) -> Any:
    ids = [str(i) for i in range(7)]
    return evaluate_rows(method, TASK, images, ids, CPU, batch_size=batch_size, **rest)  # type: ignore[arg-type]


def test_a_perfect_translator_gets_perfect_numbers() -> None:
    rows, _, pictures = run(Rounding(images := Images()), images, batch_size=7)
    segmentation, depth, *_ = rows
    assert segmentation["metrics"]["miou"] == 100.0
    assert segmentation["metrics"]["global_accuracy"] == 100.0
    assert depth["metrics"]["rmse_linear"] == 0.0
    assert [row["output_kind"] for row in rows] == ["segmentation", "depth", "segmentation", "rgb", "segmentation"]
    known = images.truth["segmentation"] > 0
    assert np.array_equal(pictures["0"][known], images.truth["segmentation"][known])


def test_the_truth_is_read_after_the_prediction_and_the_inputs_alone_before_it() -> None:
    method = Rounding(images := Images())
    run(method, images)
    for (inputs, *_), before in zip(method.calls, method.read_before, strict=True):
        previous_truth = len(before) - len(inputs)
        assert before[previous_truth:] == list(inputs)
        assert previous_truth in (0, 1)


def test_a_method_is_called_in_eval_mode_with_its_rows_arguments() -> None:
    method = Rounding(images := Images())
    method.train()
    run(method, images, batch_size=7)
    assert not any(training for *_, training in method.calls)
    for (inputs, translation, sample, _), row in zip(method.calls, ROWS, strict=True):
        assert inputs == row.inputs
        assert translation == row
        assert sample == 0


@pytest.mark.parametrize("batch_size", [1, 2, 7, 50])
def test_results_do_not_depend_on_the_batch_size(batch_size: int) -> None:
    expected_rows, expected, _ = run(Rounding(images := Images()), images, batch_size=3)
    rows, statistics, _ = run(Rounding(images), images, batch_size=batch_size)
    assert rows == expected_rows
    assert statistics.keys() == expected.keys()
    assert all(np.array_equal(statistics[key], expected[key]) for key in expected)
    assert all(len(values) == 7 for values in statistics.values()), "one line per image"


@pytest.mark.parametrize("name", ["mmnet", "majority"])
def test_a_real_methods_results_do_not_depend_on_the_batch_size(name: str, bench: Any, tmp_path: Any) -> None:
    """To a few pixels: in flat regions of a label image pooling ties, which a CPU may settle otherwise in a batch."""
    method = bench.train(name, tmp_path)
    task, test = bench.dataset.task, bench.dataset.split().test
    made = [evaluate_rows(method, task, bench.cache, test, CPU, batch_size=size)[0] for size in (1, 4)]
    for one, other in zip(*made, strict=True):
        assert one["metrics"] == pytest.approx(other["metrics"], rel=5e-3, nan_ok=True), one


def test_numbers_come_from_the_per_image_statistics() -> None:
    rows, statistics, _ = run(Rounding(images := Images()), images)
    for number, row in enumerate(rows):
        target = TASK.modality(row["output"])
        name = target.metric
        assert numbers(target, {name: statistics[f"{number}/{name}"]}) == row["metrics"]


def test_a_judge_scores_the_judged_modality_alone() -> None:
    """It says 1 for every image, and the labels of rows 0..6 are 0, 1, 0, 1, 0, 1, 0: three of seven."""
    seen: list[Tensor] = []

    def classify(images: Tensor) -> Tensor:
        seen.append(images)
        return torch.tensor([[0.0, 1.0]]).expand(len(images), 2)

    rows, statistics, _ = run(Rounding(images := Images()), images, classify=classify)
    judged = [row for row in rows if "classification_accuracy" in row["metrics"]]
    assert [row["output"] for row in judged] == ["rgb"]
    assert judged[0]["metrics"]["classification_accuracy"] == pytest.approx(300 / 7)
    assert statistics["3/correct"].tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert all(image.shape[1:] == (3, 8, 8) and image.abs().max() <= 1 for image in seen)


def test_progress_ends_with_everything() -> None:
    said: list[tuple[str, int, int]] = []
    run(Rounding(images := Images()), images, progress=lambda *what: said.append(what))
    assert said[-1] == ("evaluate", 35, 35)
    assert [done for _, done, _ in said] == sorted(done for _, done, _ in said)


def test_a_rows_key_tells_all_rows_apart() -> None:
    described = [describe(row) for row in ROWS]
    assert described[2] == {
        "inputs": "rgb+depth", "output": "segmentation", "via": "", "weights": "0.8,0.2", "side_from": "rgb",
        "bn": "trained", "checkpoint": "last",
    }  # fmt: skip
    assert len({tuple(row.items()) for row in described}) == len(ROWS)


class Encoding(Rounding):
    """Latents by hand: depth's is rgb's times two, so their cosine is 1; segmentation has none."""

    def encode(self, modality: str, tensor: Tensor) -> Tensor | None:
        assert not self.training
        base = torch.arange(1.0, 5.0).view(1, 4, 1, 1).expand(len(tensor), 4, 1, 1)
        return {"rgb": base, "depth": 2 * base, "segmentation": None}[modality]


def test_alignment_is_observed_without_a_trace() -> None:
    method = Encoding(images := Images())
    method.train()
    seen = align(method, TASK, images, ["0", "1"], CPU)  # type: ignore[arg-type]
    assert set(seen) == {"latent_std/rgb", "latent_std/depth", "alignment/rgb-depth"}
    assert seen["alignment/rgb-depth"] == pytest.approx(1.0)
    assert seen["latent_std/depth"] == pytest.approx(2 * seen["latent_std/rgb"])
    assert method.training
    assert align(Rounding(images), TASK, images, ["0"], CPU) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 2, 6])
def test_the_kept_pictures_do_not_depend_on_the_batch_of_evaluation(size: int, bench: Any, tmp_path: Any) -> None:
    method = bench.train("prior", tmp_path)
    drawn = evaluate_rows(method, bench.dataset.task, bench.cache, bench.dataset.split().test, CPU, batch_size=size)[2]
    assert len(drawn["0"]) == 6
