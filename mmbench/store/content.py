"""What tells a data set from an edited one: SHA-256 of every file, where there are not too many bytes to read.

Digests are kept in the cache folder. Size, times and inode of a file only tell when its digest must be taken again, so
that a copy of the data elsewhere is the same data set, and a file that was edited in place is another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, runtime_checkable

from mmbench.dataset import Dataset, Problem
from mmbench.errors import UserError
from mmbench.given.files import NotAFileError
from mmbench.plugins.remembered import Remembered, remembered
from mmbench.store import digests

BYTES = 2**30
"""Of all files of a data set: what is larger is known by names and sizes alone. Read once, in seconds."""

FILES = 20_000
"""The same of the number of files, each of which is looked at for every plan."""

QUESTION = "sha256"
KEPT = 200_000  # digests


@runtime_checkable
class OfFiles(Protocol):
    """A data set that says which files it is made of."""

    def paths(self) -> Mapping[str, Path]:
        """Every file that a sample or a label comes from, under a name that is the same wherever the data lie."""


def identity(dataset: Dataset) -> str:
    """The data set's manifest, with the content of its files where they are not too large.

    Raises:
        UserError: a file cannot be read; names it.
    """
    manifest = dataset.manifest()
    if not isinstance(dataset, OfFiles):
        return manifest
    paths = dict(sorted(dataset.paths().items()))
    if _too_large(paths):
        return manifest
    facts = "\n".join([manifest, *(f"{digest} {name}" for name, digest in _digests(paths).items())])
    return hashlib.sha256(facts.encode(errors="surrogateescape")).hexdigest()


def remark(dataset: Dataset) -> str:
    """What a plan has to say of it: empty where the content is known."""
    if not isinstance(dataset, OfFiles) or not _too_large(paths := dataset.paths()):
        return ""
    return (
        f"{len(paths)} files of {_size(paths) / 1e9:.1f} GB are known by names and sizes, not by content "
        f"(up to {FILES} files of {BYTES / 1e9:.1f} GB are): `data verify --content` reads them"
    )


def verify(dataset: Dataset) -> Iterator[Problem | str]:
    """Read every file anew. Yields a problem per file whose content changed without a sign of it, then what to compare.

    A file of a data set that is known by names and sizes has changed where its digest is another than the last time.
    One of any other has where its times and inode are those of the last time as well: the disk is damaged.
    """
    if not isinstance(dataset, OfFiles):
        yield "content: this data set has no files"
        return
    paths, kept = dict(sorted(dataset.paths().items())), _kept()
    large = _too_large(paths)
    all_of_it = hashlib.sha256()
    for name, path in paths.items():
        same, before = kept.last(path.absolute(), QUESTION)
        now = _digest(path)
        if before and before != now and (same or large):
            yield Problem(name, "other content than the last time, under the same name")
        kept.keep(path.absolute(), QUESTION, now)
        all_of_it.update(f"{now} {name}\n".encode(errors="surrogateescape"))
    kept.save()
    yield f"content: SHA-256 {all_of_it.hexdigest()} of {len(paths)} files, {_size(paths) / 1e6:.1f} MB"


def _digests(paths: Mapping[str, Path]) -> dict[str, str]:
    kept = _kept()

    def one(path: Path) -> str:
        digest: str = kept.of(path.absolute(), QUESTION, lambda: _digest(path))
        return digest

    with ThreadPoolExecutor(4) as pool:
        made = dict(zip(paths, pool.map(one, paths.values()), strict=True))
    # Now, since a process that is killed has no end at which it could.
    kept.save()
    return made


def _digest(path: Path) -> str:
    try:
        return digests.of_file(path)
    except (NotAFileError, IsADirectoryError) as error:
        raise UserError(f"{path}: neither a file nor a link to one; take it out of the folder") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error


def _too_large(paths: Mapping[str, Path]) -> bool:
    return len(paths) > FILES or _size(paths) > BYTES


def _size(paths: Mapping[str, Path]) -> int:
    try:
        return sum(path.stat().st_size for path in paths.values())
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from error


def _kept() -> Remembered:
    return remembered("content", Path(__file__), limit=KEPT)
