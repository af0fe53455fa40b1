"""The contract of a method, losses and gradients: they train every network of every player, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from contract import BF16, CARDS, CPU, INTERVALS, METHODS, as_profile, check_losses, check_translation, frozen_roles

from mmbench.evaluation.aligned import predict
from mmbench.store.folder import CellFolder
from mmbench.task import Access, views
from mmbench.training.device import Compute
from mmbench.training.loader import Loader
from mmbench.training.loop import LossSums, make_optimizers, train, train_step


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
            method, alone, 0, [bench.loader(name).batch(0, 0)], make_optimizers(method, alone, CPU), CPU, LossSums({})
        )
        reached = {r for r, net in method.networks().items() if any(p.grad is not None for p in net.parameters())}
        assert reached
        assert {method.player_of(role) for role in reached} == {player}


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
        train(method, [one], bench.loader(name), CellFolder(folder), CPU, seed=0, intervals=INTERVALS)
        for role, network in method.networks().items():
            same = [torch.equal(before[role][key], value) for key, value in network.state_dict().items()]
            if role in frozen:
                assert all(same), f"{role} changed although stage {stage.name} freezes it"
            elif method.player_of(role) in stage.players:
                assert not all(same), f"{role} did not change in stage {stage.name}"


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
    train(method, stages, loader, CellFolder(tmp_path), cuda, seed=0, intervals=INTERVALS)
    assert all(torch.isfinite(value).all() for value in method.state_dict().values() if value.is_floating_point())
    rows = bench.cache.index(split.test[:2])
    for row in method.translations():
        made = predict(method, task, row, bench.cache, rows, cuda).cpu()
        check_translation(task.modality(row.output), made, 2, bench.profile.size)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["mmnet", "cyclegan", "pix2pix-cascade", "unit", "oracle"])
def test_a_step_on_cuda_waits_for_nothing(name: str, bench: Any) -> None:
    """The CPU only hands out work: reading a value back would leave the GPU idle until the next is handed out."""
    cuda = Compute(torch.device("cuda"), "bf16")
    method, resolved = as_profile(bench, "paper").build(name)
    method.to(cuda.device, memory_format=torch.channels_last)
    batch = {
        view: {modality: tensor.to(cuda.device) for modality, tensor in tensors.items()}
        for view, tensors in bench.loader(name).batch(0, 0).items()
    }
    for stage in resolved.stages:
        optimizers, sums = make_optimizers(method, stage, cuda), LossSums({})
        train_step(method, stage, 0, [batch] * stage.rounds, optimizers, cuda, sums)
        torch.cuda.set_sync_debug_mode("error")
        try:
            train_step(method, stage, 1, [batch] * stage.rounds, optimizers, cuda, sums)
        finally:
            torch.cuda.set_sync_debug_mode("default")
