"""What the contract tests of methods share: the methods of the catalog, one step, what a translation must be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmbench.method import Batch, Losses, Method, Stage
from mmbench.modality import MINIMUM_DEPTH, Modality, Segmentation
from mmbench.plugins import catalog
from mmbench.store.folder import CellFolder
from mmbench.task import Translation
from mmbench.training.device import Compute
from mmbench.training.loop import Intervals, set_modes, train

CARDS = {
    name: card for name, card in catalog.cards("methods").items() if card.get("ROLE") != "judge" and not card.problem
}
METHODS = [name for name, card in CARDS.items() if "cross-modal" in card["KINDS"]]
CHILDREN = [name for name in METHODS if CARDS[name].get("PARENT")]
CROSS_CHANNEL = [name for name, card in CARDS.items() if "cross-channel" in card["KINDS"]]

SCALES = {"smoke": "small", "paper": "paper"}
CPU = Compute(torch.device("cpu"), "fp32")
BF16 = Compute(torch.device("cpu"), "bf16")
INTERVALS = Intervals(log=1, checkpoint=2, observe=100)


class InterruptError(Exception):
    """Stands for a kill."""


def as_profile(bench: Any, name: str) -> Any:
    """The bench with smoke sizes and another profile's overlays: ``paper`` brings the adversarial terms."""
    return dataclasses.replace(bench, profile=dataclasses.replace(bench.profile, name=name, scale=SCALES[name]))


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
    assert not always_frozen or reached == set(method.networks()) - always_frozen[0].intersection(*always_frozen[1:])


def frozen_roles(method: Method, stage: Stage) -> list[str]:
    names = [name.replace("/anchor", f"/{method.task.anchor}") for name in stage.frozen]
    found = [role for role in method.networks() if any(role == n or role.startswith(n) for n in names)]
    assert bool(found) == bool(names), f"stage {stage.name} freezes {names}, which are no roles of the method"
    return found


def check_translation(modality: Modality, made: Tensor, count: int, size: int) -> None:
    if isinstance(modality, Segmentation):
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
        return method.translate({name: images[name] for name in row.inputs}, row)


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
            train(method, resolved.stages, loader, cell, CPU, seed=0, intervals=INTERVALS, progress=interrupt)
        except InterruptError:
            interruptions += 1
    assert interruptions >= 2
    return method
