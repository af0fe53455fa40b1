"""Unpaired domains: what a loader may read, and what the metrics say of translations whose quality is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmbench.datasets.domains import domain_task
from torch import Tensor

from mmbench.dataset import DataLimits, Dataset, Sample
from mmbench.evaluation.judged import accuracy_on_real
from mmbench.evaluation.metrics.unpaired import content, kernel_distance
from mmbench.evaluation.unpaired import evaluate_domains, translation_matrix
from mmbench.method import Context, Method
from mmbench.schedule import NetworkSize
from mmbench.task import Access, Split, Translation
from mmbench.training import cache
from mmbench.training.device import Compute
from mmbench.training.loader import held_views

SIZE = 16
LEVELS = {"dark": 20, "grey": 120, "light": 220}
CPU = Compute(torch.device("cpu"), "fp32")


class Greys(Dataset):
    """Images of three brightnesses with a square in each; nine of each domain, six of them for the test."""

    def __init__(self) -> None:
        super().__init__(None, DataLimits())
        self.task = domain_task("greys", tuple(LEVELS), "grey")

    def split(self) -> Split:
        def ids(start: int, stop: int) -> tuple[str, ...]:
            return tuple(f"{name}/{n}" for name in LEVELS for n in range(start, stop))

        groups = {"grey+dark": ("dark/0", "grey/0", "dark/1"), "grey+light": ("light/0", "grey/1", "light/1")}
        return Split(groups, ids(2, 3), ids(3, 9))

    def manifest(self) -> str:
        return "greys"

    def holds(self, sample_id: str) -> tuple[str, ...]:
        return (sample_id.split("/")[0],)

    def sample(self, sample_id: str) -> Sample:
        name, number = sample_id.split("/")
        image = np.full((SIZE, SIZE, 3), LEVELS[name], np.uint8)
        image[2 + int(number) : 8 + int(number), 4:10] += 20
        return {name: image}


class Brightness:
    """A judge that tells a domain by the mean brightness, and sees it as the only feature."""

    def classify(self, images: Tensor) -> Tensor:
        centres = torch.tensor([level / 127.5 - 1 for level in LEVELS.values()])
        return -(images.mean((1, 2, 3))[:, None] - centres).abs()

    def features(self, images: Tensor) -> Tensor:
        return images.mean((1, 2, 3))[:, None]


class Shift(Method):
    """Adds the difference of two domains' brightness: right everywhere, but to ``dark``, which it leaves alone."""

    def forward(self, batch: Any, stage: Any) -> None: ...

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        ((source, image),), output = inputs.items(), translation.output
        return image if output == "dark" else image + (LEVELS[output] - LEVELS[source]) / 127.5

    def translations(self) -> Any:
        return (*self.task.unseen, *self.task.seen)


@pytest.fixture
def greys(tmp_path: Path) -> tuple[Greys, cache.Cache]:
    dataset = Greys()
    ids = [i for part in dataset.split().parts().values() for i in part]
    return dataset, cache.open_cache(dataset, "test", ids, SIZE, tmp_path)


