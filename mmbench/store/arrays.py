"""SHA-256 of large files, whole and block by block, so that a part of one can be held against what was written."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbench.given.files import opened
from mmbench.store.files import read_json

BLOCK = 1 << 24  # bytes
SAMPLED = 4  # blocks of a file that are read where not all of it is
META = "meta.json"
SHARDED = "-by-"  # in the name of a folder that holds folders of arrays


def describe(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """Name -> ``bytes``, ``sha256`` and, where there are several, ``blocks`` of each file. Raises OSError."""
    made = {}
    for name in names:
        whole, blocks, size = hashlib.sha256(), [], 0
        for block in _blocks(folder / name):
            whole.update(block)
            blocks.append(hashlib.sha256(block).hexdigest())
            size += len(block)
        made[name] = {"bytes": size, "sha256": whole.hexdigest(), **({"blocks": blocks} if len(blocks) > 1 else {})}
    return made


def problem(folder: Path, whole: bool = False, sizes: bool = False) -> str:
    """What is wrong with a folder of prepared arrays, naming the file; empty where nothing is.

    A folder of older code records no digests and passes.

    Args:
        whole: read all of every file; else of one with more than :data:`SAMPLED` blocks so many, others each time.
        sizes: read none of them, and only look at their sizes.
    """
    try:
        about = read_json(folder / META)
        if about is None:
            return f"{folder / META}: damaged (there is none)"
        for name, known in about.get("arrays", {}).items():
            _check(folder / name, known, whole, sizes)
    except (ValueError, OSError) as error:
        return str(error)
    return ""


def problems(cache: Path, data: str) -> Iterator[str]:
    """A line for each damaged folder of a data set's prepared arrays in a cache folder; all of them are read whole."""
    for meta in sorted([*cache.glob(f"*/{META}"), *cache.glob(f"*{SHARDED}*/*/{META}")]):
        try:
            concerned = (read_json(meta) or {}).get("data") == data
        except ValueError:
            concerned = True  # nobody can say whose it is
        if concerned and (found := problem(meta.parent, whole=True)):
            yield f"{found}; the next run prepares the images again"


def _check(path: Path, known: Mapping[str, Any], whole: bool, sizes: bool) -> None:
    if path.stat().st_size != known["bytes"]:
        raise ValueError(f"{path}: damaged ({path.stat().st_size} bytes, {known['bytes']} were written)")
    if sizes:
        return
    blocks = known.get("blocks", [known["sha256"]])
    numbers = range(len(blocks))
    if not whole and len(blocks) > SAMPLED:
        # Of its own, so that no method's draws depend on it.
        numbers = sorted(random.SystemRandom().sample(numbers, SAMPLED))  # type: ignore[assignment]
    with opened(path) as file:
        for number in numbers:
            file.seek(number * BLOCK)
            if hashlib.sha256(file.read(BLOCK)).hexdigest() != blocks[number]:
                raise ValueError(f"{path}: damaged (other bytes than were written)")


def _blocks(path: Path) -> Iterator[bytes]:
    with opened(path) as file:
        while block := file.read(BLOCK):
            yield block
