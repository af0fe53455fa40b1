"""What the papers' tables and larger plans take: ``python -m benchmarks.capacity [--seeds 3] [--step-ms 50]``.

Computed from what a plan goes by (``mmbench/planning/estimate.py``: steps, the methods' COST, parameters), for a GPU of
which nothing is known but the milliseconds of a step of mmnet at the papers' size. No data set is opened: numbers of
images are those of their pages.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tabulate import tabulate

from mmbench.planning import papers
from mmbench.planning.estimate import Estimate, Here, estimates
from mmbench.planning.papers import PaperTable
from mmbench.planning.tables import MODALITIES, Estimates, cells_of
from mmbench.store.machine import Machine

H100_STEP = 50.0
"""Milliseconds of a step of mmnet's first stage on an H100 in bf16 (``benchmarks/h100.md``)."""

NOWHERE = Path("runs-that-are-not-there")
GPUS = 8
METHODS, SETS, SEEDS = 100, 20, 10
ROOMS = 3 + 4 + 1  # bytes of a pixel: rgb, depth, labels
# Data set -> images of all parts, side in pixels, and bytes of a pixel of all modalities that an image has.
IMAGES = {
    "scenenet-51k": (51_000, 256, ROOMS),
    "scenenet-170k": (170_000, 256, ROOMS),
    "sunrgbd-thesis": (10_335, 256, ROOMS),
    "freiburg": (366, 256, ROOMS + 4),
    "flowers": (1867, 128, 3 + 4 + 4),
    "colored-objects-4": (4000, 128, 3),
    "artworks-4": (5900, 128, 3),
    "five million images of rooms": (5_000_000, 256, ROOMS),
}
Cells = Mapping[tuple[str, ...], tuple[int, Estimate]]
"""What names a cell -> its steps, and what it takes."""


@dataclass(frozen=True)
class Share:
    """Some cells in sum.

    Attributes:
        hours: of one GPU, one cell after the other.
        gigabytes: of their folders: a checkpoint each, with the optimizers' moments.
    """

    cells: int
    steps: int
    hours: float
    gigabytes: float

    @classmethod
    def of(cls, cells: Cells) -> Share:
        """The sum of some cells."""
        made = [one for _, one in cells.values()]
        hours, gigabytes = sum(one.seconds for one in made) / 3600, sum(one.bytes for one in made) / 1e9
        return cls(len(cells), sum(steps for steps, _ in cells.values()), hours, gigabytes)

    def times(self, cells: int) -> Share:
        """So many cells that are, on average, like these."""
        factor = cells / self.cells
        return Share(cells, round(self.steps * factor), self.hours * factor, self.gigabytes * factor)

    def row(self, name: str) -> list[str]:
        """For the table."""
        days = self.hours / 24 / GPUS
        steps = f"{self.steps / 1e6:,.1f}"
        return [name, f"{self.cells:,}", steps, f"{self.hours:,.0f}", f"{days:,.1f}", f"{self.gigabytes:,.0f}"]


def cells(table: PaperTable, known: Estimates, step_ms: float, seeds: Sequence[int]) -> Cells:
    """The cells of a table, parents and judges among them; what two tables share has one name."""
    card = known.datasets[table.dataset]
    profile = replace(known.profile(table.profile, card["KIND"]), step_ms=step_ms)
    named = cells_of(table, card, known.methods, seeds)
    methods = list(dict.fromkeys(name for name, _ in named))
    wanted = [known.wanted(name, table.profile, card["KIND"], NOWHERE) for name in methods]
    made = dict(zip(methods, estimates(known.here, profile, wanted, profile.data.test, MODALITIES), strict=True))
    steps = {one.name: one.config.steps for one in wanted}
    return {(table.dataset, name, str(seed)): (steps[name], made[name]) for name, seed in named}


def shares(step_ms: float, seeds: int) -> dict[str, Share]:
    """Of each table, of all of them together, and of as many methods, data sets and seeds as :data:`METHODS` says."""
    known = Estimates(Here(Machine(), "cuda", "auto", 1))
    together: dict[tuple[str, ...], tuple[int, Estimate]] = {}
    made = {}
    for name, table in papers.papers().tables.items():
        own = cells(table, known, step_ms, range(seeds))
        together |= own
        made[name] = Share.of(own)
    made["all of them, shared cells once"] = Share.of(together)
    of_rooms = {key: one for key, one in together.items() if known.datasets[key[0]]["KIND"] == "cross-modal"}
    many = f"{METHODS} methods x {SETS} data sets x {SEEDS} seeds"
    return {**made, many: Share.of(of_rooms).times(METHODS * SETS * SEEDS)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print cells and data as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="of each table (default 3)")
    parser.add_argument("--step-ms", type=float, default=H100_STEP, help="of mmnet (default 50, an H100 in bf16)")
    options = parser.parse_args(arguments)
    rows = [share.row(name) for name, share in shares(options.step_ms, options.seeds).items()]
    heads = ["", "cells", "million steps", "GPU hours", f"days on {GPUS} GPUs", "GB of runs"]
    sides = ("left", *["right"] * (len(heads) - 1))
    print(tabulate(rows, heads, "github", colalign=sides, disable_numparse=True), end="\n\n")
    data = [
        [name, f"{count:,}", side, f"{side * side * size / 1e3:,.0f}", f"{count * side * side * size / 1e9:,.1f}"]
        for name, (count, side, size) in IMAGES.items()
    ]
    heads = ["", "images", "pixels", "kB of an image", "GB of cache"]
    print(tabulate(data, heads, "github", colalign=sides[: len(heads)], disable_numparse=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