def test_an_unpaired_view_lists_the_images_of_its_domain_from_every_group() -> None:
    dataset = Greys()
    views = {view.name: view for view in held_views(dataset, dataset.split(), Access.UNPAIRED)}
    assert {name: view.ids for name, view in views.items()} == {
        "dark": ("dark/0", "dark/1"), "grey": ("grey/0", "grey/1"), "light": ("light/0", "light/1"),
    }  # fmt: skip
    assert all(view.modalities == (name,) for name, view in views.items())


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classifiers of translations that learn nothing, where they are not looked at."""
    monkeypatch.setattr("mmbench.evaluation.reverse.STEPS", 10)


@pytest.mark.usefixtures("hasty")
def test_rows_say_what_is_right_and_what_is_not(greys: tuple[Greys, cache.Cache]) -> None:
    dataset, images = greys
    method = Shift(Context(dataset.task, SIZE, NetworkSize(), {}))
    rows, statistics = evaluate_domains(
        method, dataset, images, dataset.split().test, CPU, Brightness(), batch_size=2
    )  # fmt: skip
    accuracy = {(r["inputs"], r["output"]): r["metrics"]["classification_accuracy"] for r in rows}
    assert accuracy == {
        ("dark", "light"): 100.0, ("light", "dark"): 0.0,
        ("grey", "dark"): 0.0, ("dark", "grey"): 100.0, ("grey", "light"): 100.0, ("light", "grey"): 100.0,
    }  # fmt: skip
    for number, row in enumerate(rows):
        assert row["output_kind"] == "domain"
        assert row["metrics"]["content"] == pytest.approx(1.0, abs=1e-4), "a constant keeps every contour"
        assert statistics[f"{number}/correct"].shape == (6,), "one entry per test image of the input's domain"
    distance = {(r["inputs"], r["output"]): r["metrics"]["kid"] for r in rows}
    assert distance["light", "dark"] > 10 * abs(distance["dark", "light"])
    assert accuracy_on_real(Brightness(), dataset, images, dataset.split().test, CPU, 2) == 100.0


@pytest.mark.usefixtures("hasty")
def test_without_a_judge_only_contours_are_told(greys: tuple[Greys, cache.Cache]) -> None:
    dataset, images = greys
    method = Shift(Context(dataset.task, SIZE, NetworkSize(), {}))
    rows, _ = evaluate_domains(method, dataset, images, dataset.split().test, CPU, None, batch_size=4)
    told = {metric.partition("/")[0] for metric in rows[0]["metrics"]}
    assert told == {"content", "sample_diversity", "lpips", "reverse_accuracy", "reverse_ceiling", "real_images"}


@pytest.mark.usefixtures("hasty")
def test_progress_tells_of_the_classifiers_too(greys: tuple[Greys, cache.Cache]) -> None:
    """One for each half of seen, unseen and all pairs, one of real images: most of the time goes to them."""
    dataset, images = greys
    method = Shift(Context(dataset.task, SIZE, NetworkSize(), {}))
    said: list[tuple[str, int, int]] = []
    evaluate_domains(
        method, dataset, images, dataset.split().test, CPU, None, batch_size=4, progress=lambda *what: said.append(what)
    )
    assert said[:6] == [("evaluate", done, 6) for done in range(1, 7)]
    assert said[6:] == [("train classifiers", done, 7) for done in (2, 4, 6, 7)]


def test_rows_hold_the_reverse_accuracy_of_their_kind(greys: tuple[Greys, cache.Cache]) -> None:
    dataset, images = greys
    method = Shift(Context(dataset.task, SIZE, NetworkSize(), {}))
    test_ids, state = dataset.split().test, torch.get_rng_state()
    sizes = (2, 6)
    one, other = (evaluate_domains(method, dataset, images, test_ids, CPU, None, batch_size=b)[0] for b in sizes)
    assert torch.equal(torch.get_rng_state(), state)
    for row, its_other in zip(one, other, strict=True):
        np.testing.assert_equal(row["metrics"], its_other["metrics"], "the same whatever the batches")
    by_target: dict[tuple[str, str], set[float]] = {}
    for row in one:
        kind, whole = (name for name in row["metrics"] if name.startswith("reverse_accuracy"))
        assert whole == "reverse_accuracy/all"
        assert kind.endswith("/seen") == ("grey" in (row["inputs"], row["output"]))
        for name in (kind, whole):
            by_target.setdefault((name, row["output"]), set()).add(row["metrics"][name])
        assert row["metrics"]["reverse_ceiling"] == 100.0 and row["metrics"]["real_images"] == 6
        assert row["metrics"]["sample_diversity"] == 0.0, "no random code"
        assert np.isnan(row["metrics"]["lpips/real"]), "images of 16 pixels"
    assert by_target["reverse_accuracy/seen", "light"] == {100.0}
    assert all(len(values) == 1 for values in by_target.values()), "one classifier for a kind of pairs"


def test_few_test_images_tell_nothing(greys: tuple[Greys, cache.Cache]) -> None:
    dataset, images = greys
    method = Shift(Context(dataset.task, SIZE, NetworkSize(), {}))
    counts = {"dark": 4, "grey": 6, "light": 3}
    few = [f"{name}/{number}" for name, count in counts.items() for number in range(3, 3 + count)]
    rows, _ = evaluate_domains(method, dataset, images, few, CPU, Brightness(), batch_size=6)
    for row in rows:
        assert np.isnan(row["metrics"]["kid"]) == ("light" in (row["inputs"], row["output"]))
        reverse = [value for name, value in row["metrics"].items() if name.startswith("reverse")]
        assert len(reverse) == 3 and np.isnan(reverse).all()
        assert row["metrics"]["real_images"] == counts[row["output"]]


def test_a_method_with_a_random_code_draws_one_for_every_image(
    greys: tuple[Greys, cache.Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Random(Shift):
        def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
            ((_, image),) = inputs.items()
            asked.append((len(image), sample))
            return (image + 0.1 * sample).clamp(-1, 1)

        def translations(self) -> Any:
            return self.task.seen[:1]

    monkeypatch.setattr(
        "mmbench.evaluation.unpaired.diversity", lambda draw: float((draw(sample=1) - draw(sample=0)).mean())
    )
    dataset, images = greys
    method = Random(Context(dataset.task, SIZE, NetworkSize(), {}))
    rows, _ = evaluate_domains(method, dataset, images, dataset.split().test, CPU, None, batch_size=4)
    assert rows[0]["metrics"]["sample_diversity"] == pytest.approx(0.1, abs=0.01)
    assert asked[:2] == [(4, 1), (4, 0)], "diversity looks at a few images"
    assert [count for count, _ in asked[2:]] == [1] * 6 and len({sample for _, sample in asked[2:]}) == 6


def test_the_matrix_has_inputs_on_its_diagonal(greys: tuple[Greys, cache.Cache]) -> None:
    dataset, images = greys
    method = Shift(Context(dataset.task, SIZE, NetworkSize(), {}))
    made = translation_matrix(method, dataset, images, dataset.split().test, CPU)
    assert list(made["domains"]) == list(LEVELS)
    assert made["matrix"].shape == (3, 3, SIZE, SIZE, 3)
    for number, name in enumerate(LEVELS):
        assert np.array_equal(made["matrix"][number, number], dataset.sample(f"{name}/3")[name])
    expected = dataset.sample("light/3")["light"].astype(int)
    assert np.abs(made["matrix"][0, 2].astype(int) - expected).max() <= 1


def test_contours_are_those_of_the_input() -> None:
    draw = torch.Generator().manual_seed(0)
    image = torch.rand(4, 3, 32, 32, generator=draw) * 2 - 1
    assert content(image, image) == pytest.approx(1.0)
    assert content(image, -image) == pytest.approx(1.0), "an inversion keeps every edge"
    assert content(image, image.flip(0)).max() < 0.5
    assert content(image, torch.zeros_like(image)).max() < 0.1


def test_kernel_distance_by_hand() -> None:
    """Features 0 and 2 against 1 and 1, in one dimension, kernel (x y + 1)^3, own pairs without the diagonal."""
    real, made = np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])
    own_real, own_made = 1.0, 8.0  # k(0, 2), k(1, 1)
    across = (1 + 1 + 27 + 27) / 4  # k(0, 1) twice, k(2, 1) twice
    assert kernel_distance(real, made) == pytest.approx(own_real + own_made - 2 * across)
    assert np.isnan(kernel_distance(real[:1], made))
