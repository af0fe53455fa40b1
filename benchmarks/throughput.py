"""Images per second of rendering, loading and metrics: ``python -m benchmarks.throughput [--device cpu]``."""

from __future__ import annotations

import argparse
import hashlib
import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from mmbench.datasets.synthetic import TASK
from tabulate import tabulate
from torch import Tensor

from mmbench.dataset import DataLimits, Dataset, Sample
from mmbench.errors import UserError
from mmbench.metric import Metric
from mmbench.modality import Modality
from mmbench.plugins.metrics import load_metrics
from mmbench.task import Access, Split, views
from mmbench.training import cache, device
from mmbench.training.loader import Loader
from mmbench.training.noise import noise

from .rendering import images_per_second

SAMPLES = {64: 512, 256: 128}  # side in pixels -> triplets in the cache: 17 and 67 MB
BATCH = 8


class NoiseTriplets(Dataset):
    """Random rgb, depth and segmentation arrays: a data set whose decoding costs nothing worth timing."""

    task = TASK

    def __init__(self, size: int, count: int) -> None:
        super().__init__(None, DataLimits())
        self.size = size
        self.ids = tuple(f"noise-{number}" for number in range(count))

    def split(self) -> Split:
        """Half of the samples for each group."""
        half = len(self.ids) // 2
        first, second = (group.name for group in self.task.groups)
        return Split({first: self.ids[:half], second: self.ids[half:]}, (), ())

    def manifest(self) -> str:
        """Digest of size and number."""
        return hashlib.sha256(f"{self.size} {len(self.ids)}".encode()).hexdigest()

    def sample(self, sample_id: str) -> Sample:
        """Noise, the same for the same id."""
        rng = np.random.default_rng(int(sample_id.rpartition("-")[2]))
        return {m.name: noise(m, 1, self.size, rng)[0] for m in self.task.modalities}


def loading(size: int, count: int, seconds: float) -> float:
    """Images per second of batches of shuffled triplets out of a warm cache, as tensors, flips included.

    Every modality counts as an image. The files were just written, so they come from memory, not from a disk.
    """
    dataset = NoiseTriplets(size, count)
    with tempfile.TemporaryDirectory() as folder:
        images = cache.open_cache(dataset, "benchmark", dataset.ids, size, Path(folder))
        loader = Loader(
            dataset.task,
            views(dataset.task, dataset.split(), Access.TRUE_PAIRS),
            images,
            batch_size=BATCH,
            seed=0,
            flips=True,
            device=torch.device("cpu"),
        )
        steps = itertools.count()

        def load() -> int:
            return sum(len(tensor) for tensors in loader.batch(0, next(steps)).values() for tensor in tensors.values())

        return rate(load, seconds)


def reading(size: int, count: int, seconds: float) -> float:
    """Images per second of random triplets read from a warm cache as arrays, by as many threads as torch has."""
    dataset = NoiseTriplets(size, count)
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(torch.get_num_threads()) as pool:
        images = cache.open_cache(dataset, "benchmark", dataset.ids, size, Path(folder))
        names = [modality.name for modality in dataset.task.modalities]

        def read(rows: np.ndarray) -> int:
            return sum(len(images.read(name, rows)) for name in names)

        return rate(lambda: sum(pool.map(read, draw.integers(0, count, (4 * torch.get_num_threads(), BATCH)))), seconds)


def metrics(size: int, where: torch.device, seconds: float) -> dict[str, float]:
    """Images per second of each metric's per-image statistics."""
    rng = np.random.default_rng(0)
    known, rates = load_metrics(), {}
    for modality in TASK.modalities:
        metric = known[modality.metric]
        made, truth = (modality.to_tensor(noise(modality, BATCH, size, rng)).to(where) for _ in range(2))

        def work(metric: Metric = metric, made: Tensor = made, truth: Tensor = truth, of: Modality = modality) -> int:
            return len(metric.update(made, truth, of))

        rates[f"metric: {metric.name}"] = rate(work, seconds)
    return rates


def rate(work: Callable[[], int], seconds: float) -> float:
    """Images per second of ``work``, which returns how many it did, repeated for some seconds after a first call."""
    work()
    done, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds or not done:
        done += work()
    return done / passed


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one row per kind of work and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda; loading is the CPU's in any case")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each row of loading and metrics")
    parser.add_argument("--images", type=int, default=64, help="rendered for each row of rendering")
    options = parser.parse_args(arguments)
    try:
        compute = device.choose(options.device)
    except UserError as error:
        parser.exit(2, f"{error}\n")
    rows: list[tuple[str, str, float]] = []
    for size, samples in SAMPLES.items():
        where = f"{size}x{size}"
        rows.append(("render triplets", where, images_per_second(size, compute.device.type, options.images)[0]))
        rows.append(("read from cache", where, reading(size, samples, options.seconds)))
        rows.append(("load as tensors", where, loading(size, samples, options.seconds)))
        rows += [(name, where, value) for name, value in metrics(size, compute.device, options.seconds).items()]
    about = device.describe(compute)
    print(f"{about['gpu'] or about['cpu']}, {about['threads']} threads")
    print(tabulate(rows, ("what", "size", "images/s"), floatfmt=".0f"))


if __name__ == "__main__":
    main()
