"""The contract of a method, one step: networks, losses, gradients, and batches that stay what they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from mmbench.contracts import chance
from mmbench.contracts.bench import CPU, Bench, Scale
from mmbench.contracts.checks import ContractError, UncheckedError
from mmbench.contracts.subject import Subject
from mmbench.method import Batch, Losses, Method, Stage
from mmbench.store.folder import CellFolder
from mmbench.training.device import Compute
from mmbench.training.loop import DivergedError, Intervals, set_modes, train

TRIES = 12  # steps within which a method that draws its domains must have trained every network
RARELY = Intervals(log=1, checkpoint=2, observe=100)


class WithheldError(KeyError):
    """A method asked a batch for what it is not handed."""


class _Watched(dict[str, Any]):
    """Part of a batch that says what was asked of it in vain."""

    def __init__(self, values: dict[str, Any], where: str) -> None:
        super().__init__(values)
        self._where = where

    def __missing__(self, key: str) -> Any:
        raise WithheldError(f"asks {self._where} for {key!r}, which holds {', '.join(self)} only")


def watched(batch: Batch) -> Batch:
    """The same batch; asking it for what it does not hold is a WithheldError."""
    views = {view: _Watched(tensors, f"the view {view!r} of a batch") for view, tensors in batch.items()}
    return _Watched(views, "a batch")


def check_networks(subject: Subject) -> None:
    """``networks()`` covers every parameter, each with one player, and the schedule's players are those."""
    method, resolved = subject.build("paper")
    names = {id(parameter): name for name, parameter in method.named_parameters()}
    owners: dict[int, set[str]] = {}
    for role, network in method.networks().items():
        for parameter in network.parameters():
            owners.setdefault(id(parameter), set()).add(method.player_of(role))
    left_out = [name for number, name in names.items() if number not in owners]
    subject.demand(
        not left_out,
        f"networks() leaves out {_some(left_out)}: nothing trains or counts it; return its module too",
    )
    shared = [names.get(number, "a parameter") for number, players in owners.items() if len(players) > 1]
    subject.demand(not shared, f"{_some(shared)} is trained by two players; see player_of()")
    subject.demand(
        owners or subject.card["GROUP"] == "chance",
        "networks() holds no parameter, and GROUP is not 'chance': assign networks in __init__",
    )
    players = {player for stage in resolved.stages for player in stage.players}
    trained = {player for of in owners.values() for player in of}
    subject.demand(
        trained == players,
        f"networks are trained by {_some(sorted(trained))}, and the schedule's stages have {_some(sorted(players))}; "
        "see player_of() and the stages' players",
    )


def check_guard_of_batches(subject: Subject) -> None:
    """Nothing is asked of a batch that the method's ACCESS does not give."""
    method, resolved = subject.build()
    batch = watched(subject.bench.loader(subject.card.name).batch(0, 0))
    for stage in resolved.stages:
        try:
            for _ in backward(method, stage, batch, CPU):
                pass
        except WithheldError as error:
            access = subject.card["ACCESS"]
            raise subject.broken(
                f"{error.args[0]}: ACCESS = {access!r} gives no more, so train without it; only an oracle may say "
                "'true-pairs'"
            ) from error


def check_losses(subject: Subject, scale: Scale, compute: Compute = CPU) -> None:
    """Every player of every stage has finite scalar losses, and they reach every network that is not always frozen.

    bf16 as well: autocast remembers casts, and one made without gradient must not be met again in training.
    """
    method, resolved = subject.build(scale)
    check_steps(subject, method, resolved.stages, _batches(subject.bench, subject.card.name), compute)


def check_steps(
    subject: Subject, method: Method, stages: tuple[Stage, ...], batches: Iterator[Batch], compute: Compute
) -> None:
    """The same of the steps that a method takes with some batches, until all its networks were reached."""
    stages = tuple(stage for stage in stages if stage.players)
    always = [set(frozen_roles(subject, method, stage)) for stage in stages]
    wanted = set(method.networks()) - (always[0].intersection(*always[1:]) if always else set(method.networks()))
    reached: set[str] = set()
    for batch in batches:
        for stage in stages:
            for player, losses in backward(method, stage, batch, compute):
                _check_finite(subject, losses, f"stage {stage.name}, {player}")
                reached |= _reached(subject, method, player, f"stage {stage.name}, {player}")
        if reached == wanted:
            return
    missing = sorted(wanted - reached)
    subject.demand(not missing, f"no loss has a gradient in {_some(missing)}: use it in a loss, or freeze it")
    raise subject.broken(f"losses train {_some(sorted(reached - wanted))}, which every stage freezes")


