"""LPIPS between pairs of images of one domain: by hand, with a stand-in for AlexNet, and through the evaluation."""

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
from mmbench.evaluation import diversity, image_pairs
from mmbench.evaluation.image_pairs import BATCH, PAIRS, Gallery, drawn_pairs
from mmbench.evaluation.reverse import one_per_pair
from mmbench.evaluation.unpaired import evaluate_domains
from mmbench.method import Context, Method
from mmbench.schedule import NetworkSize
from mmbench.task import Split, Translation
from mmbench.training import cache
from mmbench.training.device import Compute

SIZE = 32
DEVICE = torch.device("cpu")
LEVELS = {"dark": 20, "grey": 120, "light": 200}
STEP = 10  # grey levels between a domain's images
COUNT = 3  # test images of a domain


def mean_difference(one: Tensor, two: Tensor) -> Tensor:
    """Instead of LPIPS: mean absolute difference, by which a grey level is 1 / 127.5."""
    assert one.shape == two.shape and one.shape[-1] == diversity.SIDE, "enlarged to what AlexNet needs"
    return (one - two).abs().mean()


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_pairs, "perceptual_distance", lambda device: mean_difference)


def greys(*levels: float) -> Tensor:
    return (torch.tensor(levels)[:, None, None, None] / 127.5 - 1).expand(-1, 3, SIZE, SIZE)


def test_the_mean_over_pairs_by_hand() -> None:
    """Levels 0, 51, 153 and 255: pairs are 51, 153, 255, 102, 204 and 102 apart, 867 in all; 25.5 levels are 0.2."""
    gallery = Gallery({"a": 4, "b": 1, "c": 2})
    gallery.add("a", greys(0, 51))
    gallery.add("c", greys(100, 100))
    gallery.add("a", greys(153, 255))
    gallery.add("b", greys(7))
    found = gallery.distances(DEVICE)
    assert found["a"] == pytest.approx(867 / 6 / 127.5)
    assert np.isnan(found["b"]), "one image has no pair"
    assert found["c"] == 0.0


def test_pairs_are_different_images_drawn_once() -> None:
    assert drawn_pairs(4).tolist() == [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3]]
    assert drawn_pairs(1).shape == drawn_pairs(0).shape == (0, 2)
    for count in (30, 5000, 100_000):
        pairs = drawn_pairs(count)
        assert pairs.shape == (PAIRS, 2) and len({tuple(pair) for pair in pairs.tolist()}) == PAIRS
        assert (pairs[:, 0] < pairs[:, 1]).all() and pairs.min() >= 0 and pairs.max() < count
        assert 0.2 * count < pairs.mean() < 0.8 * count, "from all images"
        assert np.array_equal(pairs, drawn_pairs(count))


def test_only_drawn_images_are_kept_and_all_of_their_pairs_count() -> None:
    """Image n of 60 has level n, so that a pair's distance is the difference of its numbers."""
    gallery = Gallery({"a": 60})
    for start in range(0, 60, 7):
        gallery.add("a", greys(*range(start, min(start + 7, 60))))
    pairs = drawn_pairs(60)
    assert len(pairs) > BATCH and len(pairs) % BATCH == 0
    assert gallery.distances(DEVICE)["a"] == pytest.approx(float(np.diff(pairs).mean()) / 127.5, rel=1e-5)
    assert set(gallery._kept["a"]) == set(pairs.ravel().tolist())


def test_without_weights_and_of_small_images_it_is_undefined(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = Gallery({"a": 2})
    gallery.add("a", greys(0, 255)[..., :16, :16])
    assert np.isnan(gallery.distances(DEVICE)["a"])
    monkeypatch.setattr(image_pairs, "perceptual_distance", lambda device: None)
    large = Gallery({"a": 2})
    large.add("a", greys(0, 255))
    assert np.isnan(large.distances(DEVICE)["a"])


def test_a_pair_that_is_made_in_several_ways_counts_once() -> None:
    ways = [
        Translation(("a",), "b"),
        Translation(("a",), "b", via="c"),
        Translation(("b",), "a"),
        Translation(("c",), "b"),
    ]
    assert one_per_pair(ways) == [0, 2, 3]


class Greys(Dataset):
    """Even images of three brightnesses; the three test images of a domain are ten levels apart."""

    def __init__(self) -> None:
        super().__init__(None, DataLimits())
        self.task = domain_task("greys", tuple(LEVELS), "grey")

    def split(self) -> Split:
        def ids(name: str, start: int, stop: int) -> tuple[str, ...]:
            return tuple(f"{name}/{number}" for number in range(start, stop))

        groups = {
            f"grey+{name}": (*ids(name, 3, 4), *ids("grey", 3 + n, 4 + n)) for n, name in enumerate(("dark", "light"))
        }
        return Split(groups, (), tuple(i for name in LEVELS for i in ids(name, 0, COUNT)))

    def manifest(self) -> str:
        return "greys"

    def holds(self, sample_id: str) -> tuple[str, ...]:
        return (sample_id.split("/")[0],)

    def sample(self, sample_id: str) -> Sample:
        name, number = sample_id.split("/")
        return {name: np.full((SIZE, SIZE, 3), LEVELS[name] + STEP * int(number), np.uint8)}


class Shift(Method):
    """Adds the difference of two domains' brightness: every translation is an image of the target."""

    def forward(self, batch: Any, stage: Any) -> None: ...

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        ((source, image),) = inputs.items()
        return image + (LEVELS[translation.output] - LEVELS[source]) / 127.5

    def translations(self) -> Any:
        return (*self.task.unseen, *self.task.seen)


class Collapse(Shift):
    """One image for every input."""

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        ((_, image),) = inputs.items()
        return torch.full_like(image, LEVELS[translation.output] / 127.5 - 1)


@pytest.mark.parametrize(("kind", "levels"), [(Shift, 16 / 15 * STEP), (Collapse, 0.0)])
def test_a_method_without_a_code_has_no_sample_diversity_but_lpips(
    kind: type[Shift], levels: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three real images: 1, 1 and 2 steps apart. To a domain six translations, two of each level: of their 15 pairs 3
    are alike, 4 + 4 one step apart and 4 two: 16 / 15 steps.
    """
    monkeypatch.setattr("mmbench.evaluation.reverse.STEPS", 1)
    dataset = Greys()
    ids = [i for part in dataset.split().parts().values() for i in part]
    images = cache.open_cache(dataset, "test", ids, SIZE, tmp_path)
    method = kind(Context(dataset.task, SIZE, NetworkSize(), {}))
    compute = Compute(DEVICE, "fp32")
    rows, _ = evaluate_domains(method, dataset, images, dataset.split().test, compute, None, batch_size=2)
    assert len(rows) == 6
    for row in rows:
        assert row["metrics"]["sample_diversity"] == 0.0
        assert row["metrics"]["lpips/real"] == pytest.approx(4 / 3 * STEP / 127.5, rel=1e-4)
        assert row["metrics"]["lpips/translated"] == pytest.approx(levels / 127.5, rel=1e-4)
