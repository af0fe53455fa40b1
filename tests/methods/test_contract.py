"""The contract of a method, over everything the catalog finds, variants and plug-ins from outside included."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mmbench.evaluation.aligned import predict
from mmbench.method import Batch, Context, Losses, Method, Stage
from mmbench.modality import MINIMUM_DEPTH, Modality, Rgb, Scalar
from mmbench.planning import config
from mmbench.planning.order import Order
from mmbench.plugins import catalog
from mmbench.schedule import DataLimits
from mmbench.store.folder import CellFolder
from mmbench.task import Access, Group, Split, Task, Translation, views
from mmbench.training import checkpoint
from mmbench.training.device import Compute
from mmbench.training.loader import Loader
from mmbench.training.loop import Rhythm, Tally, make_optimizers, set_modes, train, train_step

CARDS = {
    name: card for name, card in catalog.cards("methods").items() if card.get("ROLE") != "judge" and not card.problem
}
METHODS = [name for name, card in CARDS.items() if "cross-modal" in card["KINDS"]]
CHILDREN = [name for name in METHODS if CARDS[name].get("PARENT")]
CROSS_CHANNEL = [name for name, card in CARDS.items() if "cross-channel" in card["KINDS"]]

CPU = Compute(torch.device("cpu"), "fp32")
BF16 = Compute(torch.device("cpu"), "bf16")
RHYTHM = Rhythm(log=1, checkpoint=2, observe=100)

THETAS = Task(
    name="thetas",
    kind="cross-channel",
    modalities=(Scalar("theta1"), Scalar("theta2"), Rgb("theta3")),
    anchor="theta1",
    groups=(Group(("theta1", "theta2")), Group(("theta1", "theta3"))),
    unseen=(Translation(("theta2",), "theta3"),),
    seen=(Translation(("theta1",), "theta3"),),
    multi_modal=(Translation(("theta1", "theta2"), "theta3", weights=(0.5, 0.5), side_from="theta1"),),
    judged="theta3",
)


class InterruptError(Exception):
    """Stands for a kill."""


@pytest.fixture(scope="module")
def trained(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Trained methods by name, each trained once; tests must not change them."""
    made: dict[str, tuple[Method, Path]] = {}

    def get(name: str) -> tuple[Method, Path]:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            made[name] = (bench.train(name, folder).eval(), folder)
        return made[name]

    return get


def as_profile(bench: Any, name: str) -> Any:
    """The bench with smoke sizes and another profile's overlays: ``paper`` brings the adversarial terms."""
    return dataclasses.replace(bench, profile=dataclasses.replace(bench.profile, name=name))


def backward(method: Method, stage: Stage, batch: Batch, compute: Compute) -> Iterator[tuple[str, Losses]]:
    """One step without the optimizers: each player's losses, its gradients in place."""
    set_modes(method, stage)
    with compute.autocast():
        made = method(batch, stage)
    for player in stage.players:
        with compute.autocast():
            losses = method.loss(player, batch, made, stage)
        method.zero_grad(set_to_none=True)
        torch.stack([value.float() for value in losses.values()]).sum().backward()
        yield player, losses


def check_losses(method: Method, stages: tuple[Stage, ...], batch: Batch, compute: Compute) -> None:
    """Finite scalars per player and stage, and gradients that over all stages reach every role not frozen."""
    reached = set()
    stages = tuple(stage for stage in stages if stage.players)
    for stage in stages:
        for player, losses in backward(method, stage, batch, compute):
            where = f"stage {stage.name}, {player}"
            assert losses, where
            for name, value in losses.items():
                assert value.shape == (), f"{where}: {name}"
                assert torch.isfinite(value), f"{where}: {name}"
            for role, network in method.networks().items():
                wanted = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
                if method.player_of(role) == player and any(p.grad is not None for _, p in wanted):
                    missing = [n for n, p in wanted if p.grad is None]
                    assert not missing, f"{where}: no gradient in {role}: {missing}"
                    reached.add(role)
    always_frozen = [set(frozen_roles(method, stage)) for stage in stages]
    assert not always_frozen or reached == set(method.networks()) - set.intersection(*always_frozen)


def frozen_roles(method: Method, stage: Stage) -> list[str]:
    names = [name.replace("/anchor", f"/{method.task.anchor}") for name in stage.frozen]
    found = [role for role in method.networks() if any(role == n or role.startswith(n) for n in names)]
    assert bool(found) == bool(names), f"stage {stage.name} freezes {names}, which are no roles of the method"
    return found


