"""Sample translations during training: what they show, what they never show, and what they leave as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from mmbench.evaluation.aligned import predictions
from mmbench.method import Method
from mmbench.pictures import grid
from mmbench.task import Task, Translation
from mmbench.training import samples
from mmbench.training.device import Compute
from mmbench.training.samples import Sheets, random_kept

CPU = Compute(torch.device("cpu"), "fp32")


class Watched:
    """A cache that notes what is read of it."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.read_of = inner, set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        self.read_of |= {(modality, self.inner.ids[row]) for row in rows}
        return self.inner.read(modality, rows)

    read_of: set[tuple[str, str]]


@pytest.mark.parametrize("name", ["mmnet", "cascade", "oracle", "cyclegan", "prior", "majority", "unit"])
def test_of_each_image_only_its_groups_modalities_are_opened(bench: Any, name: str) -> None:
    method, _ = bench.build(name)
    split, task = bench.dataset.split(), bench.dataset.task
    cache: Any = Watched(bench.cache)
    sheets = Sheets(task, cache, split.validation, CPU, predictions)(method)
    assert sheets
    pairs: dict[str, set[str]] = {}
    for modality, image in cache.read_of:
        pairs.setdefault(image, set()).add(modality)
    assert pairs.keys() <= set(split.validation)
    for image, opened in pairs.items():
        assert any(opened <= set(group.modalities) for group in task.groups), f"{image}: {opened}"
    for sheet in sheets.values():
        assert sheet.dtype == np.uint8 and sheet.ndim == 3 and sheet.shape[2] == 3


def test_the_truth_stands_beside_seen_translations_alone(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    captions: list[list[str]] = []
    method, _ = bench.build("mmnet")

    def noted(columns: dict[str, np.ndarray], width: int) -> np.ndarray:
        captions.append(list(columns))
        return grid(columns, width)

    monkeypatch.setattr(samples, "grid", noted)
    sheets = Sheets(bench.dataset.task, bench.cache, bench.dataset.split().validation, CPU, predictions)(method)
    found = dict(zip(sheets, captions, strict=True))
    assert found["samples/rgb+depth/depth"] == [
        "depth",
        "to segmentation",
        "to rgb",
        "to segmentation by rgb",
        "true rgb",
    ]
    assert found["samples/rgb+segmentation/rgb"] == ["rgb", "to segmentation", "true segmentation"]
    assert found["samples/rgb+depth/rgb+depth"] == ["rgb", "depth", "to segmentation 0.8/0.2"]


def test_a_sheet_shows_what_the_method_makes(bench: Any) -> None:
    """The pixels of a column are the picture of the translation, enlarged."""
    method, _ = bench.build("majority")
    task, validation = bench.dataset.task, bench.dataset.split().validation

    def made(
        method: Method, task: Task, wanted: Sequence[Translation], cache: Any, rows: np.ndarray, compute: Compute
    ) -> Iterator[torch.Tensor]:
        yield torch.full((len(rows), 16, 16), 3)

    sheets = Sheets(task, bench.cache, validation, CPU, made)(method)
    (name,) = [name for name in sheets if name.endswith("/depth")]
    colour = dict(task.modality("segmentation").swatches)
    expected = task.modality("segmentation").picture(np.full((16, 16), 3, np.uint8))[0, 0]
    assert expected.tolist() in [list(one) for one in colour.values()]
    block = sheets[name][20:100, 4 + 144 + 4 + 4 : 4 + 144 + 4 + 100]
    assert (block == expected).all()


def test_random_numbers_and_statistics_stay_what_they_are(bench: Any) -> None:
    method, _ = bench.build("cascade")
    method.train()
    before = {name: tensor.clone() for name, tensor in method.state_dict().items()}
    torch.manual_seed(5)
    state = torch.get_rng_state()
    validation = bench.dataset.split().validation
    with random_kept(CPU):
        torch.rand(3)
        Sheets(bench.dataset.task, bench.cache, validation, CPU, predictions)(method)
    assert torch.equal(state, torch.get_rng_state())
    assert method.training
    assert all(torch.equal(before[name], tensor) for name, tensor in method.state_dict().items())
