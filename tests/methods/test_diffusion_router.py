"""The diffusion router: its network, what a step trains and is told, that both forms learn, and wrong settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
import torch
from mmbench.methods.diffusion_router import DISTIL, signal
from mmbench.methods.networks.denoiser import Asked, Denoiser
from tiny_learning import learn
from torch import Tensor

from mmbench.errors import UserError
from mmbench.method import Batch, Context, Method, NetworkSize
from mmbench.modality import Depth, Rgb, Segmentation
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.task import Group, Task, Translation

CHANNELS = {"rgb": 3, "depth": 1, "labels": 5}
KEPT = torch.tensor([0.9, 0.5, 0.1])
SIZE = 4
COLOURS = torch.tensor([[-0.8, 0.8, 0.0], [0.8, -0.8, 0.3]])
TASK = Task(
    "two colours",
    "cross-modal",
    (Rgb("rgb"), Depth("depth"), Segmentation("labels", classes=("a", "b"), palette=((0, 0, 0),) * 3)),
    "rgb",
    (Group(("rgb", "labels")), Group(("rgb", "depth"))),
    (Translation(("depth",), "labels"), Translation(("labels",), "depth")),
    (Translation(("rgb",), "labels"), Translation(("rgb",), "depth")),
)


def build(name: str, **settings: Any) -> tuple[Any, Any]:
    """A method for plain images of two kinds, and its stage at laptop."""
    card = catalog.find("methods", name)
    resolved = config.resolve(card, config.profile("laptop", "cross-modal"), "cross-modal", {})
    own = {**resolved.settings, "diffusion_steps": 20, "sampling_steps": 10, **settings}
    torch.manual_seed(0)
    return catalog.load(card, "DiffusionRouter")(Context(TASK, SIZE, NetworkSize(16, 1), own)), resolved.stages[0]


def plain(count: int, seed: int) -> dict[str, Tensor]:
    """Images of one colour, with class 1 or 2 and 1 m or 4 m everywhere."""
    kind = torch.randint(2, (count,), generator=torch.Generator().manual_seed(seed))
    return {
        "rgb": COLOURS[kind][:, :, None, None].repeat(1, 1, SIZE, SIZE),
        "depth": (1.0 + 3 * kind)[:, None, None, None].repeat(1, 1, SIZE, SIZE),
        "labels": (kind + 1)[:, None, None].repeat(1, SIZE, SIZE),
    }


def batch_of(count: int) -> Callable[[int], Batch]:
    def batch(step: int) -> Batch:
        images = plain(count, 2 * step), plain(count, 2 * step + 1)
        groups = zip(TASK.groups, images, strict=True)
        return {group.name: {name: one[name] for name in group.modalities} for group, one in groups}

    return batch


def right(method: Method, *rows: Translation) -> list[float]:
    """Share of right pixels of some translations of 16 images; depths within half a metre."""
    images = plain(16, 10**6)
    with torch.inference_mode():
        made = [method.translate({row.inputs[0]: images[row.inputs[0]]}, row) for row in rows]
    return [float(((one - images[row.output]).abs() < 0.5).float().mean()) for one, row in zip(made, rows, strict=True)]


def asked(count: int, source: str, target: str, size: int = 8) -> Asked:
    image, noisy = (torch.randn(count, CHANNELS[name], size, size) for name in (source, target))
    return Asked(source, target, image, noisy, torch.randint(3, (count,)))


def test_parameters_by_hand() -> None:
    """Width 8, two levels of one block: 8 and 16 channels; embeddings of 32; 9 channels of all modalities.

    In 18 -> 8 and out 8 -> 9, 3 x 3; norm out 16. Time 8 -> 32 -> 32. Labels 2 x 3 x 32. A block a -> b: norms 2a and
    2b, convolutions, time 32 -> b, and 1 x 1 where a is not b. Down: 8 -> 8, halving 8 -> 8, 8 -> 16. Middle: two of
    16 -> 16, attention of a norm and four 16 -> 16. Up, beside it what came down: 32, 24 -> 16, doubling 16 -> 16, then
    24, 16 -> 8.
    """

    def conv(a: int, b: int, kernel: int = 3) -> int:
        return kernel * kernel * a * b + b

    def block(a: int, b: int) -> int:
        return 2 * a + conv(a, b) + (32 * b + b) + 2 * b + conv(b, b) + (conv(a, b, 1) if a != b else 0)

    ends = conv(18, 8) + conv(8, 9) + 16 + conv(8, 32, 1) + conv(32, 32, 1) + 2 * 3 * 32
    down = block(8, 8) + conv(8, 8) + block(8, 16)
    middle = 2 * block(16, 16) + 32 + 4 * conv(16, 16, 1)
    up = block(32, 16) + block(24, 16) + conv(16, 16) + block(24, 8) + block(16, 8)
    network = Denoiser(CHANNELS, NetworkSize(8, 2), 1, KEPT)
    assert sum(parameter.numel() for parameter in network.parameters()) == ends + down + middle + up


def test_several_at_once_are_each_alone_and_have_their_targets_channels() -> None:
    torch.manual_seed(0)
    network = Denoiser(CHANNELS, NetworkSize(8, 2), 1, KEPT)
    both = [asked(2, "rgb", "labels"), asked(1, "labels", "depth")]
    together = network(both)
    assert [tuple(one.shape) for one in together] == [(2, 5, 8, 8), (1, 1, 8, 8)]
    for one, made in zip(both, together, strict=True):
        torch.testing.assert_close(network([one])[0], made, rtol=1e-4, atol=1e-5)


def test_the_predictor_hears_of_source_target_step_and_image() -> None:
    torch.manual_seed(0)
    network = Denoiser({"a": 1, "b": 1, "c": 1}, NetworkSize(8, 2), 1, KEPT)
    image, noisy = torch.randn(2, 1, 1, 8, 8)
    first = Asked("a", "b", image, noisy, torch.tensor([1]))
    changes = ({"source": "c"}, {"target": "c"}, {"image": image + 1}, {"noisy": noisy + 1}, {"steps": first.steps + 1})
    (made,) = network([first])
    for change in changes:
        assert (network([dataclasses.replace(first, **change)])[0] - made).abs().max() > 1e-3, change


def test_noise_is_what_goes_by_the_network_and_what_it_makes() -> None:
    """sigma x + sqrt(a) v: where the network makes nothing, the noise is a share of the noisy image."""
    network = Denoiser(CHANNELS, NetworkSize(8, 2), 1, KEPT)
    for parameter in network.network.conv_out.parameters():
        torch.nn.init.zeros_(parameter)
    one = asked(3, "rgb", "depth")
    share = (1 - KEPT[one.steps]).sqrt()[:, None, None, None]
    torch.testing.assert_close(network([one])[0], share * one.noisy)


def test_gradients_at_the_start_reach_every_layer_alive() -> None:
    method, stage = build("diffusion-router")
    batch = batch_of(8)(0)
    torch.stack(list(method.loss("generator", batch, method(batch, stage), stage).values())).sum().backward()
    for name, parameter in method.denoiser.named_parameters():
        assert parameter.grad is not None
        # A bias of attention's keys shifts all scores of a pixel alike, which a soft-max does not see.
        if "to_k.bias" not in name:
            assert 1e-6 < float(parameter.grad.norm()) < 10, name


@pytest.mark.parametrize("zeta", [0.0, 0.25, 1.0])
def test_zeta_weighs_what_comes_from_the_anchor(zeta: float) -> None:
    method, stage = build("diffusion-router", zeta=zeta)
    batch = batch_of(2)(0)
    weights = {(t.asked.source, t.asked.target): t.weight for t, _ in method(batch, stage)}
    expected = {
        pair: zeta if pair[0] == "rgb" else 1 - zeta
        for one in ("labels", "depth")
        for pair in permutations(("rgb", one))
    }
    assert weights == expected


def test_void_and_invalid_pixels_carry_no_loss() -> None:
    method, stage = build("diffusion-router")
    batch = batch_of(2)(0)
    batch["rgb+labels"]["labels"][:, :2] = 0
    batch["rgb+depth"]["depth"][:, :, :2] = 0
    made = method(batch, stage)
    losses = method.loss("generator", batch, made, stage)
    for term, predicted in made:
        if term.asked.target != "rgb":
            predicted.data[:, :, :2] = 1e6
    again = method.loss("generator", batch, made, stage)
    assert {name: float(v.detach()) for name, v in losses.items()} == {n: float(v.detach()) for n, v in again.items()}


def test_classes_are_channels_of_minus_one_and_one_and_come_back() -> None:
    labels = TASK.modality("labels")
    ids = torch.tensor([[[0, 1], [2, 1]]])
    image = signal(labels, ids)
    assert image[0, :, 0, 0].tolist() == [1, -1, -1]
    assert image[0, :, 1, 0].tolist() == [-1, -1, 1]
    assert torch.equal(labels.from_network(image)[0].flatten()[1:], ids.flatten()[1:])
    depth = TASK.modality("depth")
    far = depth.from_network(torch.full((1, 1, 1, 1), depth.reach))
    assert float(far) == pytest.approx(11.0)


def test_the_reference_is_the_parents_average_and_says_what_is_distilled() -> None:
    parent, stage = build("diffusion-router")
    learn(parent, dataclasses.replace(stage, steps=3), batch_of(2))
    child, stage = build("diffusion-router-direct", refinements=0)
    child.start_from(parent)
    before = {name: tensor.clone() for name, tensor in child.reference.state_dict().items()}
    assert all(torch.equal(parent.average.network.state_dict()[name], tensor) for name, tensor in before.items())
    batch = batch_of(2)(7)
    terms = [(term, made) for term, made in child(batch, stage) if term.loss == DISTIL]
    assert {(t.asked.source, t.asked.target) for t, _ in terms} == {("labels", "depth"), ("depth", "labels")}
    for term, made in terms:
        asked, view = term.asked, batch[f"rgb+{term.asked.source}"]
        (said,) = parent.average.network([dataclasses.replace(asked, source="rgb", image=view["rgb"])])
        torch.testing.assert_close(term.noise, said)
        assert not term.noise.requires_grad
        assert made.requires_grad
    learn(child, dataclasses.replace(stage, steps=3), batch_of(2))
    assert all(torch.equal(before[name], tensor) for name, tensor in child.reference.state_dict().items())


def test_both_forms_learn() -> None:
    """Of two colours the class and the depth; then the unseen pair at once, which the indirect form cannot."""
    indirect, stage = build("diffusion-router")
    learn(indirect, dataclasses.replace(stage, steps=250, lr=5e-3, warmup=20), batch_of(32))
    assert min(right(indirect, *TASK.seen)) > 0.9
    assert min(right(indirect, *indirect.translations()[:2])) > 0.8
    direct, stage = build("diffusion-router-direct")
    direct.start_from(indirect)
    before = sum(right(direct, *TASK.unseen))
    learn(direct, dataclasses.replace(stage, steps=90, lr=1e-3), batch_of(32))
    after = right(direct, *TASK.unseen)
    assert min(after) > 0.7
    assert sum(after) > before + 0.2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"diffusion_steps": 0}, "--set: diffusion_steps expects a number from 1 to 10000, got 0"),
        (
            {"sampling_steps": 101},
            r"toml: sampling_steps = 101: expected 1 to diffusion_steps \(100\)",
        ),
        ({"sampling_steps": 0}, r"diffusion_router.toml: sampling_steps = 0: expected 1 to diffusion_steps"),
        ({"zeta": 1.5}, "--set: zeta expects a number from 0 to 1, got 1.5"),
        ({"zeta": -0.1}, "--set: zeta expects a number from 0 to 1, got -0.1"),
        ({"refinements": 8}, "--set: refinements expects a number from 0 to 7, got 8"),
    ],
)
def test_settings_out_of_range_are_a_line_before_anything_runs(overrides: dict[str, Any], message: str) -> None:
    profile = config.profile("laptop", "cross-modal")
    with pytest.raises(UserError, match=message):
        config.resolve(catalog.find("methods", "diffusion-router-direct"), profile, "cross-modal", overrides)


def test_sampling_steps_that_do_not_divide_are_a_line() -> None:
    with pytest.raises(UserError, match="7 sampling steps do not divide 20 diffusion steps; choose a divisor"):
        build("diffusion-router", sampling_steps=7)


def test_distilling_without_a_reference_is_a_line() -> None:
    method, stage = build("diffusion-router")
    with pytest.raises(UserError, match="distil = true: expected of a method with direct = true"):
        method(batch_of(2)(0), dataclasses.replace(stage, options={"distil": True}))