def check_translation(modality: Modality, made: Tensor, count: int, size: int) -> None:
    if modality.kind == "segmentation":
        assert made.shape == (count, size, size)
        assert made.dtype == torch.int64
        assert made.min() >= 1
        assert made.max() <= len(modality.classes)
        return
    assert made.shape == (count, modality.channels, size, size)
    assert made.dtype == torch.float32
    assert torch.isfinite(made).all()
    if modality.kind == "depth":
        assert made.min() >= MINIMUM_DEPTH
    else:
        assert made.min() >= -1.0
        assert made.max() <= 1.0


def translate(method: Method, row: Translation, images: dict[str, Tensor]) -> Tensor:
    with torch.inference_mode():
        return method.translate(
            {name: images[name] for name in row.inputs},
            row.output, via=row.via, weights=row.weights, side_from=row.side_from, bn=row.bn,
        )  # fmt: skip


@pytest.mark.parametrize(("profile", "compute"), [("smoke", CPU), ("paper", CPU), ("paper", BF16)])
@pytest.mark.parametrize("name", METHODS)
def test_every_player_of_every_stage_has_losses_that_train_its_networks(
    name: str, profile: str, compute: Compute, bench: Any
) -> None:
    """bf16 as well: autocast remembers casts, and one made without gradient must not be met again in training."""
    method, resolved = as_profile(bench, profile).build(name)
    check_losses(method, resolved.stages, bench.loader(name).batch(0, 0), compute)


@pytest.mark.parametrize("name", ["mmnet", "pix2pix-cascade", "stargan-paired"])
def test_a_players_step_leaves_gradients_in_its_own_networks_only(name: str, bench: Any) -> None:
    method, resolved = as_profile(bench, "paper").build(name)
    (stage, *_) = resolved.stages
    for player in ("generator", "discriminator"):
        alone = dataclasses.replace(stage, players={player: 1})
        train_step(
            method, alone, 0, bench.loader(name).batch(0, 0), make_optimizers(method, alone, CPU), CPU, Tally({})
        )
        reached = {r for r, net in method.networks().items() if any(p.grad is not None for p in net.parameters())}
        assert reached
        assert {method.player_of(role) for role in reached} == {player}


@pytest.mark.parametrize("name", METHODS)
def test_every_row_is_translated_into_the_output_modality_and_is_valid(name: str, bench: Any, trained: Any) -> None:
    method, _ = trained(name)
    images = bench.read(bench.dataset.split().test[:3])
    rows = method.translations()
    assert rows
    assert len(set(rows)) == len(rows)
    for row in rows:
        made = translate(method, row, images)
        check_translation(bench.dataset.task.modality(row.output), made, 3, bench.profile.size)


@pytest.mark.parametrize("name", METHODS)
def test_a_prediction_does_not_depend_on_its_batch(name: str, bench: Any, trained: Any) -> None:
    """A pooling index or an arg-max may flip by a rounding error, so a share of 1 % of the pixels is let through."""
    method, _ = trained(name)
    images = bench.read(bench.dataset.split().test[:4])
    for row in method.translations():
        together = translate(method, row, images).double()
        single = [translate(method, row, {n: x[i : i + 1] for n, x in images.items()}) for i in range(4)]
        differs = (together - torch.cat(single).double()).abs() > 1e-3
        assert differs.double().mean() < 0.01, row.name


@pytest.mark.parametrize("name", METHODS)
def test_translating_reads_the_inputs_only_and_changes_nothing(name: str, bench: Any, trained: Any) -> None:
    class OnlyInputs:
        allowed: tuple[str, ...] = ()

        def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
            assert modality in self.allowed
            array: np.ndarray = bench.cache.read(modality, rows)
            return array

    method, _ = trained(name)
    cache: Any = OnlyInputs()
    rows = bench.cache.index(bench.dataset.split().test[:2])
    before = {key: value.clone() for key, value in method.state_dict().items()}
    first: list[Tensor] = []
    for made in (first, second := list[Tensor]()):
        for row in method.translations():
            cache.allowed = row.inputs
            made.append(predict(method, bench.dataset.task, row, cache, rows, CPU))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True)), "a translation depends on earlier ones"
    assert all(torch.equal(before[key], value) for key, value in method.state_dict().items())


