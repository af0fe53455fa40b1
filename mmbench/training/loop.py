"""The training loop: stages, players, frozen roles, checkpoints, resume, divergence check.

Batches, augmentation and noise are functions of (seed, stage, step): what an interrupted run continues with is bit for
bit what the uninterrupted one would have done (on a CPU with the same number of threads).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmbench.method import Batch, Method
from mmbench.schedule import Stage
from mmbench.store.folder import CellFolder
from mmbench.tracking.lines import LOSSES, Lines
from mmbench.tracking.sink import Step
from mmbench.tracking.tracker import Tracker
from mmbench.training import checkpoint
from mmbench.training.device import Compute
from mmbench.training.loader import Loader
from mmbench.training.samples import random_kept
from mmbench.training.stopping import Stop

DIVERGENCE_CHECK = 50  # steps between looks at the losses; looking waits for the device

Observer = Callable[[Method], dict[str, float]]
Drawing = Callable[[Method], dict[str, np.ndarray]]


class DivergedError(Exception):
    """A loss, a weight or a translation became NaN or infinite; the message names stage, step and which."""


@dataclass(frozen=True)
class Intervals:
    """Steps between log lines, checkpoints and observations."""

    log: int
    checkpoint: int
    observe: int


@dataclass
class LossSums:
    """Sums of logged losses since the last log line, kept on the device."""

    losses: dict[str, torch.Tensor]
    count: int = 0

    def add(self, player: str, losses: dict[str, torch.Tensor], times: int = 1) -> None:
        """Add a player's losses, which it has ``times`` times per step."""
        for name, value in losses.items():
            key = name if player == "generator" else f"{player}/{name}"
            value = value.detach().float()
            value = value / times if times > 1 else value
            self.losses[key] = self.losses[key] + value if key in self.losses else value

    def state(self) -> dict[str, Any]:
        """For a checkpoint: JSON holds it without loss."""
        return {"count": self.count, "losses": {name: float(value) for name, value in self.losses.items()}}

    @classmethod
    def of(cls, state: Mapping[str, Any], device: torch.device) -> LossSums:
        """What :meth:`state` gave; none of an empty state."""
        losses = {name: torch.tensor(value, device=device) for name, value in state.get("losses", {}).items()}
        return cls(losses, int(state.get("count", 0)))

    def means(self) -> dict[str, float]:
        """Mean of each loss over the steps counted."""
        return {name: float(value) / max(self.count, 1) for name, value in self.losses.items()}


def train(
    method: Method,
    stages: Sequence[Stage],
    loader: Loader,
    folder: CellFolder,
    compute: Compute,
    *,
    seed: int,
    intervals: Intervals,
    observe: Observer | None = None,
    tracker: Tracker | None = None,
    draw: Drawing | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    stop: Stop | None = None,
    writes: bool = True,
) -> dict[str, float]:
    """Train all stages, resuming from the folder's newest checkpoint.

    Args:
        observe: called now and then for numbers to log (alignment factors); must not change the method.
        tracker: is handed what is logged, beside ``log.jsonl``; its seconds do not count as training's.
        draw: called as often as ``observe`` for pictures that the tracker is handed; must not change the method.
        progress: called with (stage name, steps done, steps in all).
        stop: whether the process was asked to end; the step that is under way then is saved.
        writes: whether checkpoints and the log are written, which of several processes one does.

    Returns:
        ``seconds`` and ``steps`` of training, interrupted parts included; milliseconds per step of each stage that this
        call trained, ``ms/<stage>``.

    Raises:
        DivergedError: a loss or a weight became NaN or infinite.
        StoppedError: the process was asked to end.
    """
    total = sum(stage.steps for stage in stages)
    done_before, resume = _resume_point(folder, method)
    if writes:
        folder.truncate_log(done_before)
    lines = Lines(folder)
    if tracker:
        tracker.begin(done_before)
    earlier = checkpoint.position(resume) if resume else {}
    timing = {"seconds": float(earlier.get("seconds", 0.0)), "steps": float(done_before)}
    base = 0
    for stage in stages:
        if base + stage.steps <= done_before and base + stage.steps < total:
            base += stage.steps
            continue
        first = max(0, done_before - base)
        optimizers = make_optimizers(method, stage, compute)
        if resume is not None and first > 0:
            with checkpoint.or_anew(folder.checkpoints):
                checkpoint.load_optimizers(resume, optimizers)
        # The next log line is of the same steps as without an interruption.
        sums = LossSums.of(earlier.get("logging", {}) if first > 0 else {}, compute.device)
        started, bad = time.perf_counter(), torch.zeros((), dtype=torch.bool, device=compute.device)
        batches = loader.stream(stage.index, first * stage.rounds, stage.steps * stage.rounds)
        for step in range(first, stage.steps):
            torch.manual_seed(_step_seed(seed, stage.index, step))
            bad |= train_step(method, stage, step, islice(batches, stage.rounds), optimizers, compute, sums)
            now, ends = step + 1, step + 1 == stage.steps
            stops = stop is not None and stop.now()
            saves = now % intervals.checkpoint == 0 or ends or stops
            if now % DIVERGENCE_CHECK == 0 or saves:
                _check_finite(method if saves else None, bad, sums, f"stage {stage.name!r}, by step {now}")
            if now % intervals.log == 0 or ends:
                moment, looks = Step(base + now, stage.name, now), now % intervals.observe == 0 or ends
                numbers = {"lr": stage.lr_at(step)} | {f"{LOSSES}{name}": mean for name, mean in sums.means().items()}
                if observe and looks:
                    numbers |= observe(method)
                    set_modes(method, stage)  # an observer may leave frozen roles in training mode
                if writes:
                    lines.log(moment, numbers, {})
                if tracker:
                    started += _tracked(tracker, moment, numbers, stage, draw if looks else None, method, compute)
                sums = LossSums({})
            if saves and writes:
                spent = timing["seconds"] + time.perf_counter() - started
                where = {"total_step": base + now, "stage": stage.name, "step": now, "seconds": spent}
                where |= {"logging": sums.state(), "log": folder.log_digest()}
                checkpoint.save(folder.checkpoints, method, optimizers, where)
            if progress:
                progress(stage.name, base + now, total)
            if stop is not None and stops:
                stop.end()
        seconds = time.perf_counter() - started
        timing["seconds"] += seconds
        timing["steps"] += stage.steps - first
        timing[f"ms/{stage.name}"] = 1000 * seconds / max(stage.steps - first, 1)
        base += stage.steps
    method.eval()
    return timing


