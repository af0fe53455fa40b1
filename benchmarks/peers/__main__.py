"""Our training steps against the reference training loops: ``python -m benchmarks.peers [--methods unit]``.

Steps alternate in one process; on a CPU with one thread and in CPU time, so that other load falls on both sides alike.
Ratios are the peer's time over ours: fp32 against fp32 and bf16 against bf16 with the better of the peer's two memory
formats, and our default against the code as shipped: eager, fp32, NCHW.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence

from tabulate import tabulate

from benchmarks.step import training
from mmbench.errors import UserError, did_you_mean
from mmbench.training import device
from mmbench.training.device import Compute

from .causes import causes
from .compare import PEERS, SHIPPED, Comparison, Ratio, compare, published

HEADERS = (
    "method", "stage", "GFLOP ours", "GFLOP peer", "ms ours", "ms shipped", "fp32 / fp32", "per FLOP", "bf16 / bf16",
    "per FLOP", "shipped / default", "per FLOP", "goal",
)  # fmt: skip
NOT_HERE = "not measured here"


def row(one: Comparison) -> tuple[str, ...]:
    """A comparison as a line of the table."""
    cells = [one.method, one.stage, f"{one.ours / 1e9:.2f}", f"{one.theirs / 1e9:.2f}"]
    cells += [f"{one.ms(one.default):.0f}", f"{one.ms(SHIPPED):.0f}"]
    for ratio in (one.at("fp32"), one.at("bf16"), one.shipped()):
        cells += [_text(ratio), f"{one.per_flop(ratio):.2f}" if ratio else NOT_HERE]
    return (*cells, one.gate())


def _heading(compute: Compute, options: argparse.Namespace, changes: dict[str, int]) -> str:
    about = device.describe(compute)
    parts = [about["gpu"] or about["cpu"], f"threads: {about['threads']}", "wall time" if about["gpu"] else "CPU time"]
    parts += [f"default {compute.precision}", f"torch {about['packages']['torch']}", str(datetime.date.today())]
    parts += [f"commit {device.commit() or 'unknown'}", f"profile {options.profile}"]
    parts += [f"{key} {value}" for key, value in changes.items()]
    return ", ".join([*parts, f"{options.steps} steps of each form"]) + "\n"


def _text(ratio: Ratio | None) -> str:
    return f"{ratio.value:.2f} ({ratio.low:.2f}-{ratio.high:.2f})" if ratio else NOT_HERE


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and of every method where our time goes."""
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--methods", default=",".join(PEERS), help="names, comma-separated")
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--size", type=int, help="image height and width in pixels, in place of the profile's")
    parser.add_argument("--width", type=int, help="channels of the first level, in place of the profile's")
    parser.add_argument("--batch", type=int, help="images per view, in place of the profile's")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--steps", type=int, default=30, help="timed steps of each form")
    parser.add_argument("--causes", type=int, default=0, help="rows of torch's profile of our step to print")
    options = parser.parse_args(arguments)
    changes = {"size": options.size, "network.width": options.width, "batch": options.batch}
    changes = {key: value for key, value in changes.items() if value is not None}
    try:
        _check(options, changes)
        compute = device.choose(options.device)
        if compute.device.type == "cpu":
            device.use_threads(1)
        print(_heading(compute, options, changes), flush=True)
        rows = []
        for name in options.methods.split(","):
            rows += [row(one) for one in compare(name, options.profile, options.device, options.steps, changes)]
            print(f"timed: {name}", flush=True)
        print("\n" + tabulate(rows, HEADERS, "pipe", disable_numparse=True))
        for name in options.methods.split(",") if options.causes else ():
            ready = published(name, options.profile, compute, changes)
            for stage in (stage for stage in ready.stages if stage.players):
                print(f"\n{name}, {stage.name}: {causes(training(ready, stage, compute), compute, options.causes)}")
    except UserError as error:
        parser.exit(2, f"{error}\n")


def _check(options: argparse.Namespace, changes: dict[str, int]) -> None:
    for name in options.methods.split(","):
        if name not in PEERS:
            raise UserError(f"--methods {name}: has no peer{did_you_mean(name, PEERS)}; those are {', '.join(PEERS)}")
    for option, value, least in (("--steps", options.steps, 1), ("--causes", options.causes, 0)):
        if value < least:
            raise UserError(f"{option} {value}: expected at least {least}")
    for option, key, least in (("--size", "size", 16), ("--width", "network.width", 1), ("--batch", "batch", 2)):
        if changes.get(key, least) < least:
            raise UserError(f"{option} {changes[key]}: expected at least {least}")
    if changes.get("size", 16) % 16:
        raise UserError(f"--size {changes['size']}: expected a multiple of 16, so that every network can halve it")


if __name__ == "__main__":
    main()