def check_frozen(subject: Subject) -> None:
    """What a stage freezes stays the same bits, and what it trains does not."""
    method, resolved = subject.build()
    for stage in resolved.stages:
        if not stage.frozen or not stage.players:
            continue
        frozen = frozen_roles(subject, method, stage)
        before = {role: _copied(network.state_dict()) for role, network in method.networks().items()}
        one = dataclasses.replace(stage, index=0, steps=2, warmup=0)
        loader, folder = subject.bench.loader(subject.card.name), CellFolder(subject.scratch())
        train(method, [one], loader, folder, CPU, seed=0, intervals=RARELY)
        for role, network in method.networks().items():
            same = all(torch.equal(before[role][key], value) for key, value in network.state_dict().items())
            subject.demand(same or role not in frozen, f"{role} changes in stage {stage.name}, which freezes it")
            trained = role not in frozen and method.player_of(role) in stage.players
            subject.demand(not (same and trained), f"{role} does not change in stage {stage.name}, which trains it")


def check_inputs(subject: Subject) -> None:
    """A step leaves the tensors of its batch as they are: the loader's, and the next player's."""
    method, resolved = subject.build()
    batch = subject.bench.loader(subject.card.name).batch(0, 0)
    before = {view: _copied(tensors) for view, tensors in batch.items()}
    for stage in resolved.stages:
        for _ in backward(method, stage, batch, CPU):
            pass
        for view, tensors in before.items():
            for name, tensor in tensors.items():
                same = name in batch.get(view, {}) and torch.equal(batch[view][name], tensor)
                subject.demand(
                    same, f"stage {stage.name} changes {name} of the view {view!r} in place: work on a copy (clone())"
                )


def check_randomness(subject: Subject) -> None:
    """Chance comes from torch alone, whose generator the harness sets in every step."""
    method, resolved = subject.build()
    batch = watched(subject.bench.loader(subject.card.name).batch(0, 0))
    before = chance.states()
    for stage in resolved.stages:
        for _ in backward(method, stage, batch, CPU):
            pass
    drawn = [name for name in chance.drawn_from(before) if name != chance.TORCH]
    subject.demand(
        not drawn,
        f"a step draws from {' and '.join(drawn)}, so that an interrupted training would end with other bits: draw "
        "with torch (torch.rand and the like)",
    )


def backward(method: Method, stage: Stage, batch: Batch, compute: Compute) -> Iterator[tuple[str, Losses]]:
    """One step without the optimizers: each player's losses, its gradients in place.

    In a stage without players, what it observes, and nothing else.
    """
    set_modes(method, stage)
    with torch.set_grad_enabled(bool(stage.players)), compute.autocast():
        made = method(batch, stage)
    for player in stage.players:
        with compute.autocast():
            losses = method.loss(player, batch, made, stage)
        method.zero_grad(set_to_none=True)
        if losses:
            torch.stack([value.float() for value in losses.values()]).sum().backward()
        yield player, losses


def frozen_roles(subject: Subject, method: Method, stage: Stage) -> list[str]:
    """The roles that a stage freezes."""
    names = [name.replace("/anchor", f"/{method.task.anchor}") for name in stage.frozen]
    found = [role for role in method.networks() if any(role == n or role.startswith(n) for n in names)]
    roles = ", ".join(method.networks())
    subject.demand(bool(found) == bool(names), f"stage {stage.name} freezes {_some(names)}; the roles are {roles}")
    return found


def trained(subject: Subject) -> tuple[Method, CellFolder]:
    """The method after a training at smoke size; raises UncheckedError where it cannot be trained."""
    try:
        return subject.trained
    except (ContractError, UncheckedError):
        raise
    except Exception as error:
        raise UncheckedError("its training fails") from error


def check_training(subject: Subject) -> None:
    """A training at smoke size ends, with finite weights."""
    try:
        method, _ = subject.trained
    except DivergedError as error:
        raise subject.broken(f"a training of {subject.bench.profile.steps} steps diverges: {error}") from error
    subject.demand(not method.training, "stays in training mode after eval()")


def _batches(bench: Bench, name: str) -> Iterator[Batch]:
    """One batch; several where a method may draw the domains that it trains."""
    for step in range(1 if bench.dataset.task.aligned else TRIES):
        torch.manual_seed(step)
        yield watched(bench.loader(name).batch(0, step))


def _check_finite(subject: Subject, losses: Losses, where: str) -> None:
    subject.demand(losses, f"{where}: loss() returns no loss; return named scalars")
    for name, value in losses.items():
        subject.demand(
            isinstance(value, Tensor) and value.shape == (),
            f"{where}: loss {name!r} is {_form(value)}, expected a scalar tensor: take its mean or sum",
        )
        subject.demand(
            torch.isfinite(value),
            f"{where}: loss {name!r} is {float(value.detach())}; look for a division by 0 or a logarithm of 0, such as "
            "of a batch without one valid pixel",
        )


def _reached(subject: Subject, method: Method, player: str, where: str) -> set[str]:
    """The roles in which a player's losses have a gradient."""
    found = set()
    for role, network in method.networks().items():
        wanted = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        if method.player_of(role) == player and any(p.grad is not None for _, p in wanted):
            missing = [name for name, p in wanted if p.grad is None]
            subject.demand(not missing, f"{where}: no gradient in {_some(missing)} of {role}: use it, or remove it")
            found.add(role)
    return found


def _copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


def _some(names: list[str]) -> str:
    """At most three of some names."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "nobody"


def _form(value: Any) -> str:
    return f"of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
