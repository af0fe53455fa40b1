"""What processes with different seeds of ``hash`` see of data sets; run as a program it says what one of them sees."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.dataset import DataLimits
from mmbench.planning.plan import open_dataset

LIMITS = DataLimits(3, 3, 3)
SIZE = 8  # pixels
HASH_SEEDS = ("1", "2")


def chosen(ids: Sequence[str]) -> list[str]:
    """The first and the last."""
    return list(dict.fromkeys([*ids[:1], *ids[-1:]]))


def processes(roots: Mapping[str, Path | None]) -> list[dict[str, dict[str, Any]]]:
    """What two processes with different seeds of ``hash`` see of each data set, by name; they run side by side.

    Args:
        roots: the data sets' names, and the folders that their files are in (None: embedded).
    """
    asked = json.dumps([[name, root and str(root)] for name, root in roots.items()])
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "mmbench.contracts.processes", asked], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
        )
        for seed in HASH_SEEDS
    ]  # fmt: skip
    return [json.loads(process.communicate(timeout=240)[0]) for process in running]


def look(name: str, root: Path | None) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """What is seen of a data set without an image, and a function for the rest, which may import torch."""
    dataset = open_dataset(name, LIMITS, root)
    split = dataset.split()
    early: dict[str, Any] = {"manifest": dataset.manifest(), "split": {p: list(i) for p, i in split.parts().items()}}
    early |= {"hashes": split.hashes(), "torch": "torch" in sys.modules}

    def late() -> dict[str, Any]:
        ids = [i for part in split.parts().values() for i in chosen(part)]
        samples = {i: {m: fingerprint(a) for m, a in dataset.sample(i).items()} for i in ids[:2]}
        loaded = [{m: fingerprint(a) for m, a in sample.items()} for sample in dataset.load(ids, SIZE)]
        return {"samples": samples, "loaded": loaded}

    return early, late


def fingerprint(array: np.ndarray) -> str:
    """Type, shape and bytes."""
    held = np.ascontiguousarray(array)
    return f"{held.dtype} {held.shape} {hashlib.sha256(held.tobytes()).hexdigest()}"


def main(asked: str) -> None:
    """Print what is seen of each data set asked for, as JSON."""
    seen: dict[str, dict[str, Any]] = {}
    later: dict[str, Callable[[], dict[str, Any]]] = {}
    for name, root in json.loads(asked):
        try:
            seen[name], later[name] = look(name, root and Path(root))
        except Exception as error:
            seen[name] = {"error": f"{type(error).__name__}: {error}"}
    for name, late in later.items():
        try:
            seen[name] |= late()
        except Exception as error:
            seen[name]["error"] = f"{type(error).__name__}: {error}"
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1])
