"""The contract of a method of unpaired domains, over everything the catalog finds, variants and plug-ins included.

As the other contract tests, on three domains of noise whose files lie in a cache of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmbench.datasets.domains import domain_task
from torch import Tensor

from mmbench.dataset import DataLimits, Dataset
from mmbench.evaluation.aligned import predict
from mmbench.method import Batch, Context, Method, Stage
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.store.folder import CellFolder
from mmbench.task import Access, Split, Translation
from mmbench.training import cache
from mmbench.training.device import Compute
from mmbench.training.loader import Loader, held_views
from mmbench.training.loop import Intervals, set_modes, train

CARDS = {
    name: card
    for name, card in catalog.cards("methods").items()
    if card.get("ROLE") != "judge" and not card.problem and "cross-domain" in card["KINDS"]
}
METHODS = list(CARDS)
NAMES = ("blue", "red", "green")
TRIES = 12  # steps within which a method that draws its domains must have trained every network
CPU = Compute(torch.device("cpu"), "fp32")
BF16 = Compute(torch.device("cpu"), "bf16")
INTERVALS = Intervals(log=1, checkpoint=2, observe=100)
PROFILE = config.profile("smoke", "cross-domain")


class Noise(Dataset):
    """Images such as ``red/3``, flat in a shade of their own with noise upon it."""

    task = domain_task("noise", NAMES, "blue")

    def split(self) -> Split:
        groups = {
            f"blue+{other}": (f"blue/{4 * n}", f"blue/{4 * n + 1}", *(f"{other}/{i}" for i in range(3)))
            for n, other in enumerate(NAMES[1:])
        }
        return Split(groups, (), tuple(f"{name}/{i}" for name in NAMES for i in (20, 21)))

    def manifest(self) -> str:
        return "noise"

    def holds(self, sample_id: str) -> tuple[str, ...]:
        return (sample_id.split("/")[0],)

    def sample(self, sample_id: str) -> dict[str, Any]:
        name, number = sample_id.split("/")
        draw = np.random.default_rng([NAMES.index(name), int(number)])
        shade = draw.integers(0, 200, 3)
        return {name: (shade + draw.integers(0, 56, (PROFILE.size, PROFILE.size, 3))).astype(np.uint8)}


class InterruptError(Exception):
    """Stands for a kill."""


DATASET = Noise(None, DataLimits())


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Any:
    ids = [i for part in DATASET.split().parts().values() for i in part]
    return cache.open_cache(DATASET, "noise", ids, PROFILE.size, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def trained(images: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Trained methods by name, each trained once; tests must not change them."""
    made: dict[str, tuple[Method, Path]] = {}

    def get(name: str) -> tuple[Method, Path]:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            method, resolved = build(name)
            train(method, resolved.stages, loader(name, images), CellFolder(folder), CPU, seed=0, intervals=INTERVALS)
            made[name] = (method.eval(), folder)
        return made[name]

    return get


def build(name: str, profile: str = "smoke") -> tuple[Method, config.MethodConfig]:
    """Smoke sizes with the settings and stages of another profile."""
    resolved = config.resolve(CARDS[name], config.profile(profile, "cross-domain"), "cross-domain", {})
    torch.manual_seed(0)
    context = Context(DATASET.task, PROFILE.size, PROFILE.network, resolved.settings)
    method: Method = catalog.load(CARDS[name], CARDS[name]["CLASS"])(context)
    return method.to(memory_format=torch.channels_last), resolved


def loader(name: str, images: Any) -> Loader:
    allowed = held_views(DATASET, DATASET.split(), Access(CARDS[name]["ACCESS"]))
    return Loader(
        DATASET.task, allowed, images, batch_size=PROFILE.batch, seed=0, flips=True, device=torch.device("cpu")
    )


def given(images: Any, name: str, count: int = 2) -> Tensor:
    rows = images.index([f"{name}/{20 + i}" for i in range(count)])
    return DATASET.task.modality(name).to_tensor(images.read(name, rows))


def translate(method: Method, row: Translation, image: Tensor, sample: int = 0) -> Tensor:
    with torch.inference_mode():
        return method.translate({row.inputs[0]: image}, row, sample=sample)


@pytest.mark.parametrize(("profile", "compute"), [("smoke", CPU), ("paper", CPU), ("paper", BF16)])
@pytest.mark.parametrize("name", METHODS)
def test_every_players_losses_are_finite_and_reach_its_networks(
    name: str, profile: str, compute: Compute, images: Any
) -> None:
    method, resolved = build(name, profile)
    reached: set[str] = set()
    for step in range(TRIES):
        torch.manual_seed(step)
        batch = loader(name, images).batch(0, step)
        for stage in resolved.stages:
            reached |= check_stage(method, stage, batch, compute)
        if reached == set(method.networks()):
            return
    raise AssertionError(f"not trained within {TRIES} steps: {sorted(set(method.networks()) - reached)}")


