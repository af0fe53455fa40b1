"""What the golden test measures of a method: the only file here that knows how mmbench is built inside.

A case is a card of the catalog on a task of one kind with the overlays of one profile, at smoke sizes. Its numbers are
named by roles, losses and metrics; nothing in them says which module or class they came from.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import images
import numpy as np
import torch
from mmbench.datasets.domains import domain_task
from summaries import norm, weights

from mmbench.dataset import DataLimits, Dataset
from mmbench.evaluation import reverse
from mmbench.evaluation.aligned import align
from mmbench.evaluation.evaluate import Material, evaluate
from mmbench.method import Context, Method
from mmbench.modality import Rgb, Scalar
from mmbench.planning import config
from mmbench.planning.plan import open_dataset
from mmbench.plugins import catalog
from mmbench.schedule import Stage
from mmbench.store.folder import CellFolder
from mmbench.task import Group, Split, Task, Translation
from mmbench.training import cache
from mmbench.training.build import build_method
from mmbench.training.device import Compute
from mmbench.training.loader import Loader, allowed_views
from mmbench.training.loop import Intervals, LossSums, make_optimizers, train, train_step

torch.set_num_threads(1)

SEED = 0
FULL = 3  # steps of the first stage; of later ones there is one
TESTED = 4  # test images, the fewest of a domain that `reverse` looks at
CPU = Compute(torch.device("cpu"), "fp32")
JUDGES = {"cross-channel": "judge-classifier", "cross-domain": "judge-domains"}
LOOP = ("mmnet", "cross-modal", "smoke")  # the case whose training loop is measured as well
DOMAINS = ("blue", "red", "green")


class Case(NamedTuple):
    """A card, a kind of task, and whose overlays: ``paper`` brings discriminators and norms that smoke leaves out."""

    card: str
    kind: str
    profile: str

    @property
    def name(self) -> str:
        return ".".join(self)


class Channels(Dataset):
    """Opponent channels of pictures such as ``a/3``, of two classes."""

    labels = ("even", "odd")
    task = Task(
        name="golden-channels",
        kind="cross-channel",
        modalities=(Scalar("theta1"), Scalar("theta2"), Rgb("theta3")),
        anchor="theta1",
        groups=(Group(("theta1", "theta2")), Group(("theta1", "theta3"))),
        unseen=(Translation(("theta2",), "theta3"), Translation(("theta3",), "theta2")),
        seen=(Translation(("theta1",), "theta3"),),
        multi_modal=(Translation(("theta1", "theta2"), "theta3", weights=(0.8, 0.2), side_from="theta1"),),
        judged="theta3",
    )

    def split(self) -> Split:
        groups = {group.name: _numbered(group.name, 4) for group in self.task.groups}
        return Split(groups, _numbered("validation", 2), _numbered("test", TESTED))

    def manifest(self) -> str:
        return "golden"

    def label(self, sample_id: str) -> int:
        return int(sample_id.split("/")[1]) % 2

    def sample(self, sample_id: str) -> dict[str, Any]:
        part, number = sample_id.split("/")
        rgb = images.picture(self.label(sample_id), 10 * list(self.split().parts()).index(part) + int(number))
        red, green, blue = (rgb[..., channel].astype(np.float32) / np.float32(255) for channel in range(3))
        return {"theta1": red - green, "theta2": green - blue, "theta3": rgb}


class Domains(Dataset):
    """Pictures such as ``red/3``, each domain in its colours."""

    task = domain_task("golden-domains", DOMAINS, DOMAINS[0])

    def split(self) -> Split:
        anchor = _numbered(DOMAINS[0], 8)
        groups = {g.name: anchor[4 * n : 4 * n + 4] for n, g in enumerate(self.task.groups)}
        for group in self.task.groups:
            groups[group.name] += tuple(i for name in group.modalities[1:] for i in _numbered(name, 4))
        return Split(groups, (), tuple(i for name in DOMAINS for i in _numbered(name, TESTED, first=20)))

    def manifest(self) -> str:
        return "golden"

    def holds(self, sample_id: str) -> tuple[str, ...]:
        return (sample_id.split("/")[0],)

    def sample(self, sample_id: str) -> dict[str, Any]:
        name, number = sample_id.split("/")
        return {name: images.picture(DOMAINS.index(name), int(number))}


def cases() -> list[Case]:
    """Every card of this package's methods on every kind of its own, with the overlays of smoke and of paper."""
    made = []
    for name, card in catalog.cards("methods").items():
        if catalog.package_folder("methods") in card.path.parents:
            for kind in card["KINDS"]:
                smoke, paper = (_settings(Case(name, kind, profile)) for profile in ("smoke", "paper"))
                made += [Case(name, kind, "smoke")] + [Case(name, kind, "paper")] * (smoke != paper)
    return made


def measure(case: Case) -> dict[str, Any]:
    """All numbers of a case."""
    method, record = _trained(case)
    measured = {"schedule": _schedule(case), **record, "rows": _rows(case, method)}
    return {**measured, "loop": _loop(case)} if case == LOOP else measured


def _schedule(case: Case) -> list[dict[str, Any]]:
    """Steps and learning rates of the profile as it is, whose later steps nobody takes here."""
    stages = _resolved(case, _whole_profile(case.profile, case.kind)).stages
    at = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
    return [{"stage": s.name, "steps": s.steps, "lr": [s.lr_at(int(p * (s.steps - 1))) for p in at]} for s in stages]


