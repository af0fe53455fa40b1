"""How fast networks of several widths compute: ``python -m benchmarks.widths [--widths 24,32]``.

An encoder and a decoder of M&MNets at a profile's size, forward and backward apart, the widths in turn. Kernels work on
whole vectors of channels: a width that fills them computes more per second, and the wider network may take less extra
time than its operations say. One thread and CPU time on a CPU, as cells have it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from tabulate import tabulate
from torch import Tensor

from mmbench.errors import UserError
from mmbench.training import device
from mmbench.training.device import Compute

from .step import prepare
from .timing import flops, in_turn

SOURCE, TARGET = "rgb", "segmentation"
WARM_UP = 2
HEADERS = ("width", "GFLOP forward", "backward", "ms forward", "backward", "GFLOP/s forward", "backward", "both")


class Rate(NamedTuple):
    """What one width costs: 10^9 floating point operations, milliseconds, and the first over the second."""

    width: int
    forward_gflop: float
    backward_gflop: float
    forward_ms: float
    backward_ms: float
    forward: float
    backward: float
    both: float


class Pair:
    """An encoder and a decoder of one width; :meth:`back` goes through what :meth:`forth` has just made."""

    def __init__(self, width: int, profile: str, compute: Compute) -> None:
        ready = prepare("mmnet", profile, "synthetic", compute, {"network.width": width})
        self.encoder = ready.method.get_submodule(f"encoders.{SOURCE}")
        self.decoder = ready.method.get_submodule(f"decoders.{TARGET}")
        images = next(view[SOURCE] for view in ready.batch.values() if SOURCE in view)
        self.images, self.compute, self.made = images, compute, Tensor()
        ready.method.train()

    def forth(self) -> None:
        """Images to raw outputs."""
        with self.compute.autocast():
            self.made = self.decoder(self.encoder(self.images))

    def back(self) -> None:
        """Gradients of all weights."""
        self.made.float().mean().backward()


def measure(widths: Sequence[int], profile: str, compute: Compute, steps: int) -> list[Rate]:
    """Rates of an encoder and a decoder of each width.

    Raises:
        UserError: an unknown profile, or a width that makes no sense.
    """
    pairs = {width: Pair(width, profile, compute) for width in widths}
    works: dict[tuple[int, str], Callable[[], None]] = {}
    for width, pair in pairs.items():
        works |= {(width, "forward"): pair.forth, (width, "backward"): pair.back}
    counted = {key: flops(work) for key, work in works.items()}
    for _ in range(WARM_UP):
        for work in works.values():
            work()
    taken = {key: median(seconds) for key, seconds in in_turn(works, steps, compute).items()}
    return [_rate(width, counted, taken) for width in widths]


def _rate(width: int, counted: dict[tuple[int, str], float], taken: dict[tuple[int, str], float]) -> Rate:
    forth, back = (width, "forward"), (width, "backward")
    work = counted[forth] / 1e9, counted[back] / 1e9
    both = sum(work) / (taken[forth] + taken[back])
    ms = 1000 * taken[forth], 1000 * taken[back]
    return Rate(width, *work, *ms, work[0] / taken[forth], work[1] / taken[back], both)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one row per width."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--widths", default="16,24,32", help="channels of the first level, comma-separated")
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--steps", type=int, default=20, help="timed passes of each width")
    options = parser.parse_args(arguments)
    try:
        widths, compute = _widths(options.widths), device.choose(options.device)
        if compute.device.type == "cpu":
            device.use_threads(1)
        rates = measure(widths, options.profile, compute, options.steps)
    except UserError as error:
        parser.exit(2, f"{error}\n")
    about = device.describe(compute)
    print(
        f"{about['gpu'] or about['cpu']}, threads: {about['threads']}, {compute.precision}, profile {options.profile}"
    )
    print(tabulate(rates, HEADERS, "pipe", floatfmt=("", ".2f", ".2f", ".1f", ".1f", ".1f", ".1f", ".1f")))


def _widths(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) for part in parts):
        raise UserError(f"--widths {text}: expected whole numbers above 0, such as 24,32")
    return [int(part) for part in parts]


if __name__ == "__main__":
    main()
