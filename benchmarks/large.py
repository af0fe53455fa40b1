"""A data set of a million samples: ``python -m benchmarks.large [--samples 1000000] [--prepared 100000]``.

What its list costs before an image is read, what its plan costs with and without what was kept, how several processes
share the preparation of its shards, what a damaged shard costs, and what a batch of a long epoch costs. The data set is
the list of ``benchmarks/listed``, whose images cost nothing worth timing. Seconds on the clock count whatever else the
machine does; those of the processor count only this.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tabulate import tabulate

from mmbench.plugins.catalog import PLUGINS_VARIABLE
from mmbench.plugins.remembered import CACHE_VARIABLE
from mmbench.store import prepared
from mmbench.store.prepared import Shard
from mmbench.training.cache import Cache
from mmbench.training.shuffle import Shuffle

PLUGINS = Path(__file__).parent / "listed"
BATCH = 6  # images of a step in the papers
LISTS = """
import sys
from pathlib import Path
from mmbench.planning.plan import open_dataset
from mmbench.schedule import DataLimits
from mmbench.store import content, prepared
from mmbench.training.cache import Cache
data = open_dataset("listed", DataLimits(), None, {"data.samples": int(sys.argv[1])})
ids, hashes = prepared.all_ids(data), data.split().hashes()
held, name = prepared.held(data, ids), prepared.folder_name(prepared.meta(data, content.identity(data), "", 16), ids)
Cache(prepared.shards(Path("nowhere"), name, len(ids)), ids, held).index(data.split().test)
"""

Row = tuple[str, float, float, float]


def measured(what: str, *commands: Sequence[str]) -> Row:
    """Run programs side by side: seconds until the last ends, seconds of processor and most MB of memory of any.

    Raises:
        RuntimeError: one of them failed; with what it said.
    """
    started = time.perf_counter()
    seconds, most = 0.0, 0.0
    with tempfile.TemporaryFile() as said:  # not a pipe: who is not read from would stand still
        running = [subprocess.Popen(one, stdout=subprocess.DEVNULL, stderr=said) for one in commands]
        for process in running:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds, most = seconds + usage.ru_utime + usage.ru_stime, max(most, usage.ru_maxrss / 1024)
        if any(process.returncode for process in running):
            said.seek(0)
            raise RuntimeError(f"{what}: {said.read().decode(errors='replace')[-2000:]}")
    return what, time.perf_counter() - started, seconds, most


def mmbench(*arguments: str) -> list[str]:
    """A command line of mmbench."""
    return [sys.executable, "-m", "mmbench", *arguments]


def listing(samples: int, folder: Path) -> list[Row]:
    """To start, to list all samples, and the plan twice."""
    plan = mmbench(
        "run", "--dataset", "listed", "--set", f"data.samples={samples}", "--methods", "prior", "--profile", "smoke",
        "--runs", str(folder / "runs"), "--dry-run",
    )  # fmt: skip
    return [
        measured("mmbench --help, to compare with", mmbench("--help")),
        measured(
            f"list {samples} samples: split, hashes, what they hold, rows", [sys.executable, "-c", LISTS, str(samples)]
        ),
        measured("plan, for the first time", plan),
        measured("plan, once more", plan),
    ]


def preparing(samples: int, wait: float, processes: Sequence[int], folder: Path) -> tuple[list[Row], Path]:
    """To prepare so many samples with several numbers of processes, to open them, and to mend a shard; and where."""
    rows, cache = [], folder
    for count in processes:
        cache = folder / f"by-{count}"
        command = mmbench(
            "data", "prepare", "listed", "--set", f"data.samples={samples}", "--set", f"data.wait_ms={wait}",
            "--profile", "smoke", "--cache", str(cache),
        )  # fmt: skip
        rows.append(measured(f"prepare {samples} samples, {count} at once", *[command] * count))
    rows.append(measured("open what is prepared", command))
    (first, *_) = sorted(cache.glob(f"*-by-{prepared.SHARD}/*/rgb.npy")) or sorted(cache.glob("*/rgb.npy"))
    with first.open("r+b") as file:
        file.truncate(first.stat().st_size - 1)
    rows.append(measured(f"open, one of {len(list(first.parents[1].glob('*/rgb.npy')))} shards damaged", command))
    return rows, first.parents[1]


def batches(samples: int, shards: Path, steps: int = 200) -> list[tuple[str, float, float]]:
    """Microseconds and kB of the order of a batch, listed and computed, and microseconds of a batch out of shards."""

    def timed(work: Callable[[np.ndarray], object]) -> float:
        positions = np.random.default_rng(0).integers(samples, size=(steps, BATCH))
        started = time.perf_counter()
        for one in positions:
            work(one)
        return (time.perf_counter() - started) / steps * 1e6

    made = []
    for what, listed in (("a list", samples), ("a function", 0)):
        tracemalloc.start()
        order = Shuffle(samples, 0, 0, 0, 0, 0, listed=listed)
        kilobytes = tracemalloc.get_traced_memory()[0] / 1000
        tracemalloc.stop()
        made.append((f"order of an epoch of {samples} as {what}", timed(order), kilobytes))
    folders = sorted(path.parent for path in shards.glob("*/rgb.npy"))
    counts = [len(np.load(folder / "rgb.npy", mmap_mode="r")) for folder in folders]
    starts = np.cumsum([0, *counts])
    cache = Cache(
        [Shard(folder, range(*ends)) for folder, *ends in zip(folders, starts[:-1], starts[1:], strict=True)],
        [str(row) for row in range(starts[-1])],
    )
    rows = timed(lambda positions: cache.read("rgb", positions % int(starts[-1])))
    return [*made, (f"{BATCH} images of {len(folders)} shards, mapped", rows, 0.0)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000_000, help="on the list (default 1000000)")
    parser.add_argument("--prepared", type=int, default=100_000, help="that are prepared (default 100000)")
    parser.add_argument("--wait-ms", type=float, default=0.0, help="for each, as for a disk far away (default 0)")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="that prepare at once (default 1 2)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {PLUGINS_VARIABLE: str(PLUGINS), CACHE_VARIABLE: name}
        rows = listing(options.samples, Path(name))
        more, shards = preparing(options.prepared, options.wait_ms, options.processes, Path(name))
        print(tabulate([*rows, *more], ["", "s", "s of processor", "MB at most"], floatfmt=".1f"))
        print(tabulate(batches(options.samples, shards), ["", "us", "kB"], floatfmt=".0f"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