def train_with_interruptions(name: str, bench: Any, folder: Path) -> Method:
    """Interrupted again and again: before the first checkpoint, between two, on one, in every later stage."""
    interruptions = 0
    for stop in (1, 3, 4, 7, 10**6):

        def interrupt(stage: str, done: int, total: int, stop: int = stop) -> None:
            if done >= min(stop, total) and stop < 10**6:
                raise InterruptError

        method, resolved = bench.build(name)
        cell, loader = CellFolder(folder), bench.loader(name)
        try:
            train(method, resolved.stages, loader, cell, CPU, seed=0, rhythm=RHYTHM, progress=interrupt)
        except InterruptError:
            interruptions += 1
    assert interruptions >= 2
    return method


@pytest.mark.parametrize("name", METHODS)
def test_an_interrupted_training_ends_with_the_same_bits(name: str, bench: Any, trained: Any, tmp_path: Path) -> None:
    whole, folder = trained(name)
    again = train_with_interruptions(name, bench, tmp_path).state_dict()
    assert not [key for key, value in whole.state_dict().items() if not torch.equal(value, again[key])]
    assert CellFolder(tmp_path).log.read_text() == CellFolder(folder).log.read_text()


@pytest.mark.parametrize("name", ["mmnet", "cascade"])
def test_an_interrupted_adversarial_training_ends_with_the_same_bits(name: str, bench: Any, tmp_path: Path) -> None:
    """Two players, two optimizers: the papers' losses at smoke size."""
    adversarial = as_profile(bench, "paper")
    whole = adversarial.train(name, tmp_path / "whole").state_dict()
    assert any(key.startswith("discriminators.") for key in whole)
    (tmp_path / "parts").mkdir()
    again = train_with_interruptions(name, adversarial, tmp_path / "parts").state_dict()
    assert not [key for key, value in whole.items() if not torch.equal(value, again[key])]


@pytest.mark.parametrize("name", METHODS)
def test_a_frozen_role_does_not_change(name: str, bench: Any, tmp_path: Path) -> None:
    method, resolved = bench.build(name)
    for stage in resolved.stages:
        if not stage.frozen or not stage.players:
            continue
        frozen = frozen_roles(method, stage)
        before = {role: {k: v.clone() for k, v in n.state_dict().items()} for role, n in method.networks().items()}
        one = dataclasses.replace(stage, index=0, steps=2, warmup=0)
        folder = tmp_path / stage.name
        folder.mkdir()
        train(method, [one], bench.loader(name), CellFolder(folder), CPU, seed=0, rhythm=RHYTHM)
        for role, network in method.networks().items():
            same = [torch.equal(before[role][key], value) for key, value in network.state_dict().items()]
            if role in frozen:
                assert all(same), f"{role} changed although stage {stage.name} freezes it"
            elif method.player_of(role) in stage.players:
                assert not all(same), f"{role} did not change in stage {stage.name}"


@pytest.mark.parametrize("name", CHILDREN)
def test_a_child_starts_from_its_parents_weights(name: str, bench: Any, trained: Any) -> None:
    parent, _ = trained(CARDS[name]["PARENT"])
    child, _ = bench.build(name, seed=1)
    child.start_from(parent)
    theirs = {role: network.state_dict() for role, network in parent.networks().items()}
    assert set(theirs) == set(child.networks())
    for role, network in child.networks().items():
        assert all(torch.equal(theirs[role][key], value) for key, value in network.state_dict().items()), role


def test_a_childs_cell_begins_where_its_parents_ended(bench: Any, tmp_path: Path, cache_folder: Path) -> None:
    """Through the cell itself, which hands a parent over: with a learning rate of 0 the parameters stay equal."""
    folders = {name: CellFolder(tmp_path / "synthetic" / "smoke" / name / "seed-0") for name in ("mmnet", "mmnet-pp")}
    for name, folder in folders.items():
        child = name == "mmnet-pp"
        order = Order(
            "synthetic", "smoke", name, 0, key="k", folder=str(folder.path), overrides={"stage.pseudo-pairs.lr": 0.0},
            cache_folder=str(cache_folder), parent=str(folders["mmnet"].path) if child else "",
            parent_method="mmnet" if child else "", device="cpu", precision="fp32", threads=1,
        )  # fmt: skip
        subprocess.run([sys.executable, "-m", "mmbench.cell"], input=order.to_json(), text=True, check=True)
    weights = {}
    for name, folder in folders.items():
        found, (method, _) = checkpoint.latest(folder.checkpoints), bench.build(name)
        assert found is not None
        checkpoint.load_weights(found, method)
        weights[name] = dict(method.named_parameters())
    assert all(torch.equal(weights["mmnet"][key], value) for key, value in weights["mmnet-pp"].items())


