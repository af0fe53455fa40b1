"""Each setting of ``mmnet-study`` against a case worked out by hand; and without any, M&MNets to the last bit."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmbench.methods.mmnet import ANCHOR_AUTOENCODER
from mmbench.methods.networks.code import Code
from mmbench.methods.networks.pooled import encode_levels, top_left
from mmbench.methods.networks.residual import ResidualEncoder
from mmbench.methods.networks.segnet import SegNetEncoder
from torch import Tensor, nn

from mmbench.errors import UserError
from mmbench.method import Method, NetworkSize, Stage
from mmbench.planning import config
from mmbench.plugins import catalog, keys
from mmbench.task import Translation
from mmbench.training.loop import set_modes

GROUPS = (("rgb+segmentation", "segmentation"), ("rgb+depth", "depth"))


def ready(bench: Any, stage_name: str = "align", **settings: Any) -> tuple[Any, Stage]:
    method, resolved = bench.build("mmnet-study", overrides=settings)
    (stage,) = (stage for stage in resolved.stages if stage.name == stage_name)
    set_modes(method, stage)
    return method, stage


@pytest.fixture
def batch(bench: Any) -> Any:
    return bench.loader("mmnet-study").batch(0, 0)


def test_without_a_setting_it_trains_mmnet_to_the_last_bit(bench: Any, tmp_path: Path) -> None:
    study = bench.train("mmnet-study", tmp_path / "study").state_dict()
    mmnet = bench.train("mmnet", tmp_path / "mmnet").state_dict()
    assert study.keys() == mmnet.keys()
    assert all(torch.equal(study[name], mmnet[name]) for name in mmnet)


@pytest.mark.parametrize("profile_name", ["smoke", "laptop", "short", "paper"])
def test_without_a_setting_its_stages_are_mmnets(profile_name: str) -> None:
    profile = config.profile(profile_name, "cross-modal")
    study, mmnet = (
        config.resolve(catalog.find("methods", name), profile, "cross-modal", {}) for name in ("mmnet-study", "mmnet")
    )
    assert len(study.stages) == len(mmnet.stages)
    for mine, theirs in zip(study.stages, mmnet.stages, strict=True):
        known = {name: weight for name, weight in theirs.weights.items() if name != "pseudo_pairs"}
        assert {name: mine.weights[name] for name in known} == known
        for name in mine.weights.keys() - known.keys() - {"latent_levels"}:
            assert mine.weights[name] == theirs.weights[name.removesuffix("_autoencoder")]
        options = {name: value for name, value in theirs.options.items() if name != "pseudo_pairs"}
        plain = dataclasses.replace(theirs, weights=mine.weights, options=options)
        assert mine == plain
    assert {name: study.settings[name] for name in mmnet.settings} == {**mmnet.settings, "sweep": False}


def test_no_other_method_depends_on_this_one() -> None:
    """So that none of their results is stale for what is changed here: keys hold the source of what is imported."""
    with pytest.MonkeyPatch.context() as patch:
        read, parsed = set(), keys._read

        def noting(file: Path, module: str) -> tuple[str, list[str]]:
            read.add(module)
            return parsed(file, module)

        patch.setattr(keys, "_read", noting)
        for card in catalog.cards("methods").values():
            if card.module != "mmbench.methods.mmnet_study":
                keys.source_digest(card.path, card.module)
        assert "mmbench.methods.networks.unpool" in read
        assert not read & {"mmbench.methods.mmnet_study", "mmbench.methods.networks.pooled"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_levels", "last4"), ("noise_kind", "uniform"), ("noise_on", "anchor"), ("bn", "per-group"),
        ("berhu_c", "tenth"), ("autoencoder_weights", "other"), ("side_information", "fxied"),
    ],
)  # fmt: skip
def test_a_value_that_is_no_choice_is_a_line(name: str, value: str, bench: Any) -> None:
    with pytest.raises(UserError, match=f"--set: {name} cannot be '{value}'"):
        bench.build("mmnet-study", overrides={name: value})


@pytest.mark.parametrize("network", ["segnet", "residual"])
def test_features_after_the_last_poolings_are_torchs(network: str) -> None:
    size = NetworkSize(width=2, poolings=3, convs=(1, 1, 1), blocks=1, kernel=3)
    kind: type[nn.Module] = SegNetEncoder if network == "segnet" else ResidualEncoder
    encoder = kind(3, size, side="pooling-indices").eval()
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    code, pooled = encode_levels(encoder, x, 2)
    expected = [x]
    for level in encoder.get_submodule("levels").children():
        expected.append(F.max_pool2d(level(expected[-1]), 2))
    assert [tuple(features.shape) for features in pooled] == [(2, 4, 4, 4), (2, 8, 2, 2)]
    assert all(torch.equal(one, other) for one, other in zip(pooled, expected[2:], strict=True))
    assert torch.equal(code.latent, encoder(x).latent)
    if network == "segnet":
        assert torch.equal(code.latent, pooled[-1])
    assert encode_levels(encoder, x, 0)[1] == ()
    assert len(encode_levels(encoder, x, 99)[1]) == 3


@pytest.mark.parametrize(("levels", "count"), [("last3", 2), ("all", 2)])
def test_consistency_at_several_levels_is_mean_squares(levels: str, count: int, bench: Any, batch: Any) -> None:
    """The networks of the test have two poolings, so ``last3`` is all of them."""
    method, stage = ready(bench, latent_levels=levels)
    losses = method.loss("generator", batch, method(batch, stage), stage)
    expected, compared = 0.0, 0
    for view, other in GROUPS:
        features = []
        for name in ("rgb", other):
            x = method.task.modality(name).to_network(batch[view][name])
            if name == "rgb":  # one pass over both groups: in training mode statistics are of all of it
                x = torch.cat([method.task.modality(name).to_network(batch[v][name]) for v in batch])
            levels_of = []
            for level in method.encoders[name].levels:
                x = F.max_pool2d(level(x), 2)
                levels_of.append(x)
            place = list(batch).index(view)
            features.append([f.chunk(2)[place] if name == "rgb" else f for f in levels_of])
        for anchor, own in zip(*features, strict=True):
            expected, compared = expected + ((anchor - own) ** 2).mean(), compared + 1
    assert compared == count * len(GROUPS)
    torch.testing.assert_close(losses["latent_levels"], expected)
    assert "latent" not in losses
    assert stage.weights["latent_levels"] == 10.0


def test_levels_that_are_compared_are_the_last_ones(bench: Any) -> None:
    """By hand: of errors 1, 2 and 3 at three levels of two groups, mean squares 1, 4 and 9 each."""
    method, _ = ready(bench, latent_levels="last3")
    batch = {view: {"rgb": torch.zeros(1), other: torch.zeros(1)} for view, other in GROUPS}
    pooled: dict[Any, tuple[Tensor, ...]] = {}
    for view, other in GROUPS:
        pooled[view, "rgb"] = tuple(torch.zeros(2, 3, size, size) for size in (4, 2, 1))
        pooled[view, other] = tuple(torch.full((2, 3, s, s), e) for s, e in ((4, 1.0), (2, 2.0), (1, 3.0)))
    assert float(method._level_loss(batch, pooled)) == 2 * (1 + 4 + 9)


def test_half_normal_noise_has_its_mean_and_no_negative_value(bench: Any) -> None:
    method, _ = ready(bench, noise_kind="half-normal")
    torch.manual_seed(0)
    noise = method._with_noise(Code(torch.zeros(200_000)), 0.5).latent
    assert noise.min() >= 0
    assert float(noise.mean()) == pytest.approx(0.5 * math.sqrt(2 / math.pi), abs=3e-3), "0.399: the 0.4 as released"
    assert float(noise.square().mean()) == pytest.approx(0.25, abs=5e-3)
    method, _ = ready(bench)
    torch.manual_seed(0)
    plain = method._with_noise(Code(torch.zeros(200_000)), 0.5).latent
    assert torch.equal(plain.abs(), noise)
    assert abs(float(plain.mean())) < 5e-3


def test_noise_on_the_anchors_translations_alone(bench: Any, batch: Any) -> None:
    """With two draws of noise R -> S and R -> D differ; autoencoders and all that the RGB decoder makes do not.

    In eval mode, or batch statistics would carry the noise from one code of a decoder's batch to another.
    """
    method, stage = ready(bench, noise_on="anchor-translations")
    method.eval()
    made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        made.append(method(batch, stage).outputs)
    noisy = {
        (one.source[1], one.target) for one, other in zip(*made, strict=True) if not torch.equal(one.raw, other.raw)
    }
    assert noisy == {("rgb", "segmentation"), ("rgb", "depth")}


def test_statistics_per_source_are_those_of_calls_of_their_own(bench: Any, batch: Any) -> None:
    """RGB of a group is normalized by itself: as F.batch_norm does it, and not as in one call for both groups."""
    separate, stage = ready(bench, "translate", bn="per-source")
    joint, _ = ready(bench, "translate")
    first = separate.encoders["rgb"].levels[0]
    convolution, norm = first[0], first[1]
    seen: list[Tensor] = []
    hook = norm.register_forward_hook(lambda _module, _inputs, made: seen.append(made))
    separate(batch, stage)
    hook.remove()
    assert len(seen) == len(batch)
    for made, view in zip(seen, batch, strict=True):
        x = convolution(separate.task.modality("rgb").to_network(batch[view]["rgb"]))
        expected = F.batch_norm(x, None, None, norm.weight, norm.bias, training=True, eps=norm.eps)
        torch.testing.assert_close(made, expected.relu())  # what follows the norm rectifies in place
    one, both = separate(batch, stage), joint(batch, stage)
    assert not torch.allclose(one.codes["rgb+depth", "rgb"].latent, both.codes["rgb+depth", "rgb"].latent)


def test_decoders_too_are_called_once_per_source(bench: Any, batch: Any) -> None:
    method, stage = ready(bench, bn="per-source")
    calls: list[int] = []
    hook = method.decoders["segmentation"].register_forward_hook(lambda *given: calls.append(len(given[2])))
    method(batch, stage)
    hook.remove()
    assert calls == [bench.profile.batch] * 2, "R -> S and S -> S"


def test_the_largest_error_as_c_makes_berhu_the_absolute_error(bench: Any, batch: Any) -> None:
    method, stage = ready(bench, berhu_c="max")
    made = method(batch, stage)
    losses = method.loss("generator", batch, made, stage)
    depth, expected = method.task.modality("depth"), torch.zeros(())
    for output in (o for o in made.outputs if o.target == "depth"):
        error = (output.raw - depth.to_network(output.truth)).abs().squeeze(1)
        c = error.amax(dim=(1, 2), keepdim=True)
        values = torch.where(error <= c, error, (error**2 + c**2) / (2 * c))  # eq. 4.6 as it is printed
        expected = expected + values[depth.valid(output.truth)].mean()
    torch.testing.assert_close(losses["depth"], expected)
    fifth, _ = ready(bench)
    other = fifth.loss("generator", batch, made, stage)
    assert other["depth"] > losses["depth"]
    assert all(torch.equal(other[name], losses[name]) for name in losses if name != "depth")


def test_autoencoders_of_other_modalities_can_be_weighed_apart(bench: Any, batch: Any) -> None:
    method, stage = ready(bench, autoencoder_weights="own")
    named = {(o.source[1], o.target): o.loss for o in method(batch, stage).outputs}
    assert named["segmentation", "segmentation"] == "segmentation_autoencoder"
    assert named["depth", "depth"] == "depth_autoencoder"
    assert named["rgb", "rgb"] == ANCHOR_AUTOENCODER
    assert all(loss == target for (source, target), loss in named.items() if source != target)
    torch.manual_seed(0)
    apart = method.loss("generator", batch, method(batch, stage), stage)
    shared, _ = ready(bench)
    torch.manual_seed(0)
    together = shared.loss("generator", batch, shared(batch, stage), stage)
    torch.testing.assert_close(apart["segmentation"] + apart["segmentation_autoencoder"], together["segmentation"])
    torch.testing.assert_close(apart["depth"] + apart["depth_autoencoder"], together["depth"])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_fixed_indices_are_the_top_left_of_their_windows(layout: torch.memory_format) -> None:
    """Those that torch finds where every window is zero."""
    indices = torch.full((2, 3, 2, 4), 7).contiguous(memory_format=layout)
    _, expected = F.max_pool2d(torch.zeros(2, 3, 4, 8), 2, return_indices=True)
    made = top_left(indices)
    assert torch.equal(made, expected)
    assert made.stride() == indices.stride()
    assert made[0, 0].tolist() == [[0, 2, 4, 6], [16, 18, 20, 22]]


def test_unpooling_at_a_fixed_position_tells_the_decoder_nothing_but_the_latent(bench: Any, batch: Any) -> None:
    """Two images with the same latent have the same translation, whatever their own indices are."""
    method, stage = ready(bench, side_information="fixed")
    assert method.context.settings["side_information"] == "fixed"
    method.eval()
    codes = method(batch, stage).codes
    assert all(torch.equal(level, top_left(level)) for code in codes.values() for level in code.side)
    depth = batch["rgb+depth"]["depth"]
    row = Translation(("depth",), "segmentation")
    with torch.inference_mode():
        own = method.translate({"depth": depth}, row)
        pooled = method.encoders["depth"](method.task.modality("depth").to_network(depth))
        assert not torch.equal(pooled.side[0], top_left(pooled.side[0]))
        raw = method.decoders["segmentation"](Code(pooled.latent, tuple(map(top_left, pooled.side))))
    assert torch.equal(own, method.task.modality("segmentation").from_network(raw))


def test_as_released_is_all_settings_at_once(bench: Any, tmp_path: Path) -> None:
    method, resolved = bench.build("mmnet-released")
    changed = {
        "schedule": "released", "latent_levels": "last3", "noise_kind": "half-normal",
        "noise_on": "anchor-translations", "bn": "per-source", "berhu_c": "max", "autoencoder_weights": "own",
    }  # fmt: skip
    plain = bench.build("mmnet-study")[1].settings
    assert {name: value for name, value in resolved.settings.items() if value != plain[name]} == changed
    assert [stage.name for stage in resolved.stages] == ["all", "re-estimate"]
    assert isinstance(method, Method)
    paper = config.resolve(
        catalog.find("methods", "mmnet-released"), config.profile("paper", "cross-modal"), "cross-modal", {}
    )
    weights, noise = paper.stages[0].weights, paper.stages[0].options["noise"]
    assert (weights["segmentation"], weights["segmentation_autoencoder"]) == (100.0, 10.0)
    assert (weights["depth"], weights["depth_autoencoder"], weights["latent_levels"], noise) == (10.0, 10.0, 10.0, 0.5)