def train_step(
    method: Method,
    stage: Stage,
    step: int,
    batches: Iterable[Batch],
    optimizers: dict[str, torch.optim.Optimizer],
    compute: Compute,
    sums: LossSums,
) -> torch.Tensor:
    """One step of every player; returns whether some loss was not finite.

    A step has ``stage.rounds`` rounds, each with a batch and a forward pass of its own. A player with n optimizer steps
    per step takes them in the last n rounds, so that all players meet in the last one: of five steps of a discriminator
    and one of a generator, the generator's is on the fifth batch, as in WGAN-GP's training.

    The method's modes are those of the stage since :func:`make_optimizers`; walking through all its modules in every
    step would keep a GPU waiting.

    Args:
        batches: one for each round.
    """
    if not method.training:
        set_modes(method, stage)
    sums.count += 1
    bad = torch.zeros((), dtype=torch.bool, device=compute.device)
    for left, batch in zip(range(stage.rounds, 0, -1), batches, strict=True):
        players = [player for player, times in stage.players.items() if times >= left]
        # A discriminator is shown what was made without a way back to the networks that made it.
        with torch.set_grad_enabled(bool(set(players) - {"discriminator"})), compute.autocast():
            made = method(batch, stage)
        for player in players:
            optimizer = optimizers[player]
            own = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            for group in optimizer.param_groups:
                group["lr"] = stage.lr_at(step) * stage.lr_factors.get(player, 1.0)
            with compute.autocast():
                losses = method.loss(player, batch, made, stage)
            weighted = [stage.weights.get(name, 1.0) * value.float() for name, value in losses.items()]
            objective = torch.stack(weighted).sum()
            method.zero_grad(set_to_none=True)
            # A generator's objective runs through the discriminators, whose gradients nobody would use.
            objective.backward(inputs=own)
            optimizer.step()
            bad |= ~torch.isfinite(objective.detach())
            sums.add(player, losses, stage.players[player])
    return bad


def set_modes(method: Method, stage: Stage) -> None:
    """Training mode and gradients everywhere but in the stage's frozen roles."""
    method.train()
    names = [name.replace("/anchor", f"/{method.task.anchor}") for name in stage.frozen]
    for role, network in method.networks().items():
        frozen = any(role == name or (name.endswith("/") and role.startswith(name)) for name in names)
        if frozen:
            network.eval()
        network.requires_grad_(not frozen)


def make_optimizers(method: Method, stage: Stage, compute: Compute) -> dict[str, torch.optim.Optimizer]:
    """One Adam per player over the parameters of its roles that are not frozen."""
    set_modes(method, stage)
    made: dict[str, torch.optim.Optimizer] = {}
    for player in stage.players:
        roles = [network for role, network in method.networks().items() if method.player_of(role) == player]
        unique = {id(p): p for network in roles for p in network.parameters() if p.requires_grad}
        if not unique:
            raise ValueError(f"stage {stage.name!r}: player {player!r} has no parameters to train (see networks())")
        fused = compute.device.type in ("cpu", "cuda")
        made[player] = torch.optim.Adam(
            list(unique.values()), lr=stage.lr, betas=(stage.beta1, 0.999), weight_decay=stage.weight_decay, fused=fused
        )  # fmt: skip
    return made


def _tracked(
    tracker: Tracker,
    moment: Step,
    numbers: Mapping[str, float],
    stage: Stage,
    draw: Drawing | None,
    method: Method,
    compute: Compute,
) -> float:
    """Hand on what is logged; returns the seconds that it took."""
    before = time.perf_counter()
    with random_kept(compute):
        tracker.log(moment, numbers, stage.rounds, partial(draw, method) if draw else None)
    return time.perf_counter() - before


def _resume_point(folder: CellFolder, method: Method) -> tuple[int, Path | None]:
    found = checkpoint.latest(folder.checkpoints)
    if found is None:
        return 0, None
    with checkpoint.or_anew(folder.checkpoints):
        checkpoint.load_weights(found, method)
    return int(checkpoint.position(found)["total_step"]), found


def _step_seed(seed: int, stage: int, step: int) -> int:
    """Distinct for every (seed, stage, step) with fewer than 10^4 seeds, 10^2 stages and 10^8 steps."""
    return (seed * 100 + stage) * 10**8 + step


def _check_finite(method: Method | None, bad: torch.Tensor, sums: LossSums, place: str) -> None:
    """Raise DivergedError where a loss was not finite or, with a method, where one of its weights is not.

    No checkpoint is written of such a method: what goes on from one would have forgotten it.
    """
    if bool(bad):
        names = [name for name, value in sums.means().items() if not math.isfinite(value)]
        raise DivergedError(f"{place}: {', '.join(names) or 'a loss'} is not finite")
    if method is not None and (name := checkpoint.not_finite(method)):
        raise DivergedError(f"{place}: {name} is not finite")
