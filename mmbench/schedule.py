"""What a profile and a schedule hand to a method: network size, stages, and how much data.

Kept apart from ``planning/`` because a method's source digest follows its imports: reading TOML differently must not
make finished results stale, changing what a stage means must.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NetworkSize:
    """How large a profile's networks are; both families of the papers scale by it.

    Attributes:
        width: channels of the first level (64 in the papers), doubled per level up to 8 x width.
        poolings: levels of down-sampling (SegNet family: 5 in table A.3; residual family: 3 in table A.7).
        convs: convolutions per level of the SegNet family, first to last; empty means VGG-16's 2, 2, 3, 3, 3.
        blocks: residual blocks of the residual family (6 in table A.7).
        kernel: of the residual family (7 in table A.7).
    """

    width: int = 64
    poolings: int = 5
    convs: tuple[int, ...] = ()
    blocks: int = 6
    kernel: int = 7


@dataclass(frozen=True)
class DataLimits:
    """How much of a data set a profile uses; 0 means all there is (or the embedded set's own default).

    Attributes:
        train: images per training group.
        validation: images.
        test: images.
    """

    train: int = 0
    validation: int = 0
    test: int = 0


@dataclass(frozen=True)
class Stage:
    """One stage of a schedule.

    Attributes:
        name: ``translate``, ``align``, ...
        index: position in the schedule.
        steps: a step takes ``rounds`` batches of each view.
        lr: Adam's learning rate, after ``warmup`` steps; times 0.1 in the last ``decay`` share of the stage.
        anneal: share of the stage, at its end, over which the learning rate falls linearly to 0 (GANs; not with decay).
        beta1: Adam's first moment decay (the authors' code uses 0.5, Adam's own default is 0.9).
        weight_decay: times each weight, added to its gradient: the L2 penalty of torch's Adam.
        lr_factors: player -> what its learning rate is multiplied by; 1 where a player is not named. With another rate
            for the discriminator it is the two time-scale update rule (Heusel et al., NIPS 2017).
        weights: of the named losses; a loss that is not named has weight 1.
        frozen: roles (or prefixes ending in ``/``) that get no gradient and run in eval mode; ``encoder/anchor`` is the
            encoder of the task's anchor.
        players: player -> how many of its optimizer steps per step, each on a batch of its own; a stage without players
            only observes.
        options: the method's own switches for this stage.
    """

    name: str
    index: int
    steps: int
    lr: float
    warmup: int = 0
    decay: float = 0.0
    anneal: float = 0.0
    beta1: float = 0.9
    weight_decay: float = 0.0
    lr_factors: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    players: Mapping[str, int] = field(default_factory=lambda: {"generator": 1})
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """Batches per step: as many as the player with the most optimizer steps needs."""
        return max(1, *self.players.values()) if self.players else 1

    def lr_at(self, step: int) -> float:
        """Learning rate of one step (0-based): linear warm-up, constant, then a tenth or a linear fall to 0."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        if self.anneal:
            return self.lr * min(1.0, (self.steps - step) / (self.anneal * self.steps))
        return self.lr * (0.1 if step >= round(self.steps * (1.0 - self.decay)) else 1.0)
