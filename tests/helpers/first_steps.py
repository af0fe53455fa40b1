"""The first steps of a method on batches of noise with holes, in one process or several: gradients and weights.

``python tests/helpers/first_steps.py`` prints how far those of 2 and 3 processes are from those of one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch
from mmbench.datasets.domains import domain_task
from several import in_each
from torch import Tensor

from mmbench.dataset import DataLimits
from mmbench.method import Batch, Context, Method, Stage
from mmbench.modality import Rgb, Scalar
from mmbench.planning import config
from mmbench.planning.plan import open_dataset
from mmbench.plugins import catalog
from mmbench.ranks.group import Ranks
from mmbench.ranks.split import Split
from mmbench.task import LABEL, Access, Group, Task, Translation, views
from mmbench.task import Split as Parts
from mmbench.training.build import build_method
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, make_optimizers, train_step
from mmbench.training.noise import noise

CPU = Compute(torch.device("cpu"), "fp32")
BATCH = 6
CLASSES = 2
CHANNELS = Task(
    name="channels",
    kind="cross-channel",
    modalities=(Scalar("theta1"), Scalar("theta2"), Rgb("theta3")),
    anchor="theta1",
    groups=(Group(("theta1", "theta2")), Group(("theta1", "theta3"))),
    unseen=(Translation(("theta2",), "theta3"), Translation(("theta3",), "theta2")),
    seen=(Translation(("theta1",), "theta3"),),
    multi_modal=(),
    judged="theta3",
)

CASES = [
    (name, card["KINDS"][0])
    for name, card in catalog.cards("methods").items()
    if not card.variant and not card.problem and catalog.package_folder("methods") in card.path.parents
]
STEPS, STEPS_IN_DOUBLE = 20, 5
BEND = 4e-16  # about the rounding of fp64

Vectors = dict[str, Tensor]


class Measured(NamedTuple):
    """The largest relative distances of roles' gradients in each stage's first step, and of their weights at last."""

    gradients: float
    weights: float


@contextlib.contextmanager
def in_double() -> Iterator[None]:
    """Within, all that methods compute is in fp64, also what they compute in fp32 on purpose."""
    torch.set_default_dtype(torch.float64)
    try:
        with mock.patch.object(Tensor, "float", Tensor.double):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def task_of(kind: str) -> Task:
    """A task of a kind."""
    if kind == "cross-channel":
        return CHANNELS
    if kind == "cross-domain":
        return domain_task("domains", ("blue", "red", "green"), "blue")
    task: Task = open_dataset("synthetic", DataLimits(train=4, validation=4, test=4), None).task
    return task


def built(name: str, kind: str, scale: str = "paper") -> tuple[Method, tuple[Stage, ...]]:
    """A method with initial weights at the sizes of ``smoke``, with another profile's overlays; its stages."""
    card, smoke = catalog.find("methods", name), config.profile("smoke", kind)
    profile = dataclasses.replace(smoke, name=scale, scale=config.profile(scale, kind).scale)
    resolved = config.resolve(card, profile, kind, {})
    context = Context(task_of(kind), profile.size, profile.network, resolved.settings, CLASSES, False)
    method = build_method(card, context, 7)
    if parent := card.get("PARENT"):
        method.start_from(built(parent, kind, scale)[0])
    method.to(torch.get_default_dtype())
    return method.to(memory_format=torch.channels_last), resolved.stages


def batch_of(method: Method, access: str, seed: int) -> Batch:
    """A batch of noise in which each image has another share of pixels that carry no loss."""
    rng, task = np.random.default_rng(seed), method.task
    parts = Parts({group.name: (group.name,) for group in task.groups}, ("validation",), ("test",))
    made: Batch = {}
    for view in views(task, parts, Access(access)):
        made[view.name] = {name: _tensor(method, name, rng) for name in view.modalities}
    return made


