"""Fixtures that build one tiny cell in this process, and run the command line in another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmbench.dataset import Dataset
from mmbench.evaluation.aligned import align
from mmbench.method import Context, Method
from mmbench.planning import config
from mmbench.planning.plan import open_dataset
from mmbench.plugins import catalog
from mmbench.store.folder import CellFolder
from mmbench.task import LABEL, Access, View
from mmbench.training import cache
from mmbench.training.device import Compute
from mmbench.training.loader import Loader, held_views
from mmbench.training.loop import Intervals, train

torch.set_num_threads(1)

INTERVALS = Intervals(log=1, checkpoint=2, observe=1)
CPU = Compute(torch.device("cpu"), "fp32")


class NoisyCache:
    """A cache in which everything outside some views is noise."""

    def __init__(self, inner: Any, allowed: tuple[View, ...]) -> None:
        self.inner = inner
        self.allowed = {
            name: set(np.concatenate([inner.index(v.ids) for v in allowed if name in v.modalities]).tolist())
            for name in {name for view in allowed for name in view.modalities} - {LABEL}
        }
        self.replaced = 0

    def index(self, ids: tuple[str, ...]) -> np.ndarray:
        return self.inner.index(ids)

    def holding(self, rows: np.ndarray, modalities: tuple[str, ...]) -> np.ndarray:
        return self.inner.holding(rows, modalities)

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        array = self.inner.read(modality, rows)
        noise = np.random.default_rng(7)
        for position, row in enumerate(rows):
            if int(row) not in self.allowed.get(modality, set()):
                self.replaced += 1
                array[position] = noise.integers(0, 13, array[position].shape).astype(array.dtype)
        return array


@dataclass
class Bench:
    """A data set at smoke size, and everything between it and a trained method."""

    dataset: Dataset
    profile: config.Profile
    cache: Any

    def build(
        self, name: str, seed: int = 0, overrides: dict[str, Any] | None = None
    ) -> tuple[Method, config.MethodConfig]:
        card = catalog.find("methods", name)
        resolved = config.resolve(card, self.profile, self.dataset.task.kind, overrides or {})
        context = Context(self.dataset.task, self.profile.size, self.profile.network, resolved.settings, 0)
        torch.manual_seed(seed)
        method = catalog.load(card, card["CLASS"])(context)
        return method.to(memory_format=torch.channels_last), resolved

    def views(self, name: str) -> tuple[View, ...]:
        return held_views(self.dataset, self.dataset.split(), Access(catalog.find("methods", name)["ACCESS"]))

    def loader(self, name: str, seed: int = 0, through: Any = None) -> Loader:
        return Loader(
            self.dataset.task,
            self.views(name),
            through or self.cache,
            batch_size=self.profile.batch,
            seed=seed,
            flips=True,
            device=torch.device("cpu"),
        )

    def train(self, name: str, folder: Path, seed: int = 0, through: Any = None, looked_at: Any = None) -> Method:
        """Train through a cache; ``looked_at`` is the cache that the alignment factors are taken from."""
        method, resolved = self.build(name, seed)
        task, validation = self.dataset.task, self.dataset.split().validation
        observe = (lambda m: align(m, task, looked_at, validation, CPU)) if looked_at else None
        folder.mkdir(parents=True, exist_ok=True)
        loader = self.loader(name, seed, through)
        train(method, resolved.stages, loader, CellFolder(folder), CPU, seed=seed, intervals=INTERVALS, observe=observe)
        return method

    def check_guard(self, name: str, folder: Path, validates: bool = False) -> None:
        """Train with and without noise in place of all that a method may not see: the weights are the same bits."""
        noisy, validation = NoisyCache(self.cache, self.views(name)), NoisyCache(self.cache, ())
        plain = self.train(name, folder / "plain", looked_at=self.cache if validates else None).state_dict()
        seen = validation if validates else None
        guarded = self.train(name, folder / "noisy", through=noisy, looked_at=seen).state_dict()
        assert not validates or validation.replaced > 0, "alignment factors are taken from validation images"
        everything = sum(map(len, self.dataset.split().parts().values()))
        assert min(map(len, noisy.allowed.values())) < everything, "nothing is withheld"
        assert noisy.replaced == 0, "a loader read an image that the guard does not allow"
        assert all(torch.equal(plain[key], guarded[key]) for key in plain)

    def read(self, ids: Sequence[str]) -> dict[str, torch.Tensor]:
        rows = self.cache.index(ids)
        return {m.name: m.to_tensor(self.cache.read(m.name, rows)) for m in self.dataset.task.modalities}


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session", autouse=True)
def _no_ones_cache(cache_folder: Path) -> Iterator[None]:
    """What this machine's own runs have kept decides nothing in a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMBENCH_CACHE", str(cache_folder))
        yield


def _bench(name: str, root: Path | None, folder: Path) -> Bench:
    card = catalog.find("datasets", name)
    profile = config.profile("smoke", card["KIND"])
    dataset = open_dataset(name, profile.data, root)
    return Bench(dataset, profile, cache.open_whole(dataset, card, profile.size, folder))


@pytest.fixture(scope="session")
def bench(cache_folder: Path) -> Bench:
    return _bench("synthetic", None, cache_folder)


@pytest.fixture
def bench_of(tmp_path: Path) -> Callable[[str, Path], Bench]:
    """A bench of a data set, by name, with the folder that its files are in."""
    return lambda name, root: _bench(name, root, tmp_path / "cache")


@pytest.fixture(scope="session")
def noisy_cache() -> type[NoisyCache]:
    """A cache in which everything outside some views is noise."""
    return NoisyCache


@pytest.fixture
def run_cli(cache_folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``python -m mmbench`` with arguments; ``plugins`` is a folder of plug-ins from outside."""

    def run(*arguments: str, plugins: Path | None = None, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "MMBENCH_CACHE": str(cache_folder), "OMP_NUM_THREADS": "1"}
        environment.pop("MMBENCH_DATA", None)
        if plugins:
            environment["MMBENCH_PLUGINS"] = str(plugins)
        return subprocess.run(
            [sys.executable, "-m", "mmbench", *arguments],
            capture_output=True, text=True, env=environment, timeout=timeout, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real images; tests that use it skip where it is absent."""
    folder = Path(os.environ.get("MMBENCH_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real images: set MMBENCH_DATA to a folder that holds flowers-102/")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
