"""The contract of a method, losses and gradients: they train every network of every player, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from contract import CARDS, METHODS

from mmbench.contracts import steps
from mmbench.contracts.bench import BF16, CPU, Scale
from mmbench.contracts.subject import Subject
from mmbench.contracts.translations import check_translation
from mmbench.evaluation.aligned import predict
from mmbench.store.folder import CellFolder
from mmbench.task import Access, views
from mmbench.training.device import Compute
from mmbench.training.loader import Loader
from mmbench.training.loop import LossSums, make_optimizers, train, train_step


@pytest.mark.parametrize(("scale", "compute"), [("small", CPU), ("paper", CPU), ("paper", BF16)])
@pytest.mark.parametrize("name", METHODS)
def test_every_player_of_every_stage_has_losses_that_train_its_networks(
    name: str, scale: Scale, compute: Compute, subject_of: Callable[..., Subject]
) -> None:
    steps.check_losses(subject_of(name), scale, compute)


@pytest.mark.parametrize("name", METHODS)
def test_a_step_changes_no_tensor_of_its_batch_and_draws_from_torch_alone(
    name: str, subject_of: Callable[..., Subject]
) -> None:
    steps.check_inputs(subject_of(name))
    steps.check_randomness(subject_of(name))
    steps.check_guard_of_batches(subject_of(name))


@pytest.mark.parametrize("name", ["mmnet", "pix2pix-cascade", "stargan-paired"])
def test_a_players_step_leaves_gradients_in_its_own_networks_only(name: str, bench: Any) -> None:
    method, resolved = bench.at_scale("paper").build(name)
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
def test_networks_covers_every_trainable_parameter_once_per_player(
    name: str, subject_of: Callable[..., Subject]
) -> None:
    steps.check_networks(subject_of(name))


@pytest.mark.parametrize("name", METHODS)
def test_a_frozen_role_does_not_change(name: str, subject_of: Callable[..., Subject]) -> None:
    steps.check_frozen(subject_of(name))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", METHODS)
def test_one_step_of_every_stage_in_bf16_on_cuda(
    name: str, bench: Any, subject_of: Callable[..., Subject], tmp_path: Path
) -> None:
    cuda = Compute(torch.device("cuda"), "bf16")
    method, resolved = bench.at_scale("paper").build(name)
    method.to(cuda.device)
    stages = [dataclasses.replace(stage, steps=1, warmup=0) for stage in resolved.stages]
    task, split = bench.dataset.task, bench.dataset.split()
    loader = Loader(
        task, views(task, split, Access(CARDS[name]["ACCESS"])), bench.cache,
        batch_size=2, seed=0, flips=True, device=cuda.device,
    )  # fmt: skip
    train(method, stages, loader, CellFolder(tmp_path), cuda, seed=0, intervals=steps.RARELY)
    assert all(torch.isfinite(value).all() for value in method.state_dict().values() if value.is_floating_point())
    rows = bench.cache.index(split.test[:2])
    for row in method.translations():
        made = predict(method, task, row, bench.cache, rows, cuda).cpu()
        check_translation(subject_of(name), task.modality(row.output), made, row.name, 2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["mmnet", "cyclegan", "pix2pix-cascade", "unit", "oracle"])
def test_a_step_on_cuda_waits_for_nothing(name: str, bench: Any) -> None:
    """The CPU only hands out work: reading a value back would leave the GPU idle until the next is handed out."""
    cuda = Compute(torch.device("cuda"), "bf16")
    method, resolved = bench.at_scale("paper").build(name)
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