@functools.cache
def _trained(case: Case) -> tuple[Method, dict[str, Any]]:
    """A method after some steps of every stage, and what was seen on the way."""
    method, stages = _built(case)
    loader, steps, states = _loader(case), [], []
    for stage in stages:
        optimizers = make_optimizers(method, stage, CPU)
        gradients: dict[str, float] = {}
        for player, optimizer in optimizers.items():
            optimizer.register_step_pre_hook(functools.partial(_note_gradients, method, player, gradients))
        for step in range(1 if stage.index else FULL):
            gradients.clear()
            torch.manual_seed(100 * stage.index + step + 1)
            sums = LossSums({})
            batches = [loader.batch(stage.index, step * stage.rounds + each) for each in range(stage.rounds)]
            train_step(method, stage, step, batches, optimizers, CPU, sums)
            seen = {"stage": stage.name, "step": step + 1, "losses": sums.means()}
            steps.append({**seen, "gradients": dict(gradients)} if step == 0 else seen)
        states.append(weights(method.networks(), method))
    return method.eval(), {"steps": steps, "after first stage": states[0], "after all": states[-1]}


def _built(case: Case) -> tuple[Method, tuple[Stage, ...]]:
    card, dataset = _card(case.card), _data(case.kind)[0]
    profile, resolved = _profile(case), _resolved(case)
    context = Context(dataset.task, profile.size, profile.network, resolved.settings, len(dataset.labels), False)
    method = build_method(card, context, SEED)
    if parent := card.get("PARENT"):
        method.start_from(_trained(case._replace(card=parent))[0])
    return method.to(memory_format=torch.channels_last), resolved.stages


def _rows(case: Case, method: Method) -> list[dict[str, Any]]:
    """The result rows as a cell writes them."""
    card, (dataset, stored), split = _card(case.card), _data(case.kind), _data(case.kind)[0].split()
    if dataset.task.aligned:
        split = dataclasses.replace(split, validation=split.validation[:2], test=split.test[:TESTED])
    judge: Any = _trained(Case(JUDGES[case.kind], case.kind, "smoke"))[0] if case.kind in JUDGES else None
    side = str(_resolved(case).settings.get("side_information", ""))
    # Instead of 200 steps: the classifiers of `reverse` would take longer than everything else here.
    with mock.patch.object(reverse, "STEPS", 5):
        return evaluate(method, card, Material(dataset, stored, split, CPU, batch_size=2), judge, side).rows


def _loop(case: Case) -> dict[str, Any]:
    """Losses and alignment factors that the training loop itself logs, and the state it ends with."""
    method, stages = _built(case)
    dataset, stored = _data(case.kind)
    observe = functools.partial(align, task=dataset.task, cache=stored, ids=dataset.split().validation, compute=CPU)
    with tempfile.TemporaryDirectory() as place:
        folder = CellFolder(Path(place))
        intervals = Intervals(log=1, checkpoint=4, observe=2)
        train(method, stages, _loader(case), folder, CPU, seed=SEED, intervals=intervals, observe=observe)
        lines = folder.log.read_text(encoding="utf-8").splitlines()
    return {"log": [json.loads(line) for line in lines], "after": weights(method.networks(), method)}


def _note_gradients(method: Method, player: str, into: dict[str, float], *_: Any) -> None:
    """The norm of each role's gradient before its player's first step."""
    for role, network in method.networks().items():
        if method.player_of(role) == player and role not in into:
            into[role] = norm([p.grad for p in network.parameters() if p.grad is not None])


def _loader(case: Case) -> Loader:
    dataset, stored = _data(case.kind)
    allowed = allowed_views(dataset, _card(case.card))
    return Loader(dataset.task, allowed, stored, batch_size=2, seed=SEED, flips=True, device=CPU.device)


def _settings(case: Case) -> Any:
    """What a profile's overlays decide, without the lengths of stages."""
    resolved = _resolved(case)
    return resolved.settings, [dataclasses.replace(stage, steps=1) for stage in resolved.stages]


def _resolved(case: Case, profile: config.Profile | None = None) -> config.MethodConfig:
    return config.resolve(_card(case.card), profile or _profile(case), case.kind, {})


def _profile(case: Case) -> config.Profile:
    scale = _whole_profile(case.profile, case.kind).scale
    return dataclasses.replace(_whole_profile("smoke", case.kind), name=case.profile, scale=scale)


@functools.cache
def _card(name: str) -> catalog.Card:
    return catalog.find("methods", name)


@functools.cache
def _whole_profile(name: str, kind: str) -> config.Profile:
    return config.profile(name, kind)


@functools.cache
def _data(kind: str) -> tuple[Dataset, cache.Cache]:
    """The data set of one kind of task, and its images below a folder that goes with the process."""
    limits = DataLimits(train=4, validation=4, test=TESTED)
    own = {"cross-channel": Channels, "cross-domain": Domains}
    dataset = own[kind](None, limits) if kind in own else open_dataset("synthetic", limits, None)
    ids = [i for part in dataset.split().parts().values() for i in part]
    _FOLDERS.append(tempfile.TemporaryDirectory())
    return dataset, cache.open_cache(dataset, "golden", ids, images.SIZE, Path(_FOLDERS[-1].name))


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def _numbered(part: str, count: int, first: int = 0) -> tuple[str, ...]:
    return tuple(f"{part}/{number}" for number in range(first, first + count))
