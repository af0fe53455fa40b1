"""Agreement of indices and exchanged side information, against counts and translations made by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmbench.methods.networks.code import Code

from mmbench.errors import UserError
from mmbench.evaluation.aligned import numbers
from mmbench.evaluation.side_information import (
    ANOTHER,
    FIXED,
    INDICES,
    INPUT,
    NOT_ZERO_PAIR,
    PROBE,
    RANDOM,
    SEEN,
    ZERO_PAIR,
    Looked,
    Pooled,
    _placed,
    agreeing,
    agreements,
    encoders_of,
    look,
    other_scenes,
    probes,
)
from mmbench.plugins.metrics import load_metrics, scoring
from mmbench.task import Split
from mmbench.training.device import Compute

CPU = Compute(torch.device("cpu"), "fp32")


def looked_at(bench: Any, name: str, side_information: str) -> Looked:
    method = bench.build(name)[0].eval()
    split = bench.dataset.split()
    return Looked(method, bench.dataset.task, bench.cache, split, CPU, 4, side_information)


@pytest.fixture(scope="module")
def looked(bench: Any) -> Looked:
    return looked_at(bench, "mmnet", INDICES)


@pytest.fixture(scope="module")
def found(looked: Looked) -> dict[str, Any]:
    return look(looked)


def test_agreement_of_two_index_maps_by_hand() -> None:
    """Of six windows one is all zero on one side and one on the other; of the four others three agree."""
    one = Pooled(torch.tensor([[1.0, 2.0, 0.0], [3.0, 4.0, 5.0]]), torch.tensor([[0, 3, 4], [12, 15, 17]]))
    other = Pooled(torch.tensor([[9.0, 1.0, 7.0], [0.0, 1.0, 1.0]]), torch.tensor([[0, 3, 4], [12, 9, 17]]))
    assert agreeing(one, other) == (3, 4)
    assert agreeing(one, one) == (5, 5)


def test_the_next_sample_of_another_scene() -> None:
    ids, scenes = ["a1", "a2", "b1", "c1", "a3"], {"a1": "a", "a2": "a", "b1": "b", "c1": "c", "a3": "a"}
    partners = other_scenes(ids, scenes)
    assert partners is not None
    assert partners.tolist() == [2, 2, 3, 4, 2]
    assert other_scenes(["a1", "a2"], scenes) is None
    without = other_scenes(["x", "y", "z"], {})
    assert without is not None
    assert without.tolist() == [1, 2, 0]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_placed_indices_lie_in_their_windows(layout: torch.memory_format) -> None:
    x = torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=layout)
    _, indices = F.max_pool2d(x, 2, return_indices=True)
    random, fixed = _placed(indices, torch.Generator().manual_seed(1)), _placed(indices, None)
    assert random.stride() == fixed.stride() == indices.stride()
    for made in (random, fixed):
        rows, columns = made // 12, made % 12
        assert torch.equal(rows // 2, torch.arange(4).view(4, 1).expand_as(rows))
        assert torch.equal(columns // 2, torch.arange(6).expand_as(columns))
    assert not (fixed // 12 % 2).any() and not (fixed % 2).any()
    places = (random // 12 % 2) * 2 + random % 2
    assert set(places.unique().tolist()) == {0, 1, 2, 3}


def test_agreements_are_those_of_poolings_done_by_hand(looked: Looked, bench: Any) -> None:
    """Over all levels, pairs and both kinds of scenes; the encoders' levels are gone through here one by one."""
    found = agreements(looked, encoders_of(looked.method, looked.task))
    ids = looked.split.test
    images, pooled = bench.read(ids), {}
    with torch.inference_mode():
        for modality in looked.task.modalities:
            x, levels = modality.to_network(images[modality.name]), []
            for level in looked.method.get_submodule(f"encoders.{modality.name}.levels").children():
                x, indices = F.max_pool2d(level(x), 2, return_indices=True)
                levels.append((x, indices))
            pooled[modality.name] = levels
    assert len(found) == 2 * 3 * 2
    for row in found:
        first, second = row["modalities"].split(",")
        (a, i), (b, j) = pooled[first][row["level"] - 1], pooled[second][row["level"] - 1]
        if row["scenes"] == "different":
            b, j = b.roll(-1, 0), j.roll(-1, 0)
        both = (a > 0) & (b > 0)
        assert (row["agreeing"], row["compared"]) == (int((both & (i == j)).sum()), int(both.sum()))
        assert row["windows"] == i.numel()