@pytest.mark.parametrize("name", METHODS)
def test_networks_covers_every_trainable_parameter_once_per_player(name: str, bench: Any) -> None:
    method, resolved = as_profile(bench, "paper").build(name)
    owners: dict[int, set[str]] = {}
    for role, network in method.networks().items():
        for parameter in network.parameters():
            owners.setdefault(id(parameter), set()).add(method.player_of(role))
    assert {id(parameter) for parameter in method.parameters()} == set(owners)
    assert all(len(players) == 1 for players in owners.values()), "two players train the same parameter"
    if CARDS[name]["GROUP"] != "chance":
        assert owners
    players = {player for stage in resolved.stages for player in stage.players}
    assert {player for of in owners.values() for player in of} == players


@pytest.mark.parametrize("profile", ["smoke", "paper"])
@pytest.mark.parametrize("name", CROSS_CHANNEL)
def test_cross_channel_tasks_train_and_translate(name: str, profile: str) -> None:
    chosen = dataclasses.replace(config.profile("smoke", "cross-channel"), name=profile)
    images = {m.name: torch.rand(2, m.channels, chosen.size, chosen.size) * 2 - 1 for m in THETAS.modalities}
    check_task(name, THETAS, chosen, images)


@pytest.mark.parametrize("profile", ["smoke", "paper"])
@pytest.mark.parametrize("name", METHODS)
def test_tasks_of_four_modalities_train_and_translate(name: str, profile: str) -> None:
    """As table 4.8: RGB with segmentation, RGB with depth and NIR; depth and NIR are translated to segmentation."""
    card = catalog.find("datasets", "synthetic-nir")
    chosen = dataclasses.replace(config.profile("smoke", "cross-modal"), name=profile)
    dataset = catalog.load(card, card["CLASS"])(None, DataLimits(2, 2, 2), card["SETTINGS"])
    samples = list(dataset.load(dataset.split().test, chosen.size))
    images = {m.name: m.to_tensor(np.stack([s[m.name] for s in samples])) for m in dataset.task.modalities}
    check_task(name, dataset.task, chosen, images)


def check_task(name: str, task: Task, chosen: config.Profile, images: dict[str, Tensor]) -> None:
    """Losses and gradients of every stage, and every row, on a task of another shape than the bench's."""
    resolved = config.resolve(CARDS[name], chosen, task.kind, {})
    torch.manual_seed(0)
    context = Context(task, chosen.size, chosen.network, resolved.settings)
    method: Method = catalog.load(CARDS[name], CARDS[name]["CLASS"])(context)
    ids = {group.name: (f"{group.name}-1", f"{group.name}-2") for group in task.groups}
    allowed = views(task, Split(ids, (), ("test",)), Access(CARDS[name]["ACCESS"]))
    batch = {view.name: {modality: images[modality] for modality in view.modalities} for view in allowed}
    check_losses(method, resolved.stages, batch, CPU)
    for stage in resolved.stages:
        if not stage.players:
            set_modes(method, stage)
            with torch.no_grad():
                method(batch, stage)
    method.eval()
    for row in method.translations():
        check_translation(task.modality(row.output), translate(method, row, images), 2, chosen.size)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", METHODS)
def test_one_step_of_every_stage_in_bf16_on_cuda(name: str, bench: Any, tmp_path: Path) -> None:
    cuda = Compute(torch.device("cuda"), "bf16")
    method, resolved = as_profile(bench, "paper").build(name)
    method.to(cuda.device)
    stages = [dataclasses.replace(stage, steps=1, warmup=0) for stage in resolved.stages]
    task, split = bench.dataset.task, bench.dataset.split()
    loader = Loader(
        task, views(task, split, Access(CARDS[name]["ACCESS"])), bench.cache,
        batch_size=2, seed=0, flips=True, device=cuda.device,
    )  # fmt: skip
    train(method, stages, loader, CellFolder(tmp_path), cuda, seed=0, rhythm=RHYTHM)
    assert all(torch.isfinite(value).all() for value in method.state_dict().values() if value.is_floating_point())
    rows = bench.cache.index(split.test[:2])
    for row in method.translations():
        made = predict(method, task, row, bench.cache, rows, cuda).cpu()
        check_translation(task.modality(row.output), made, 2, bench.profile.size)
