from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from mmbench.modality import Depth, Rgb, Segmentation
from mmbench.task import LABEL, Group, Task, Translation, View
from mmbench.training.loader import Loader

SIZE = 4
TASK = Task(
    "t",
    "cross-modal",
    (
        Rgb("rgb"),
        Depth("depth"),
        Segmentation("segmentation", classes=("a",) * 200, palette=((0, 0, 0),) * 201),
    ),
    "rgb",
    (Group(("rgb", "segmentation")), Group(("rgb", "depth"))),
    (Translation(("depth",), "segmentation"),),
)


class Numbered:
    """Image n of every modality holds n, and the column's number beside it, so that flips can be seen."""

    def __init__(self) -> None:
        self.opened: set[str] = set()

    def index(self, ids: Sequence[str]) -> np.ndarray:
        return np.array([int(i) for i in ids])

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        self.opened.add(modality)
        kind = TASK.modality(modality).kind
        columns = np.broadcast_to(np.arange(SIZE), (len(rows), SIZE, SIZE)) + 5 * rows[:, None, None]
        if kind == "rgb":
            return np.repeat(columns[..., None], 3, -1).astype(np.uint8)
        return columns.astype(np.float32 if kind == "depth" else np.uint8)

    def labels(self, rows: np.ndarray) -> np.ndarray:
        return rows % 3


def make(*views: View, seed: int = 0, flips: bool = True, batch_size: int = 4, cache: Any = None) -> Loader:
    images: Any = cache or Numbered()
    return Loader(TASK, views, images, batch_size=batch_size, seed=seed, flips=flips, device=torch.device("cpu"))


def ids(count: int, start: int = 0) -> tuple[str, ...]:
    return tuple(str(i) for i in range(start, start + count))


PAIRED = View("rgb+depth", ids(10), ("rgb", "depth"))


def content(tensor: torch.Tensor, name: str) -> np.ndarray:
    """``(B, W)``: the first line of each image in the arrays' units."""
    array = TASK.modality(name).to_array(tensor).astype(int)
    return array[:, 0, :, 0] if name == "rgb" else array[:, 0]


def rows_of(tensor: torch.Tensor, name: str) -> list[int]:
    return [int(line.min()) // 5 for line in content(tensor, name)]


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[v][m], b[v][m]) for v in a for m in a[v])


def test_a_batch_is_a_function_of_seed_stage_and_step() -> None:
    late = make(PAIRED).batch(1, 7)
    used = make(PAIRED)
    for step in (3, 0, 12, 2):
        used.batch(0, step)
        used.batch(1, step)
    assert same(used.batch(1, 7), late)
    for other in (make(PAIRED, seed=1).batch(1, 7), make(PAIRED).batch(0, 7), make(PAIRED).batch(1, 8)):
        assert not same(other, late)


@pytest.mark.parametrize("start", [0, 1, 5])
def test_a_stream_can_begin_anywhere(start: int) -> None:
    streamed = list(make(PAIRED).stream(2, start, 7))
    assert len(streamed) == 7 - start
    assert all(same(batch, make(PAIRED).batch(2, start + i)) for i, batch in enumerate(streamed))


