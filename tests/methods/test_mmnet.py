"""What is particular to Mix-and-Match Networks: what a step decodes, pseudo-pairs, how codes are joined."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from mmbench.methods.mmnet import ANCHOR_AUTOENCODER, PSEUDO, Output, Step
from torch import Tensor

from mmbench.method import Method, Stage
from mmbench.store.folder import CellFolder
from mmbench.task import Translation
from mmbench.training.device import Compute
from mmbench.training.loop import Intervals, set_modes, train

SEEN = ["rgb", "depth", "rgb", "segmentation"]  # targets of R<->S and R<->D
AUTOENCODED = ["rgb", "rgb", "depth", "segmentation"]


def ready(bench: Any, name: str, stage_name: str, **changes: Any) -> tuple[Method, Stage]:
    """A fresh method in the modes of one of its stages."""
    method, resolved = bench.build(name)
    (stage,) = (stage for stage in resolved.stages if stage.name == stage_name)
    stage = dataclasses.replace(stage, **changes)
    set_modes(method, stage)
    return method, stage


@pytest.fixture(scope="module")
def trained(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Method:
    method: Method = bench.train("mmnet", tmp_path_factory.mktemp("mmnet")).eval()
    return method


@pytest.fixture
def images(bench: Any) -> dict[str, Tensor]:
    read: dict[str, Tensor] = bench.read(bench.dataset.split().test[:4])
    return read


def translate(method: Method, *names: str, **rest: Any) -> Tensor:
    """``translate(method, images=..., "depth", "segmentation")``: the last name is the output."""
    images = rest.pop("images")
    with torch.inference_mode():
        row = Translation(names[:-1], names[-1], **rest)
        return method.translate({name: images[name] for name in row.inputs}, row)


@pytest.mark.parametrize(
    ("name", "stage", "seen", "pseudo"),
    [
        ("mmnet", "translate", SEEN, []),
        ("mmnet", "align", SEEN + AUTOENCODED, []),
        ("mmnet-control", "pseudo-pairs", SEEN + AUTOENCODED, []),
        ("mmnet-pp", "pseudo-pairs", SEEN + AUTOENCODED, ["depth", "segmentation"]),
        ("mmnet-pp-input", "pseudo-pairs", SEEN + AUTOENCODED, ["depth", "segmentation"]),
    ],
)
def test_what_a_step_decodes(name: str, stage: str, seen: list[str], pseudo: list[str], bench: Any) -> None:
    """4 translations; with autoencoders 8: RS, SS, SR, RR of one group and RD, DD, DR, RR of the other; 2 pseudo."""
    method, asked = ready(bench, name, stage)
    made = method(bench.loader(name).batch(0, 0), asked)
    assert Counter(o.target for o in made.outputs if o.loss != PSEUDO) == Counter(seen)
    assert Counter(o.target for o in made.outputs if o.loss == PSEUDO) == Counter(pseudo)


@pytest.mark.parametrize("name", ["mmnet", "mmnet-pp", "mmnet-pp-input"])
def test_each_network_runs_once_per_step_in_training_mode(name: str, bench: Any) -> None:
    """One pass over all images, so that batch statistics are those of both groups together."""
    stage_name = "align" if name == "mmnet" else "pseudo-pairs"
    method, stage = ready(bench, name, stage_name, frozen=())
    passes: Counter[str] = Counter()
    for role, network in method.networks().items():
        network.register_forward_hook(lambda module, *_, role=role: passes.update([role] * module.training))
    made = method(bench.loader(name).batch(0, 0), stage)
    method.loss("generator", bench.loader(name).batch(0, 0), made, stage)
    assert passes == Counter(dict.fromkeys(method.networks(), 1))


def test_pseudo_targets_are_eval_mode_translations_of_the_anchor(bench: Any) -> None:
    """Eq. 4.12, 4.13: T_RD(x) for x of D_RS and T_RS(x) for x of D_RD, with running statistics."""
    method, stage = ready(bench, "mmnet-pp", "pseudo-pairs")
    batch = bench.loader("mmnet-pp").batch(0, 0)
    teacher = bench.build("mmnet-pp")[0].eval()
    pseudo = {o.target: o for o in method(batch, stage).outputs if o.loss == PSEUDO}
    for view, output in (("rgb+segmentation", "depth"), ("rgb+depth", "segmentation")):
        assert torch.equal(pseudo[output].truth, translate(teacher, "rgb", output, images=batch[view]))
    assert method.get_submodule("encoders.depth").training


@pytest.mark.parametrize("name", ["mmnet-pp", "mmnet-pp-input"])
def test_pseudo_pairs_send_no_gradient_into_the_translators_that_make_them(name: str, bench: Any) -> None:
    """Nothing is frozen here: what stays without gradient does so because the pseudo-images carry none.

    In eval mode, because batch statistics would couple the pseudo-pairs' codes with the others decoded beside them.
    """
    method, stage = ready(bench, name, "pseudo-pairs", frozen=())
    method.eval()
    batch = bench.loader(name).batch(0, 0)
    made = method(batch, stage)
    only = dataclasses.replace(made, outputs=[o for o in made.outputs if o.loss == PSEUDO])
    losses = method.loss("generator", batch, only, stage)
    losses["pseudo_pairs"].backward()
    gradients = {role: [p.grad for p in n.parameters() if p.grad is not None] for role, n in method.networks().items()}
    touched = {role for role, found in gradients.items() if any(gradient.any() for gradient in found)}
    assert touched == {"encoder/depth", "encoder/segmentation", "decoder/depth", "decoder/segmentation"}
    assert not any(o.truth.requires_grad for o in only.outputs)


def test_the_two_directions_of_pseudo_pairs(bench: Any) -> None:
    """``input`` trains with real targets, ``target`` (the equations) with made ones."""
    for name, real in (("mmnet-pp", False), ("mmnet-pp-input", True)):
        method, stage = ready(bench, name, "pseudo-pairs")
        batch = bench.loader(name).batch(0, 0)
        for output in (o for o in method(batch, stage).outputs if o.loss == PSEUDO):
            truths = [tensors[output.target] for tensors in batch.values() if output.target in tensors]
            assert any(torch.equal(output.truth, truth) for truth in truths) == real


def test_latent_noise_is_added_in_training_only(bench: Any, images: dict[str, Tensor]) -> None:
    method, stage = ready(bench, "mmnet", "align")
    assert stage.options["noise"] > 0
    batch = bench.loader("mmnet").batch(0, 0)
    quiet = dataclasses.replace(stage, options={**stage.options, "noise": 0.0})

    def raw(of: Stage, seed: int) -> Tensor:
        torch.manual_seed(seed)
        return torch.cat([o.raw.flatten() for o in method(batch, of).outputs])

    assert not torch.equal(raw(stage, 1), raw(stage, 2))
    assert torch.equal(raw(stage, 1), raw(stage, 1))
    assert torch.equal(raw(quiet, 1), raw(quiet, 2))
    method.eval()
    torch.manual_seed(1)
    first = translate(method, "depth", "segmentation", images=images), method.encode("depth", images["depth"])
    second = translate(method, "depth", "segmentation", images=images), method.encode("depth", images["depth"])
    for a, b in zip(first, second, strict=True):
        assert a is not None and b is not None and torch.equal(a, b)


def test_latent_consistency_compares_the_codes_without_noise(bench: Any) -> None:
    """Eq. 4.10, 4.11, computed here by hand: R against S in one group, R against D in the other."""
    method, stage = ready(bench, "mmnet", "align")
    batch = bench.loader("mmnet").batch(0, 0)
    made = method(batch, stage)
    value = method.loss("generator", batch, made, stage)["latent"]
    expected = sum(
        (made.codes[view, "rgb"].latent - made.codes[view, other].latent).flatten(1).norm(dim=1).mean()
        for view, other in (("rgb+segmentation", "segmentation"), ("rgb+depth", "depth"))
    )
    assert method.context.settings["latent_reduction"] == "norm"
    torch.testing.assert_close(value, expected)
    code = method.get_submodule("encoders.depth")(method.task.modality("depth").to_network(batch["rgb+depth"]["depth"]))
    torch.testing.assert_close(made.codes["rgb+depth", "depth"].latent, code.latent)


def test_the_anchors_autoencoder_is_one_expectation_over_all_groups(bench: Any) -> None:
    """Eq. 4.3 by hand: errors of 1 in one group and of 3 in the other are a mean square of (1 + 9) / 2.

    Eq. 4.1 and 4.2 are an expectation per group, so that the same errors of translations sum to 1 + 9.
    """
    method, stage = ready(bench, "mmnet", "align", players={"generator": 1})
    assert method.context.settings["reduction"] == "mean"
    size, outputs = bench.profile.size, []
    for view, source, error in (("rgb+segmentation", "segmentation", 1.0), ("rgb+depth", "depth", 3.0)):
        truth = torch.zeros(2, 3, size, size)
        outputs.append(Output((view, "rgb"), "rgb", truth, ANCHOR_AUTOENCODER, raw=truth + error))
        outputs.append(Output((view, source), "rgb", truth, "rgb", raw=truth + error))
    stage = dataclasses.replace(stage, options={**stage.options, "latent": False})
    losses = method.loss("generator", bench.loader("mmnet").batch(0, 0), Step(outputs, {}), stage)
    assert {name: float(value) for name, value in losses.items()} == {ANCHOR_AUTOENCODER: 5.0, "rgb": 10.0}


def test_the_anchor_autoencoders_loss_carries_its_own_name(bench: Any) -> None:
    """So that it can be weighed apart; the others enter under the modality that they decode."""
    method, stage = ready(bench, "mmnet", "align")
    made = method(bench.loader("mmnet").batch(0, 0), stage)
    own = [(o.source[1], o.target) for o in made.outputs if o.loss == ANCHOR_AUTOENCODER]
    assert own == [("rgb", "rgb")] * 2
    assert all(o.loss == o.target for o in made.outputs if o.loss != ANCHOR_AUTOENCODER)


def test_weights_of_one_and_zero_are_the_single_input(trained: Method, images: dict[str, Tensor]) -> None:
    for side in ("rgb", None):
        both = translate(trained, "rgb", "depth", "segmentation", images=images, weights=(1.0, 0.0), side_from=side)
        assert torch.equal(both, translate(trained, "rgb", "segmentation", images=images))
    other = translate(trained, "rgb", "depth", "segmentation", images=images, weights=(0.0, 1.0), side_from="depth")
    assert torch.equal(other, translate(trained, "depth", "segmentation", images=images))


def test_side_information_comes_from_the_stated_input(trained: Method, images: dict[str, Tensor]) -> None:
    """With all weight on RGB, depth can enter through its pooling indices alone."""
    changed = {**images, "depth": images["depth"].flip(-1)}
    arguments = ("rgb", "depth", "segmentation")
    for side, same in (("rgb", True), ("depth", False)):
        before = translate(trained, *arguments, images=images, weights=(1.0, 0.0), side_from=side)
        after = translate(trained, *arguments, images=changed, weights=(1.0, 0.0), side_from=side)
        assert torch.equal(before, after) == same


def test_unseen_rows_take_the_side_information_of_their_own_input(trained: Method, images: dict[str, Tensor]) -> None:
    """B -> C decodes with B's indices: the published code used RGB's there, which no zero-pair result may."""
    depth = trained.get_submodule("encoders.depth")(trained.task.modality("depth").to_network(images["depth"]))
    raw = trained.get_submodule("decoders.segmentation")(depth)
    expected = trained.task.modality("segmentation").from_network(raw)
    assert torch.equal(translate(trained, "depth", "segmentation", images=images), expected)


@pytest.mark.parametrize(("source", "target"), [("depth", "segmentation"), ("segmentation", "depth")])
def test_a_cascade_is_two_translations_chained(
    source: str, target: str, trained: Method, images: dict[str, Tensor]
) -> None:
    middle = translate(trained, source, "rgb", images=images)
    expected = translate(trained, "rgb", target, images={"rgb": middle})
    assert torch.equal(translate(trained, source, target, images=images, via="rgb"), expected)


def test_re_estimated_statistics_stand_beside_the_trained_ones(
    bench: Any, trained: Method, images: dict[str, Tensor], tmp_path: Path
) -> None:
    rows = trained.translations()
    for source, target in (("depth", "segmentation"), ("segmentation", "depth")):
        assert Translation((source,), target, via="rgb", bn="trained") in rows
        assert Translation((source,), target, via="rgb", bn="re-estimated") in rows
    plain = translate(trained, "segmentation", "depth", images=images, via="rgb")
    again = translate(trained, "segmentation", "depth", images=images, via="rgb", bn="re-estimated")
    assert not torch.allclose(plain, again)
    assert torch.equal(plain, translate(trained, "segmentation", "depth", images=images, via="rgb"))

    method, resolved = bench.build("mmnet")
    before = {key: value.clone() for key, value in method.state_dict().items()}
    observe = [dataclasses.replace(stage, index=0) for stage in resolved.stages if not stage.players]
    cpu = Compute(torch.device("cpu"), "fp32")
    train(method, observe, bench.loader("mmnet"), CellFolder(tmp_path), cpu, seed=0, intervals=Intervals(1, 9, 9))
    changed = {key for key, value in method.state_dict().items() if not torch.equal(before[key], value)}
    assert changed
    assert all(key.startswith("banks.") for key in changed)


def test_a_child_drops_its_parents_re_estimated_statistics(bench: Any, trained: Method) -> None:
    """They describe the parent's images; applied before new ones are observed they would be wrong, so it raises."""
    child, _ = bench.build("mmnet-pp")
    child.start_from(trained)
    child.eval()
    images = bench.read(bench.dataset.split().test[:1])
    with pytest.raises(RuntimeError, match="before any were observed"):
        translate(child, "depth", "segmentation", images=images, via="rgb", bn="re-estimated")
