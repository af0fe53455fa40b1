"""Training time against the number of domains: ``python -m benchmarks.domains [--profile laptop]``.

One step of each method that takes every domain (no ``domains_per_step``, no ``pairs_per_step``), on noise images. What
a step costs then grows as the trained translations do: with N for M&MNets, whose unseen pairs cost nothing, with N for
one generator that draws its targets, with N (N - 1) for a CycleGAN of every pair. CPU seconds of one thread, so that
other programs on the machine hardly count.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import torch
from mmbench.datasets.domains import domain_task
from tabulate import tabulate

from mmbench.method import Context, Method
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.task import Access
from mmbench.training import device
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, make_optimizers, train_step
from mmbench.training.noise import noise_batch

KIND = "cross-domain"
NUMBERS = (3, 4, 5, 6)
METHODS = ("mmnet-domains", "cyclegan-domains", "cyclegan-anchor", "stargan", "sdit", "munit")
WHOLE = ("domains_per_step", "pairs_per_step")
HEADERS = ("method", "domains", "ms/step", "ms/step and domain")


@dataclass(frozen=True)
class StepCost:
    """What one step costs; ``ms`` and ``share`` in milliseconds of CPU time, the share is that of one domain."""

    method: str
    domains: int
    ms: float
    share: float


def measure(name: str, domains: int, profile_name: str, steps: int) -> StepCost:
    """Time a method's first stage over so many domains, the first of them the anchor."""
    card, profile = catalog.find("methods", name), config.profile(profile_name, KIND)
    task = domain_task("domains", tuple(f"d{number}" for number in range(domains)), "d0")
    resolved = config.resolve(card, profile, KIND, {})
    settings = {key: 0 if key in WHOLE else value for key, value in resolved.settings.items()}
    torch.manual_seed(0)
    method: Method = catalog.load(card, card["CLASS"])(Context(task, profile.size, profile.network, settings))
    method.to(memory_format=torch.channels_last)
    compute = Compute(torch.device("cpu"), device.choose("cpu").precision)
    batch = noise_batch(task, Access(card["ACCESS"]), profile.batch, profile.size, 0, compute.device)
    stage, sums = resolved.stages[0], LossSums({})
    optimizers = make_optimizers(method, stage, compute)
    train_step(method, stage, 0, [batch] * stage.rounds, optimizers, compute, sums)
    started = time.process_time()
    for number in range(1, steps + 1):
        train_step(method, stage, number, [batch] * stage.rounds, optimizers, compute, sums)
    ms = 1000 * (time.process_time() - started) / steps
    return StepCost(name, domains, ms, ms / domains)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one row per method and number of domains."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--steps", type=int, default=5, help="timed steps")
    parser.add_argument("--out", type=Path, help="write the rows as CSV too")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = [measure(name, number, options.profile, options.steps) for name in METHODS for number in NUMBERS]
    print(f"{device.describe(device.choose('cpu'))['cpu']}, 1 thread, profile {options.profile}")
    print(tabulate([astuple(row) for row in rows], HEADERS, floatfmt=".0f"))
    if options.out:
        with options.out.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([field.name for field in fields(StepCost)])
            writer.writerows((row.method, row.domains, f"{row.ms:.1f}", f"{row.share:.1f}") for row in rows)


if __name__ == "__main__":
    main()
