"""Training steps of several methods, bf16 beside eager fp32: ``python -m benchmarks.gpu_day.steps --out steps.json``.

Written anew after each method, so that a kill costs one of them; the next call goes on with those that are missing.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tabulate import tabulate

from benchmarks import step
from benchmarks.gpu_day.parts import kept
from mmbench.errors import UserError
from mmbench.given.files import path_of
from mmbench.store.files import write_json
from mmbench.training import device
from mmbench.training.device import Compute

PRECISIONS = ("bf16", "fp32")
HEADERS = ("method", "stage", "bf16 ms", "fp32 ms", "faster", "% of bf16 matmul", "peak MiB bf16", "peak MiB fp32")


def measure(names: Sequence[str], profile: str, dataset: str, where: str, steps: int, out: Path) -> dict[str, Any]:
    """Time those methods that the file does not hold yet.

    Returns:
        What the file holds: ``methods`` (name -> precision -> rows of :class:`benchmarks.step.StageCost`), ``errors``
        (name -> text), ``hardware``, ``tf32``.
    """
    made = kept(out) or {"methods": {}}
    made["errors"] = {}
    if missing := [name for name in names if name not in made["methods"]]:
        made["hardware"] = device.describe(device.choose(where, "bf16"))
        made["tf32"] = {
            "convolutions": torch.backends.cudnn.allow_tf32,
            "products": torch.backends.cuda.matmul.allow_tf32,
        }
    for name in missing:
        try:
            made["methods"][name] = {
                precision: _rows(name, profile, dataset, device.choose(where, precision), steps)
                for precision in PRECISIONS
            }
        except Exception as error:  # a method that does not run must not hide what the others take
            made["errors"][name] = f"{type(error).__name__}: {error}".splitlines()[0]
            print(f"{name}: {made['errors'][name]}", flush=True)
        write_json(out, made)
        gc.collect()  # or the next method's peak holds what this one left
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return made


def _rows(name: str, profile: str, dataset: str, compute: Compute, steps: int) -> list[dict[str, Any]]:
    # A rehearsal on a CPU has no time for a product that fills it.
    rows = step.measure(name, profile, dataset, compute, steps, side=256 if compute.device.type == "cpu" else 0)
    print(f"{name}, {compute.precision}: {', '.join(f'{row.stage} {row.ms:.1f} ms' for row in rows)}", flush=True)
    return [asdict(row) for row in rows]


def table(made: dict[str, Any]) -> str:
    """One line per method and stage."""
    lines = []
    for name, by in made["methods"].items():
        for fast, plain in zip(by["bf16"], by["fp32"], strict=True):
            ratio = plain["ms"] / fast["ms"]
            lines.append(
                (name, fast["stage"], fast["ms"], plain["ms"], ratio, fast["share"], fast["memory"], plain["memory"])
            )
    return tabulate(lines, HEADERS, floatfmt=("", "", ".1f", ".1f", ".2f", ".1f", ".0f", ".0f"))


def _products(made: dict[str, Any]) -> str:
    found: dict[str, list[float]] = {name: [] for name in PRECISIONS}
    for by in made["methods"].values():
        for precision, rows in by.items():
            found[precision] += [row["product"] / 1e3 for row in rows]
    return ", ".join(f"{name} {max(values):.1f}" for name, values in found.items() if values) or "not measured"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where some method could not be timed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--profile", default="paper")
    parser.add_argument("--methods", default="mmnet", help="names, comma-separated")
    parser.add_argument("--dataset", default="synthetic", help="its task; its files are not read")
    parser.add_argument("--device", default="cuda", help="cuda or cpu")
    parser.add_argument("--steps", type=int, default=8, help="timed steps of each stage")
    parser.add_argument("--out", type=path_of, required=True, help="JSON file")
    try:
        options = parser.parse_args(arguments)
        made = measure(
            options.methods.split(","), options.profile, options.dataset, options.device, options.steps, options.out
        )
    except UserError as error:
        parser.exit(2, f"{error}\n")
    print(table(made))
    print(f"{made['hardware']['gpu'] or made['hardware']['cpu']}: matrix product in TFLOP/s: {_products(made)}")
    print(f"{len(made['methods'])} methods timed, {len(made['errors'])} failed")
    return 1 if made["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
