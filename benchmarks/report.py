"""Seconds of a report over many generated cells: ``python -m benchmarks.report [--cells 1000]``."""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.publishing.build import build_reports
from mmbench.publishing.write import write_reports

METHODS = 20  # about what a data set has with the suites of the papers' tables and ablations
CLASSES = ("bed", "book", "ceiling", "chair", "floor", "furniture", "object", "picture", "sofa", "table", "tv", "wall")
MODALITIES = ("rgb", "depth", "segmentation")
LOG_LINES = 30
HARDWARE = {"gpu": "", "cpu": "none", "threads": 1, "precision": "fp32", "python": "3", "packages": {}}


def generate(runs: Path, cells: int) -> None:
    """Cells of one data set with random numbers: 20 methods with as many seeds as make up the cells.

    Each has what a trained cell has for these reports, except pictures and statistics per image: every translation of
    three modalities, a log with losses and alignment, and its files of some kilobytes.
    """
    random = np.random.default_rng(0)
    for number in range(cells):
        method, seed = f"method-{number % METHODS:02}", number // METHODS
        folder = runs / "generated" / "laptop" / method / f"seed-{seed}"
        folder.mkdir(parents=True)
        asked = {"key": f"{number:016x}", "parent": "", "source": "0", "title": f"Method {number % METHODS}"}
        result = {
            **asked, "rows": _rows(random), "parameters": 10**6, "timing": {"seconds": 400.0, "steps": 3000.0},
            "peak_memory_bytes": 10**9, "commit": "0", "hardware": HARDWARE, "pretrained": False,
            "split_hashes": {"test": "0" * 16}, "cost": {"flops": 1e9, "latency_ms": 5.0},
        }  # fmt: skip
        (folder / "cell.json").write_text(json.dumps(asked))
        (folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in _log(random, number % 2 == 0)))
        (folder / "result.json").write_text(json.dumps(result))


def _rows(random: np.random.Generator) -> list[dict[str, Any]]:
    rows = []
    for source in MODALITIES:
        for target in MODALITIES:
            if source != target:
                metrics = {
                    "rgb": ("psnr", "ssim"),
                    "depth": ("delta_1.25", "delta_1.25^2", "delta_1.25^3", "rmse_linear", "rmse_log"),
                    "segmentation": ("miou", "global_accuracy", *(f"iou/{name}" for name in CLASSES)),
                }[target]
                rows.append(
                    {
                        "inputs": source, "output": target, "output_kind": target, "via": "", "weights": "",
                        "side_from": "", "bn": "trained", "checkpoint": "last", "selection": "", "side_information": "",
                        "group": "seen" if "rgb" in (source, target) else "zero-pair",
                        "metrics": {name: float(random.uniform(0, 100)) for name in metrics},
                    }
                )  # fmt: skip
    return rows


def _log(random: np.random.Generator, aligned: bool) -> list[dict[str, Any]]:
    entries = []
    for line in range(1, LOG_LINES + 1):
        entry: dict[str, Any] = {"stage": "translate" if line <= LOG_LINES // 2 else "align", "total_step": 100 * line}
        entry["losses"] = {name: float(random.uniform(0.1, 1)) for name in MODALITIES}
        if aligned:  # baselines log none
            entry |= {"alignment/rgb-depth": float(random.uniform(0, 1)), "latent_std/rgb": 1.0}
        entries.append(entry)
    return entries


def measure(runs: Path, out: Path, names: tuple[str, ...] = ()) -> dict[str, float]:
    """Seconds to collect and build, and to write, as wall-clock and as CPU time of this process."""
    wall, cpu = [time.perf_counter()], [time.process_time()]
    made, notes = build_reports(runs, names)
    wall.append(time.perf_counter())
    cpu.append(time.process_time())
    write_reports(made, notes, out)
    wall.append(time.perf_counter())
    cpu.append(time.process_time())
    return {
        "build": wall[1] - wall[0], "write": wall[2] - wall[1], "all": wall[2] - wall[0],
        "CPU build": cpu[1] - cpu[0], "CPU write": cpu[2] - cpu[1], "CPU all": cpu[2] - cpu[0],
    }  # fmt: skip


def main() -> None:
    """Print a line for few cells and one for many, and with ``--profile`` the functions that take longest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("names", nargs="*", help="reports (default all)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs, few = Path(folder) / "runs", Path(folder) / "few"
        generate(few, METHODS)
        seconds = measure(few, Path(folder) / "first", tuple(options.names))
        print(f"{METHODS} cells, with the imports: {seconds['all']:.2f} s")
        generate(runs, options.cells)
        profiler = cProfile.Profile()
        if options.profile:
            profiler.enable()
        seconds = measure(runs, Path(folder) / "report", tuple(options.names))
        profiler.disable()
        print(f"{options.cells} cells: " + ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items()))
        if options.profile:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()
