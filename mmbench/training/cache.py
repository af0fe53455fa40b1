"""Decode a data set once, into arrays that are memory-mapped from then on.

One folder per (manifest with the content of its files, size, adapter source, list of ids), named by their hash::

    <cache>/<key>/<modality>.npy    one array per modality, rows in the order of the ids that hold it; dtypes as in
                                    ``mmbench/modality/``
    <cache>/<key>/labels.npy        int64, where the data set has class labels
    <cache>/<key>/meta.json         what the key was made of, and the SHA-256 of each array
    <cache>/<key>/rows              how many rows are safely on disk, and the SHA-256 of them
    <cache>/<key>.part/             the same while it is being made
    <cache>/<key>.lock              held by the process that makes it

Of more than ``SHARD`` samples each ``SHARD`` have such a folder, ``<cache>/<key>-by-<SHARD>/00000/`` and so on.
Processes that ask at once, on any machines that share the cache folder, take in turn those that nobody is making.

A preparation that was killed goes on behind the last finished chunk. What is not what was written is prepared again,
folder by folder: arrays are held against their digests when they are opened, large ones and many of them in part.
"""

from __future__ import annotations

import functools
import logging
import os
import random
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.plugins import keys
from mmbench.plugins.catalog import Card
from mmbench.plugins.remembered import stamp
from mmbench.store import arrays, content, prepared
from mmbench.store.files import set_aside, write_sealed
from mmbench.store.lock import Lock
from mmbench.store.prepared import Shard
from mmbench.training.shard import Progress, fill, finished_rows

log = logging.getLogger(__name__)

READ = 4  # shards whose bytes are read when a cache is opened, others each time; of all the sizes are looked at
MAPPED = 500  # files that are mapped at a time: each holds a descriptor, of which a process often has 1024
PAUSE = 0.2  # seconds between looks at a preparation that another process makes