def test_groups_of_what_is_looked_at(looked: Looked) -> None:
    """Whose side information an unseen translation takes decides: RGB's and the truth's are not zero-pair."""
    rows = [(t.inputs[0], t.output, side, latent, group) for t, side, latent, group in probes(looked.task, INDICES)]
    unseen = [row for row in rows if row[0] != "rgb"]
    for source, output in (("depth", "segmentation"), ("segmentation", "depth")):
        mine = [row[2:] for row in unseen if row[:2] == (source, output)]
        assert mine == [
            (INPUT, INPUT, ZERO_PAIR), (RANDOM, INPUT, PROBE), (FIXED, INPUT, PROBE), (INPUT, ANOTHER, PROBE),
            ("rgb", INPUT, NOT_ZERO_PAIR), (output, INPUT, NOT_ZERO_PAIR),
        ]  # fmt: skip
    assert {row[4] for row in rows if row[0] == "rgb"} == {SEEN, PROBE}
    for kind, own in (("none", ""), (FIXED, FIXED)):
        assert {(side, group) for _, side, _, group in probes(looked.task, kind)} == {
            (own, ZERO_PAIR), (own, PROBE), (own, SEEN)
        }  # fmt: skip


def test_each_row_is_what_its_codes_decode_to(looked: Looked, found: dict[str, Any], bench: Any) -> None:
    """D -> S with each kind of indices and latent, joined here by hand, and scored by the metric itself."""
    images = bench.read(looked.split.test)
    method, task = looked.method, looked.task
    segmentation = task.modality("segmentation")
    metrics = scoring(load_metrics(), segmentation)
    with torch.inference_mode():
        codes = {
            m.name: method.get_submodule(f"encoders.{m.name}")(m.to_network(images[m.name])) for m in task.modalities
        }
        depth = codes["depth"]
        joined = {
            (INPUT, INPUT): depth,
            ("rgb", INPUT): Code(depth.latent, codes["rgb"].side),
            ("segmentation", INPUT): Code(depth.latent, codes["segmentation"].side),
            (FIXED, INPUT): Code(depth.latent, tuple(_placed(level, None) for level in depth.side)),
            (INPUT, ANOTHER): Code(depth.latent.roll(-1, 0), depth.side),
        }
        decoder = method.get_submodule("decoders.segmentation")
        made = {key: segmentation.from_network(decoder(code)) for key, code in joined.items()}
    rows = {
        (r["side"], r["latent"]): r for r in found["rows"] if (r["inputs"], r["output"]) == ("depth", "segmentation")
    }
    assert rows.keys() == made.keys() | {(RANDOM, INPUT)}
    assert not torch.equal(made[INPUT, INPUT], made["rgb", INPUT])
    for key, prediction in made.items():
        statistics = {
            name: metric.measure(prediction, images["segmentation"], segmentation) for name, metric in metrics.items()
        }
        assert rows[key]["metrics"] == pytest.approx(numbers(segmentation, statistics), nan_ok=True), key


def test_looking_changes_nothing_and_gives_the_same_again(looked: Looked, found: dict[str, Any]) -> None:
    before = {name: value.clone() for name, value in looked.method.state_dict().items()}
    again = look(looked)
    assert all(torch.equal(value, looked.method.state_dict()[name]) for name, value in before.items())
    assert repr(again) == repr(found)
    assert not any(module._forward_hooks for module in looked.method.modules())


def test_without_another_scene_there_is_no_such_row(looked: Looked) -> None:
    split = looked.split
    parts = [ids for part, ids in split.parts().items() if part != "test"]
    one_room = {**{i: i for ids in parts for i in ids}, **dict.fromkeys(split.test, "room")}
    alone = dataclasses.replace(looked, split=Split(split.groups, split.validation, split.test, one_room))
    made = look(alone)
    assert not [row for row in made["rows"] if row["latent"] == ANOTHER]
    assert {row["scenes"] for row in made["agreement"]} == {"one"}


def test_methods_without_encoders_and_decoders_are_refused(bench: Any) -> None:
    with pytest.raises(UserError, match="it has no encoder/rgb: side information is exchanged"):
        look(looked_at(bench, "cyclegan", ""))


@pytest.mark.parametrize(("name", "kind"), [("mmnet-none", "none"), ("mmnet-skip", "skip"), ("mmnet-fixed", FIXED)])
def test_other_kinds_of_side_information(name: str, kind: str, bench: Any) -> None:
    made = look(looked_at(bench, name, kind))
    assert made["agreement"] == []
    sides = {(row["side"], row["latent"]) for row in made["rows"] if row["inputs"] == "depth"}
    own = {"none": "", "skip": INPUT, FIXED: FIXED}[kind]
    more = {("rgb", INPUT), ("segmentation", INPUT)} if kind == "skip" else set()
    assert sides == {(own, INPUT), (own, ANOTHER)} | more
    assert all(np.isfinite(value) for row in made["rows"] for key, value in row["metrics"].items() if key == "miou")
