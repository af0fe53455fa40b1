"""One stage of a method beside its peer, in every form of both that this machine can run, step by step in turn."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, NamedTuple

import torch

from benchmarks.step import Ready, prepare, training
from benchmarks.timing import Work, flops, in_turn
from mmbench.method import Stage
from mmbench.training import device
from mmbench.training.device import Compute

from .cyclegan import CycleGAN
from .loop import Peer
from .mmnet import MMNet
from .pix2pix import Pix2Pix
from .stargan import StarGAN
from .unit import UNIT

PEERS: dict[str, type[Peer]] = {
    "pix2pix-cascade": Pix2Pix,
    "cyclegan": CycleGAN,
    "stargan-unpaired": StarGAN,
    "unit": UNIT,
    "mmnet": MMNet,
}
GOALS = {"mmnet": 2.5}
GOAL = 2.0  # of the others: our default against the code as shipped
# What the reference loops have, where a profile has something else.
REFERENCE = {"cyclegan": {"upsampling": "transposed", "stage.train.lr_factors.discriminator": 1.0}}
LAYOUTS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}
SAME_WORK = 0.01  # of the operations
WARM_UP = 2  # steps of each form
DATASET = "synthetic"


class Form(NamedTuple):
    """One way to take the step: ``ours`` or ``peer``, fp32 or bf16, NCHW or NHWC (channels-last)."""

    who: str
    precision: str
    layout: str


SHIPPED = Form("peer", "fp32", "NCHW")


class Ratio(NamedTuple):
    """How many times as long the peer takes: median over turns, and the quartiles around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One stage of one method beside its peer.

    Attributes:
        method, stage: names.
        ours, theirs: floating point operations of one step.
        default: our form on this machine.
        taken: seconds of each form's steps; those at the same place were taken one after the other.
        fast_bf16: whether this machine has units for bf16: elsewhere only fp32 is taken.
    """

    method: str
    stage: str
    ours: float
    theirs: float
    default: Form
    fast_bf16: bool
    taken: Mapping[Form, Sequence[float]] = field(repr=False)

    def ms(self, form: Form) -> float:
        """Milliseconds per step."""
        return 1000 * median(self.taken[form])

    def at(self, precision: str) -> Ratio | None:
        """The better of the peer's memory formats against us, both in one precision; None: not measured here."""
        peers = [form for form in self.taken if (form.who, form.precision) == ("peer", precision)]
        if not peers:
            return None
        return self._ratio(min(peers, key=self.ms), Form("ours", precision, "NHWC"))

    def shipped(self) -> Ratio:
        """The code as shipped (eager, fp32, NCHW) against our default."""
        return self._ratio(SHIPPED, self.default)

    def per_flop(self, ratio: Ratio) -> float:
        """The ratio at equal work."""
        return ratio.value * self.ours / self.theirs

    def gate(self) -> str:
        """Whether the goal is reached; it is set for machines with bf16 units, and for equal work."""
        if not self.fast_bf16:
            return "not measured here"
        if abs(self.ours / self.theirs - 1) > SAME_WORK:
            return "unequal work"
        goal, reached = GOALS.get(self.method, GOAL), self.shipped().value
        return f"{'met' if reached >= goal else 'missed'} (>= {goal})"

    def _ratio(self, peer: Form, ours: Form) -> Ratio:
        each = [theirs / own for theirs, own in zip(self.taken[peer], self.taken[ours], strict=True)]
        low, high = quantiles(each, n=4)[::2] if len(each) > 1 else (each[0], each[0])
        return Ratio(median(each), low, high)


def published(name: str, profile: str, compute: Compute, changes: Mapping[str, Any]) -> Ready:
    """A method ready to be trained as its peer is. Raises UserError as :func:`compare` does."""
    return prepare(name, profile, DATASET, compute, changes, REFERENCE.get(name))


def compare(name: str, profile: str, where: str, steps: int, changes: Mapping[str, Any]) -> list[Comparison]:
    """Time every training stage of a method beside its peer.

    Args:
        name: of a method in :data:`PEERS`.
        where: ``auto``, ``cpu`` or ``cuda``.
        steps: of every form.
        changes: of the profile, by dotted keys.

    Raises:
        UserError: an unknown profile, an impossible change of it, or a device that is not there.
    """
    default = device.choose(where)
    fast_bf16 = default.precision == "bf16"
    ready = published(name, profile, default, changes)
    made = []
    for stage in (stage for stage in ready.stages if stage.players):
        works = forms(name, ready, stage, default.device, ("fp32", "bf16") if fast_bf16 else ("fp32",))
        for work in works.values():
            for _ in range(WARM_UP):
                work()
        taken = in_turn(works, steps, default)
        ours = Form("ours", default.precision, "NHWC")
        made.append(Comparison(name, stage.name, flops(works[ours]), flops(works[SHIPPED]), ours, fast_bf16, taken))
    return made


def forms(name: str, ready: Ready, stage: Stage, where: torch.device, precisions: Sequence[str]) -> dict[Form, Work]:
    """Every form's step, to be called again and again; each has networks of its own."""
    works: dict[Form, Work] = {}
    for precision in precisions:
        compute = Compute(where, precision)
        own = Ready(copy.deepcopy(ready.method), ready.stages, ready.batch)
        works[Form("ours", precision, "NHWC")] = training(own, stage, compute)
        for layout, memory_format in LAYOUTS.items():
            works[Form("peer", precision, layout)] = plain(name, ready, stage, compute, memory_format)
    return works


def plain(name: str, ready: Ready, stage: Stage, compute: Compute, layout: torch.memory_format) -> Work:
    """The peer's step on the same batch."""
    torch.manual_seed(0)
    peer = PEERS[name](ready.method.context, stage)
    peer.start(compute, layout)
    return lambda: peer.step(ready.batch)