def test_a_gpu_is_sent_stored_values_and_makes_the_same_tensors_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of a GPU with the CPU in its place: what travels are bytes where bytes are stored."""
    view = View("all", ids(10), ("rgb", "depth", "segmentation", LABEL))
    sent: list[torch.Tensor] = []
    there = make(view)

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        sent.append(tensor)
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    there.pins = True
    made = list(there.stream(0, 0, 3))
    assert all(same(batch, make(view).batch(0, step)) for step, batch in enumerate(made))
    assert {tensor.dtype for tensor in sent} == {torch.uint8, torch.float32, torch.int64}
    assert [tensor.dtype for tensor in sent[:3]] == [torch.uint8, torch.float32, torch.uint8]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_on_a_gpu_are_those_of_the_cpu() -> None:
    view = View("all", ids(10), ("rgb", "depth", "segmentation", LABEL))
    there = make(view)
    there.device, there.pins = torch.device("cuda"), True
    batches = list(there.stream(0, 0, 20))
    for step, batch in enumerate(batches):
        for name, expected in make(view).batch(0, step)[view.name].items():
            assert batch[view.name][name].device.type == "cuda"
            # Division is by the reciprocal on a GPU: the last bit of a colour may differ.
            torch.testing.assert_close(batch[view.name][name].cpu(), expected, rtol=0, atol=2e-7)


def test_an_empty_stream_ends() -> None:
    assert list(make(PAIRED).stream(0, 3, 3)) == []


@pytest.mark.parametrize("batch_size", [1, 4, 10, 25])
def test_every_image_comes_once_before_any_comes_twice(batch_size: int) -> None:
    loader = make(PAIRED, batch_size=batch_size)
    steps = -(-50 // batch_size)
    order = [row for step in range(steps) for row in rows_of(loader.batch(0, step)[PAIRED.name]["rgb"], "rgb")]
    epochs = [order[i : i + 10] for i in range(0, 50, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 5, "each epoch has an order of its own"


def test_the_modalities_of_a_view_stay_aligned_and_are_flipped_together() -> None:
    loader = make(PAIRED)
    flipped: list[bool] = []
    for step in range(20):
        tensors = loader.batch(0, step)[PAIRED.name]
        rgb, depth = content(tensors["rgb"], "rgb"), content(tensors["depth"], "depth")
        assert np.array_equal(rgb, depth)
        flipped.extend(line[0] > line[-1] for line in rgb)
        assert all(sorted(line) == list(range(line.min(), line.min() + SIZE)) for line in rgb)
    assert 20 <= sum(flipped) <= 60, "of 80 images about half are flipped"


def test_no_flips_where_the_profile_has_none() -> None:
    loader = make(PAIRED, flips=False)
    for step in range(10):
        depth = content(loader.batch(0, step)[PAIRED.name]["depth"], "depth")
        assert all(line[0] < line[-1] for line in depth)


def test_views_of_one_modality_are_not_aligned() -> None:
    single = [View(name, ids(10), (name,)) for name in ("rgb", "depth")]
    loader = make(*single)
    pairs: list[tuple[int, int]] = []
    for step in range(20):
        batch = loader.batch(0, step)
        pairs.extend(zip(rows_of(batch["rgb"]["rgb"], "rgb"), rows_of(batch["depth"]["depth"], "depth"), strict=True))
    assert sum(a == b for a, b in pairs) < 25, "of 80 pairs about 8 agree by chance"


def test_only_the_views_are_read() -> None:
    cache = Numbered()
    loader = make(View("a", ids(3, 10), ("rgb",)), View("b", ids(4, 20), ("depth",)), cache=cache, batch_size=2)
    seen: dict[str, set[int]] = {"rgb": set(), "depth": set()}
    for step in range(6):
        batch = loader.batch(0, step)
        assert {view: set(tensors) for view, tensors in batch.items()} == {"a": {"rgb"}, "b": {"depth"}}
        seen["rgb"] |= set(rows_of(batch["a"]["rgb"], "rgb"))
        seen["depth"] |= set(rows_of(batch["b"]["depth"], "depth"))
    assert cache.opened == {"rgb", "depth"}
    assert seen == {"rgb": {10, 11, 12}, "depth": {20, 21, 22, 23}}


def test_labels_belong_to_their_images() -> None:
    view = View("judge", ids(10), ("rgb", LABEL))
    for step in range(5):
        tensors = make(view).batch(0, step)["judge"]
        assert tensors[LABEL].dtype == torch.int64
        assert tensors[LABEL].tolist() == [row % 3 for row in rows_of(tensors["rgb"], "rgb")]


def test_views_of_different_lengths_each_run_through_their_epochs() -> None:
    loader = make(View("short", ids(3), ("rgb",)), View("long", ids(20), ("rgb",)), batch_size=1)
    order = {"short": list[int](), "long": list[int]()}
    for step in range(20):
        for name, tensors in loader.batch(0, step).items():
            order[name].extend(rows_of(tensors["rgb"], "rgb"))
    assert sorted(order["long"]) == list(range(20))
    assert all(sorted(order["short"][i : i + 3]) == [0, 1, 2] for i in range(0, 18, 3))
