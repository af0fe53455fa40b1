"""Fixtures that build one tiny cell in this process, and run the command line in another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from mmbench.contracts.bench import Bench, NoisyCache
from mmbench.contracts.made_up import bench_of_dataset

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session", autouse=True)
def _no_ones_cache(cache_folder: Path) -> Iterator[None]:
    """What this machine's own runs have kept decides nothing in a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMBENCH_CACHE", str(cache_folder))
        yield


@pytest.fixture(scope="session")
def bench(cache_folder: Path) -> Bench:
    return bench_of_dataset("synthetic", None, cache_folder)


@pytest.fixture
def bench_of(tmp_path: Path) -> Callable[[str, Path], Bench]:
    """A bench of a data set, by name, with the folder that its files are in."""
    return lambda name, root: bench_of_dataset(name, root, tmp_path / "cache")


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
