"""The harness's own part in every number: which files it is, and the number of their protocol, which enters each key.

What methods and data sets import is followed file by file (see ``keys.py``). The harness is not, or every repair of it
would make all results stale. Instead ``protocol.toml`` holds a number, raised by hand when results change, and a digest
of the files below. A test compares the digest, so that none of them is edited without the question being asked.

``python -m mmbench.plugins.protocol`` renews the digest.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

from mmbench.plugins.catalog import Card
from mmbench.plugins.keys import digest, source_digest
from mmbench.plugins.source import code_digest

# Patterns below mmbench/: what is read, in which order it is trained on, how it is evaluated. Checkpoints and what is
# only written down are not among them: they cannot change a number without failing.
FILES = (
    "cells/methods.py",
    "cells/work.py",
    "training/augment.py",
    "training/build.py",  # seeds the initial weights
    "training/cache.py",
    "training/device.py",  # autocast
    "training/loader.py",
    "training/loop.py",
    "training/shard.py",
    "training/shuffle.py",
    "evaluation/*.py",
    "evaluation/metrics/*.py",
)
HARNESS = Path(__file__).parents[1]
PINNED = Path(__file__).with_suffix(".toml")
QUESTION = """\
a file that results depend on was edited (the list is FILES in mmbench/plugins/protocol.py).
Does a result change, in any bit? If so, raise `number` in mmbench/plugins/protocol.toml: all results become stale.
Then, in both cases: python -m mmbench.plugins.protocol"""


@functools.cache
def number() -> int:
    """The protocol's number, a part of every cell's key."""
    return int(_pinned()["number"])


def harness(data: Card) -> str:
    """Digest of what all methods on a data set share: the number of the protocol, the data set's source."""
    return digest([number(), source_digest(data.path, data.module)])


def files(harness: Path = HARNESS) -> list[Path]:
    """The files that results depend on. Raises ValueError for a pattern that none fits."""
    found = []
    for pattern in FILES:
        fitting = sorted(harness.glob(pattern))
        if not fitting:
            raise ValueError(f"no file {harness / pattern}: it was moved; correct FILES in {__file__}")
        found += fitting
    return found


def present_digest(harness: Path = HARNESS) -> str:
    """Digest of the files as they are now; docstrings, comments and formatting do not count."""
    return digest(
        {path.relative_to(harness).as_posix(): code_digest(path.read_text(encoding="utf-8")) for path in files(harness)}
    )


def pinned_digest() -> str:
    """Digest of the files when somebody last looked whether results change."""
    return str(_pinned()["digest"])


def renew() -> None:
    """Write the present digest beside the number."""
    head = "# Renewed by `python -m mmbench.plugins.protocol`; the number is raised by hand when results change.\n"
    PINNED.write_text(f'{head}number = {_pinned()["number"]}\ndigest = "{present_digest()}"\n', encoding="utf-8")


def _pinned() -> dict[str, str | int]:
    with PINNED.open("rb") as file:
        return tomllib.load(file)


if __name__ == "__main__":
    renew()
    print(f"{PINNED}: digest renewed, number {_pinned()['number']}")