def _tensor(method: Method, name: str, rng: np.random.Generator) -> Tensor:
    if name == LABEL:
        return torch.from_numpy(rng.integers(0, CLASSES, BATCH))
    modality, size = method.task.modality(name), method.context.size
    tensor = modality.to_tensor(torch.from_numpy(noise(modality, BATCH, size, rng)))
    if modality.kind in ("depth", "segmentation"):
        for row in range(BATCH):
            tensor[row, ..., : row * size // BATCH] = 0
    return tensor.to(torch.get_default_dtype()) if tensor.is_floating_point() else tensor


def gradients(name: str, kind: str, ranks: Ranks | None, scale: str = "paper") -> Vectors:
    """Each role's gradient in the first step of each stage from initial weights, under ``<stage>: <role>``."""
    found: Vectors = {}
    for number in range(len(built(name, kind, scale)[1])):
        method, stages = built(name, kind, scale)
        _steps(method, stages[number], name, ranks, 1, found)
    return found


def trained(name: str, kind: str, ranks: Ranks | None, steps: int, scale: str = "paper", bend: float = 0.0) -> Vectors:
    """Each role's weights after so many steps, shared out over the stages that train.

    Args:
        bend: by how much, relative to themselves, the initial weights are off.
    """
    method, stages = built(name, kind, scale)
    if bend:
        for parameter in method.parameters():
            parameter.data.mul_(1 + bend * torch.randn(parameter.shape))
    playing = [stage for stage in stages if stage.players]
    for number, stage in enumerate(playing):
        _steps(method, stage, name, ranks, steps * (number + 1) // len(playing) - steps * number // len(playing), {})
    return {role: _flat([p.detach() for p in network.parameters()]) for role, network in method.networks().items()}


def measure(
    ranks: Ranks | None, cases: Sequence[tuple[str, str]], steps: int, folder: Path, double: bool = False
) -> None:
    """Write what :func:`gradients` and :func:`trained` give of some methods and kinds, a file per method."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for name, kind in cases:
        with in_double() if double else contextlib.nullcontext():
            made = {"gradients": gradients(name, kind, ranks), "weights": trained(name, kind, ranks, steps)}
            if double and ranks is None:
                made["bent"] = trained(name, kind, None, steps, bend=BEND)
        if ranks is None or ranks.rank == 0:
            torch.save(made, folder / f"{name}.{kind}.{ranks.size if ranks else 1}.pt")
    torch.set_num_threads(threads)


def distances(one: Mapping[str, Vectors], several: Mapping[str, Vectors]) -> Measured:
    """Between what :func:`measure` wrote in one process and in several."""
    return Measured(*(farthest(one[what], several[what]) for what in ("gradients", "weights")))


def farthest(expected: Vectors, found: Vectors) -> float:
    """The largest distance of two vectors of one name, relative to the length of the first."""
    assert expected.keys() == found.keys()
    return max(
        (float((found[k] - one).norm() / one.norm().clamp(min=1e-30)) for k, one in expected.items()), default=0.0
    )


def _steps(method: Method, stage: Stage, name: str, ranks: Ranks | None, steps: int, into: Vectors) -> None:
    access = str(catalog.find("methods", name)["ACCESS"])
    with Split(method, ranks) if ranks else contextlib.nullcontext():
        optimizers = make_optimizers(method, stage, CPU)
        for player, optimizer in optimizers.items():
            optimizer.register_step_pre_hook(functools.partial(_note, method, stage, player, into))
        for step in range(steps):
            torch.manual_seed(100 * stage.index + step + 1)
            batches = [batch_of(method, access, 1000 * step + each) for each in range(stage.rounds)]
            train_step(method, stage, step, batches, optimizers, CPU, LossSums({}))


def _note(method: Method, stage: Stage, player: str, into: Vectors, *_: Any) -> None:
    for role, network in method.networks().items():
        key, found = f"{stage.name}: {role}", [p.grad for p in network.parameters() if p.grad is not None]
        if method.player_of(role) == player and key not in into and found:
            into[key] = _flat(found)


def _flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.double().flatten() for tensor in tensors])


def _report() -> None:
    with tempfile.TemporaryDirectory() as place:
        measure(None, CASES, STEPS, Path(place))
        for size in (2, 3):
            in_each(size, measure, CASES, STEPS, Path(place))
        for name, kind in CASES:
            print(f"[{name}]")
            one, two, three = (torch.load(Path(place) / f"{name}.{kind}.{size}.pt") for size in (1, 2, 3))
            for size, several in ((2, two), (3, three)):
                found = distances(one, several)
                print(f"processes-{size} = {{ gradients = {found.gradients:.1e}, weights = {found.weights:.1e} }}")
            print()


if __name__ == "__main__":
    _report()
