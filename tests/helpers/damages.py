"""Damage to files: a bit, and random damage to a runs folder and the cache, which is a function of the seed."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CELL = (
    "cell.json", "result.json", "digests.json", "log.jsonl", "per_image.npz", "samples/samples.npz", "samples",
    ".lock", "checkpoint", "checkpoint/latest", "checkpoint/STEP", "checkpoint/STEP/weights.safetensors",
    "checkpoint/STEP/optimizers.pt", "checkpoint/STEP/position.json", "",
)  # fmt: skip
CACHE = ("rgb.npy", "depth.npy", "segmentation.npy", "meta.json", "rows", "")
STATES = ("finished", "interrupted", "parent", "cache")


@dataclass(frozen=True)
class Damage:
    """What is done to which file of a cell (or of the cache), in which state; ``""`` is the whole folder."""

    state: str
    name: str
    kind: str
    seed: int

    def __str__(self) -> str:
        return f"{self.seed}: {self.state} {self.name or 'folder'} {self.kind}"

    def do(self, folder: Path) -> None:
        """Damage the file in a cell's folder, or in one of the cache."""
        step = folder / "checkpoint" / "latest"
        name = self.name.replace("STEP", step.read_text()) if "STEP" in self.name else self.name
        path = folder / name if name else folder
        path.parent.mkdir(exist_ok=True)  # an interrupted cell has no samples
        KINDS[self.kind](path, random.Random(self.seed))


def draw(seed: int) -> Damage:
    """The damage of a seed."""
    chance = random.Random(seed)
    state = chance.choice(STATES)
    names = CACHE if state == "cache" else CELL
    kinds = sorted(KINDS) if os.geteuid() else sorted(KINDS.keys() - {"unreadable"})  # root reads everything
    return Damage(state, chance.choice(names), chance.choice(kinds), seed)


def flip(path: Path, at: int = -3) -> None:
    """Another bit in one byte of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _rewrite(change: Callable[[bytearray, random.Random], bytes]) -> Callable[[Path, random.Random], None]:
    """Other bytes in a file; a folder becomes a file of them."""

    def do(path: Path, chance: random.Random) -> None:
        content = bytearray(path.read_bytes()) if path.is_file() else bytearray()
        _remove(path)
        path.write_bytes(change(content, chance) if content else b"\x00\xff")

    return do


def _bit(content: bytearray, chance: random.Random) -> bytes:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def _digit(content: bytearray, chance: random.Random) -> bytes:
    places = [found.start() for found in re.finditer(rb"[0-9]", content)]
    if not places:
        return _bit(content, chance)
    at = chance.choice(places)
    content[at] = chance.choice([digit for digit in b"123456789" if digit != content[at]])
    return bytes(content)


def _directory(path: Path, chance: random.Random) -> None:
    _remove(path)
    path.mkdir()


def _dangling(path: Path, chance: random.Random) -> None:
    _remove(path)
    path.symlink_to("/nonexistent/anywhere")


KINDS: dict[str, Callable[[Path, random.Random], None]] = {
    "truncate": _rewrite(lambda content, chance: bytes(content[: chance.randrange(len(content))])),
    "empty": _rewrite(lambda content, chance: b""),
    "bit": _rewrite(_bit),
    "digit": _rewrite(_digit),
    "garbage": _rewrite(lambda content, chance: chance.randbytes(len(content))),
    "zeros": _rewrite(lambda content, chance: bytes(len(content))),
    "delete": lambda path, chance: _remove(path),
    "directory": _directory,
    "dangling": _dangling,
    "unreadable": lambda path, chance: path.chmod(0),
}