def check_stage(method: Method, stage: Stage, batch: Batch, compute: Compute) -> set[str]:
    """One step without the optimizers; the roles that its players' gradients reach."""
    set_modes(method, stage)
    reached = set()
    with compute.autocast():
        made = method(batch, stage)
    for player in stage.players:
        with compute.autocast():
            losses = method.loss(player, batch, made, stage)
        assert losses
        assert all(value.shape == () and torch.isfinite(value) for value in losses.values()), (player, losses)
        method.zero_grad(set_to_none=True)
        torch.stack([value.float() for value in losses.values()]).sum().backward()
        for role, network in method.networks().items():
            with_gradient = [p.grad is not None for p in network.parameters()]
            if method.player_of(role) == player and any(with_gradient):
                assert all(with_gradient), f"stage {stage.name}, {player}: a part of {role} has no gradient"
                reached.add(role)
    return reached


@pytest.mark.parametrize("name", METHODS)
def test_networks_covers_every_parameter_and_no_two_players_share_one(name: str) -> None:
    method, resolved = build(name, "paper")
    owners: dict[int, set[str]] = {}
    for role, network in method.networks().items():
        for parameter in network.parameters():
            owners.setdefault(id(parameter), set()).add(method.player_of(role))
    assert {id(parameter) for parameter in method.parameters()} == set(owners)
    assert all(len(players) == 1 for players in owners.values())
    players = {player for stage in resolved.stages for player in stage.players}
    assert {player for of in owners.values() for player in of} == players


@pytest.mark.parametrize("name", METHODS)
def test_every_row_is_an_image_of_its_input_alone(name: str, images: Any, trained: Any) -> None:
    """Shape, type and range; other images of the batch, earlier translations and other domains change nothing."""

    class OnlyInput:
        allowed: tuple[str, ...] = ()

        def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
            assert modality in self.allowed
            array: np.ndarray = images.read(modality, rows)
            return array

    method, _ = trained(name)
    before = {key: value.clone() for key, value in method.state_dict().items()}
    reader: Any = OnlyInput()
    rows = method.translations()
    assert rows
    assert len(set(rows)) == len(rows)
    for row in rows:
        (source,) = reader.allowed = row.inputs
        here = images.index([f"{source}/20", f"{source}/21"])
        made = predict(method, DATASET.task, row, reader, here, CPU)
        assert (made.shape, made.dtype) == ((2, 3, PROFILE.size, PROFILE.size), torch.float32)
        assert made.min() >= -1.0
        assert made.max() <= 1.0
    for row in rows:
        reader.allowed, source = row.inputs, row.inputs[0]
        both, one = (images.index([f"{source}/{i}" for i in ids]) for ids in ((20, 21), (20,)))
        made = predict(method, DATASET.task, row, reader, both, CPU)
        assert torch.equal(made, predict(method, DATASET.task, row, reader, both, CPU)), row.name
        alone = predict(method, DATASET.task, row, reader, one, CPU)
        # A pooling index may flip by a rounding error.
        assert ((made[:1] - alone).abs() > 1e-3).double().mean() < 0.01, row.name
    assert all(torch.equal(before[key], value) for key, value in method.state_dict().items())


@pytest.mark.parametrize("name", METHODS)
def test_the_number_of_a_sample_decides_all_noise(name: str, images: Any, trained: Any) -> None:
    method, _ = trained(name)
    for row in method.translations()[:2]:
        image = given(images, row.inputs[0])
        state = torch.get_rng_state()
        first = [translate(method, row, image, sample) for sample in (0, 1)]
        assert torch.equal(torch.get_rng_state(), state), "a translation draws from the global generator"
        torch.manual_seed(12345)
        assert all(torch.equal(translate(method, row, image, sample), first[sample]) for sample in (1, 0))


@pytest.mark.parametrize("name", METHODS)
def test_an_interrupted_training_ends_with_the_same_bits(name: str, images: Any, trained: Any, tmp_path: Path) -> None:
    """Interrupted before the first checkpoint and between two."""
    interruptions = 0
    for stop in (1, 3, 10**6):

        def interrupt(stage: str, done: int, total: int, stop: int = stop) -> None:
            if done >= stop:
                raise InterruptError

        method, resolved = build(name)
        try:
            train(
                method, resolved.stages, loader(name, images), CellFolder(tmp_path), CPU,
                seed=0, intervals=INTERVALS, progress=interrupt,
            )  # fmt: skip
        except InterruptError:
            interruptions += 1
    assert interruptions >= 2
    whole, folder = trained(name)
    again = method.state_dict()
    assert not [key for key, value in whole.state_dict().items() if not torch.equal(value, again[key])]
    assert CellFolder(tmp_path).log.read_text() == CellFolder(folder).log.read_text()