class Cache:
    """The prepared arrays of one list of samples at one size.

    A modality's file is opened when that modality is first read, never earlier: what a method may not see stays shut.

    Args:
        shards: where the rows lie, each of as many rows as the first, but for the last.

    Attributes:
        folder: where the arrays are, or the folders of the shards.
        ids: sample ids in the order of the rows.
        held: modality -> whether each row has it, bool ``(len(ids),)``; a modality that is not named is held by all.
    """

    def __init__(
        self, shards: Sequence[Shard], ids: Sequence[str], held: Mapping[str, np.ndarray] | None = None
    ) -> None:
        self.folder = shards[0].folder if len(shards) == 1 else shards[0].folder.parent
        self.ids = tuple(ids)
        self.held = dict(held or {})
        self._folders = [shard.folder for shard in shards]
        self._each = max(1, len(shards[0].rows))
        self._rows = {sample_id: row for row, sample_id in enumerate(self.ids)}
        # Of a modality that some lack, where a sample is among all that have it, and how many are in earlier shards.
        self._places = {name: np.cumsum(mask) - 1 for name, mask in self.held.items()}
        starts = [shard.rows.start for shard in shards]
        self._before = {name: self._places[name][starts] + ~mask[starts] for name, mask in self.held.items()}
        self._open = functools.lru_cache(MAPPED)(self._map)

    def index(self, ids: Sequence[str]) -> np.ndarray:
        """Rows of ``ids``, int64 ``(len(ids),)``; KeyError naming an id that is not in the cache."""
        return np.array([self._rows[sample_id] for sample_id in ids], dtype=np.int64)

    def holding(self, rows: np.ndarray, modalities: Iterable[str]) -> np.ndarray:
        """Whether each of some rows holds all of some modalities, bool ``(len(rows),)``."""
        masks = [self.held[name][rows] for name in modalities if name in self.held]
        return np.logical_and.reduce([np.ones(len(rows), bool), *masks])

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        """A copy ``(len(rows), H, W[, 3])`` of those rows, array representation of ``mmbench/modality/``.

        Raises:
            KeyError: a sample does not hold the modality; names it.
        """
        if modality not in self.held:
            return self._gather(modality, rows, rows % self._each)
        lacking = rows[~self.held[modality][rows]]
        if len(lacking):
            raise KeyError(f"sample {self.ids[lacking[0]]} has no {modality}")
        return self._gather(modality, rows, self._places[modality][rows] - self._before[modality][rows // self._each])

    def labels(self, rows: np.ndarray) -> np.ndarray:
        """Class labels of those rows, int64 ``(len(rows),)``; FileNotFoundError where the data set has none."""
        return self._gather("labels", rows, rows % self._each)

    def _gather(self, name: str, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Rows of all shards, by the ``places`` that they have in the files of theirs."""
        shards = rows // self._each
        numbers = np.unique(shards) if len(rows) else np.zeros(1, np.int64)
        if len(numbers) == 1:
            return self._open(name, int(numbers[0]))[places]
        first = self._open(name, int(numbers[0]))
        made = np.empty((len(rows), *first.shape[1:]), first.dtype)
        for number in numbers:
            here = shards == number
            made[here] = self._open(name, int(number))[places[here]]
        return made

    def _map(self, name: str, shard: int) -> np.ndarray:
        # The view drops the memmap class, so that fancy indexing returns plain arrays.
        return np.load(self._folders[shard] / f"{name}.npy", mmap_mode="r").view(np.ndarray)


def open_cache(
    dataset: Dataset,
    dataset_source: str,
    ids: Sequence[str],
    size: int,
    folder: Path,
    progress: Progress | None = None,
) -> Cache:
    """The cache of ``ids`` at ``size`` x ``size`` pixels, prepared first where it is not whole yet.

    Args:
        dataset: where the samples come from; one with a data root is read by several threads at once.
        dataset_source: hash of the adapter's code and of the code it resizes with; other code, other cache.
        ids: samples to hold, in the order of the rows.
        size: image height and width in pixels.
        folder: holds all caches, by default :func:`mmbench.plugins.remembered.cache_folder`.
        progress: called with (samples finished, samples in all), first with where a killed preparation had stopped.

    Raises:
        UserError: a sample is damaged (the message is the adapter's; what was finished is kept), or the disk is too
            full, or ``folder`` cannot be written.
        ValueError: the adapter returned arrays of another shape or dtype than its modalities promise.
    """
    about = prepared.meta(dataset, content.identity(dataset), dataset_source, size)
    shards = prepared.shards(folder, prepared.folder_name(about, ids), len(ids))
    work = _Work(dataset, ids, size, about, progress)
    # Of its own, so that no method's draws depend on it.
    read = random.SystemRandom().sample(shards, min(READ, len(shards)))
    work.prepare([shard for shard in shards if not work.usable(shard, sizes=shard not in read)])
    return Cache(shards, ids, {name: mask for name, mask in work.held.items() if not mask.all()})


def open_whole(dataset: Dataset, card: Card, size: int, folder: Path, progress: Progress | None = None) -> Cache:
    """The cache of all samples of all parts of a data set (see :func:`open_cache`)."""
    source = keys.source_digest(card.path, card.module)
    return open_cache(dataset, source, prepared.all_ids(dataset), size, folder, progress)


class _Work:
    """The preparation of a cache, as far as this process takes part in it."""

    def __init__(
        self, dataset: Dataset, ids: Sequence[str], size: int, about: Mapping[str, object], progress: Progress | None
    ) -> None:
        self.dataset, self.ids, self.size, self.about = dataset, ids, size, about
        self.held = prepared.held(dataset, ids)
        self._progress = progress

    def usable(self, shard: Shard, sizes: bool = False) -> bool:
        """Whether the arrays are there and what was written; warns where they are not any more.

        Args:
            sizes: read none of the bytes.
        """
        folder = shard.folder
        if not os.path.lexists(folder):
            return False
        found, labels = arrays.problem(folder, sizes=sizes), ["labels"] if self.dataset.labels else []
        for name in () if found else [*(m.name for m in self.dataset.task.modalities), *labels]:
            try:
                np.load(folder / f"{name}.npy", mmap_mode="r")
            except (OSError, ValueError, EOFError) as error:
                found = f"{folder / name}.npy: damaged ({error})"
        if found:
            images = "the images" if len(shard.rows) == len(self.ids) else f"{len(shard.rows)} images of its folder"
            log.warning("%s; %s are prepared again", found, images)
        return not found

    def prepare(self, shards: Sequence[Shard]) -> None:
        """Make what is not there, and what is damaged; wait for what other processes or threads are making."""
        # Damage that was found by chance might not be found again: what is still the same is not looked at once more.
        left = {shard: stamp(shard.folder / arrays.META) for shard in shards}
        while left:
            before = len(left)
            for shard, seen in list(left.items()):
                lock = _lock(shard)
                if lock is None:
                    continue
                with lock:
                    if seen == stamp(shard.folder / arrays.META) or not self.usable(shard):
                        self._make(shard, list(left))
                del left[shard]
            if len(left) == before:
                self._say(left, sum(finished_rows(shard.part) for shard in left))
                time.sleep(PAUSE)

    def _make(self, shard: Shard, left: Sequence[Shard]) -> None:
        _remove(shard.folder)
        self._check_space(shard.folder.parent, left)
        first, last = shard.rows.start, shard.rows.stop
        ids, held = self.ids[first:last], {name: mask[first:last] for name, mask in self.held.items()}
        names = fill(self.dataset, ids, held, self.size, shard.part, lambda done, _: self._say(left, done))
        made = {"samples": len(ids), "arrays": arrays.describe(shard.part, names)}
        write_sealed(shard.part / arrays.META, {**self.about, **made})
        shard.part.replace(shard.folder)

    def _say(self, left: Iterable[Shard], done: int) -> None:
        """Tell how far it is: all but what is ``left``, of which so many samples are finished."""
        if self._progress:
            self._progress(len(self.ids) - sum(len(shard.rows) for shard in left) + done, len(self.ids))

    def _check_space(self, folder: Path, left: Iterable[Shard]) -> None:
        """Raise UserError where the disk has no room for what is left, whoever makes it."""
        need = 0
        for shard in left:
            rows = slice(shard.rows.start + finished_rows(shard.part), shard.rows.stop)
            there = {name: mask[rows] for name, mask in self.held.items()}
            need += prepared.disk_need(self.dataset.task.modalities, there, self.size)
        free = shutil.disk_usage(folder).free
        if need > free:
            raise UserError(
                f"cache folder {folder}: {need / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free; "
                "make room or set MMBENCH_CACHE to another folder"
            )


def _lock(shard: Shard) -> Lock | None:
    """Taken; None while another process or thread has it."""
    lock = Lock(shard.lock)
    try:
        return lock if lock.take(wait=False) else None
    except OSError as error:
        raise UserError(
            f"cache folder {shard.folder.parent}: {error.strerror}; set MMBENCH_CACHE to another folder"
        ) from error


def _remove(target: Path) -> None:
    """Take away what stands where the cache comes. Raises UserError where that cannot be done."""
    try:
        if os.path.lexists(target):
            aside = set_aside(target)
            shutil.rmtree(aside, ignore_errors=True) if aside.is_dir() else aside.unlink()
    except OSError as error:
        raise UserError(f"{target}: {error.strerror}; delete it, or set MMBENCH_CACHE to another folder") from error
