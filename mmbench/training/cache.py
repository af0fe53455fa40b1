"""Decode a data set once, into arrays that are memory-mapped from then on.

One folder per (manifest with the content of its files, size, adapter source, list of ids), named by their hash::

    <cache>/<key>/<modality>.npy    one array per modality, rows in the order of the ids that hold it; dtypes as in
                                    ``mmbench/modality/``
    <cache>/<key>/labels.npy        int64, where the data set has class labels
    <cache>/<key>/meta.json         what the key was made of, and the SHA-256 of each array
    <cache>/<key>/rows              how many rows are safely on disk, and the SHA-256 of them
    <cache>/<key>.part/             the same while it is being made

A preparation that was killed goes on behind the last finished chunk. A lock lets several processes ask at once. What is
not what was written is prepared again: arrays are held against their digests when they are opened, large ones in part.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mmbench.dataset import Dataset, Sample
from mmbench.errors import UserError
from mmbench.modality import Modality
from mmbench.plugins import keys
from mmbench.plugins.catalog import Card
from mmbench.store import arrays, content, prepared
from mmbench.store.files import read_json, set_aside, sync, write_sealed
from mmbench.store.lock import Lock
from mmbench.store.processors import usable_cores

log = logging.getLogger(__name__)

CHUNK = 32  # samples; what a kill costs at most per worker
ROWS = "rows"
PAUSE = 0.2  # seconds between looks at a preparation that another process makes

Progress = Callable[[int, int], None]


class Cache:
    """The prepared arrays of one list of samples at one size.

    A modality's file is opened when that modality is first read, never earlier: what a method may not see stays shut.

    Attributes:
        folder: where the arrays are.
        ids: sample ids in the order of the rows.
        held: modality -> whether each row has it, bool ``(len(ids),)``; a modality that is not named is held by all.
    """

    def __init__(self, folder: Path, ids: Sequence[str], held: Mapping[str, np.ndarray] | None = None) -> None:
        self.folder = folder
        self.ids = tuple(ids)
        self.held = dict(held or {})
        self._rows = {sample_id: row for row, sample_id in enumerate(self.ids)}
        self._arrays: dict[str, np.ndarray] = {}
        self._places = {name: np.cumsum(mask) - 1 for name, mask in self.held.items()}

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
            return self._open(modality)[rows]
        lacking = rows[~self.held[modality][rows]]
        if len(lacking):
            raise KeyError(f"sample {self.ids[lacking[0]]} has no {modality}")
        return self._open(modality)[self._places[modality][rows]]

    def labels(self, rows: np.ndarray) -> np.ndarray:
        """Class labels of those rows, int64 ``(len(rows),)``; FileNotFoundError where the data set has none."""
        return self._open("labels")[rows]

    def _open(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            # The view drops the memmap class, so that fancy indexing returns plain arrays.
            self._arrays[name] = np.load(self.folder / f"{name}.npy", mmap_mode="r").view(np.ndarray)
        return self._arrays[name]


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
    target = folder / prepared.folder_name(about, ids)
    held = prepared.held(dataset, ids)
    if not _usable(target, dataset):
        with _lock(target, len(ids), progress):
            if not _usable(target, dataset):
                _remove(target)
                part = target.with_suffix(".part")
                names = _prepare(dataset, ids, held, size, part, progress)
                arrays_ = arrays.describe(part, names)
                write_sealed(part / arrays.META, {**about, "samples": len(ids), "arrays": arrays_})
                part.replace(target)
    return Cache(target, ids, {name: mask for name, mask in held.items() if not mask.all()})


def _usable(target: Path, dataset: Dataset) -> bool:
    """Whether the arrays are there and what was written; warns where they are not any more."""
    if not os.path.lexists(target):
        return False
    found = arrays.problem(target)
    for name in () if found else [*(m.name for m in dataset.task.modalities), *(["labels"] if dataset.labels else [])]:
        try:
            np.load(target / f"{name}.npy", mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            found = f"{target / name}.npy: damaged ({error})"
    if found:
        log.warning("%s; the images are prepared again", found)
    return not found


def _remove(target: Path) -> None:
    """Take away what stands where the cache comes. Raises UserError where that cannot be done."""
    try:
        if os.path.lexists(target):
            aside = set_aside(target)
            shutil.rmtree(aside, ignore_errors=True) if aside.is_dir() else aside.unlink()
    except OSError as error:
        raise UserError(f"{target}: {error.strerror}; delete it, or set MMBENCH_CACHE to another folder") from error


def open_whole(dataset: Dataset, card: Card, size: int, folder: Path, progress: Progress | None = None) -> Cache:
    """The cache of all samples of all parts of a data set (see :func:`open_cache`)."""
    source = keys.source_digest(card.path, card.module)
    return open_cache(dataset, source, prepared.all_ids(dataset), size, folder, progress)


def _prepare(
    dataset: Dataset,
    ids: Sequence[str],
    held: Mapping[str, np.ndarray],
    size: int,
    part: Path,
    progress: Progress | None,
) -> list[str]:
    """Fill ``part`` with the rows it lacks. Returns the names of its files."""
    part.mkdir(exist_ok=True)
    layouts = {m.name: _Layout(m, int(held[m.name].sum()), size) for m in dataset.task.modalities}
    counter = part / ROWS
    done, sums = _begun(part, held, layouts)
    _check_space(part.parent, sum(one.row_bytes * int(held[name][done:].sum()) for name, one in layouts.items()))
    with ExitStack() as stack:
        files = {name: stack.enter_context(a.open(part, int(held[name][:done].sum()))) for name, a in layouts.items()}
        if progress:
            progress(done, len(ids))
        for samples in _load_chunks(dataset, ids[done:], size):
            for name, file in files.items():
                here = held[name][done : done + len(samples)]
                block = layouts[name].block([sample for sample, has in zip(samples, here, strict=True) if has])
                sums[name].update(block)
                file.write(block)
                file.flush()
                sync(part / f"{name}.npy")
            done += len(samples)
            # The count follows the data to the disk, so it never promises rows that a crash took away.
            write_sealed(counter, {"rows": done, "sha256": {name: one.hexdigest() for name, one in sums.items()}})
            if progress:
                progress(done, len(ids))
    if dataset.labels:
        np.save(part / "labels.npy", np.array([dataset.label(sample_id) for sample_id in ids], dtype=np.int64))
        sync(part / "labels.npy")
    return [f"{name}.npy" for name in (*layouts, *(["labels"] if dataset.labels else []))]


def _begun(
    part: Path, held: Mapping[str, np.ndarray], layouts: Mapping[str, _Layout]
) -> tuple[int, dict[str, hashlib._Hash]]:
    """How many rows an earlier preparation left, and the running SHA-256 of each modality's; 0 where one is damaged."""
    try:
        about = read_json(part / ROWS) or {"rows": 0}
        done, sums = int(about["rows"]), {name: hashlib.sha256() for name in layouts}
        for name, layout in layouts.items() if done else ():
            with (part / f"{name}.npy").open("rb") as file:
                np.lib.format.read_magic(file)
                np.lib.format.read_array_header_1_0(file)
                left = int(held[name][:done].sum()) * layout.row_bytes
                while left and (block := file.read(min(left, arrays.BLOCK))):
                    sums[name].update(block)
                    left -= len(block)
            if sums[name].hexdigest() != about["sha256"][name]:
                raise ValueError(f"{part / name}.npy: damaged (other bytes than were written)")
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s; the images are prepared from the beginning", error)
        return 0, {name: hashlib.sha256() for name in layouts}
    return done, sums


def workers_for(dataset: Dataset) -> int:
    """Threads that decode a data set. An embedded renderer is Python and torch that already uses every core."""
    return 1 if dataset.root is None else min(8, usable_cores())


def _load_chunks(dataset: Dataset, ids: Sequence[str], size: int) -> Iterator[list[Sample]]:
    """Samples in the order of ``ids``, chunk by chunk, decoded ahead by threads where they come from files."""
    chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]

    def load(chunk: Sequence[str]) -> list[Sample]:
        return list(dataset.load(chunk, size))

    if (workers := workers_for(dataset)) == 1:
        yield from map(load, chunks)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        waiting: deque[Future[list[Sample]]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(load, chunk))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


class _Layout:
    """One modality's file: a ``.npy`` header for all rows, then the rows, appended.

    Plain appending instead of writing into a memory map: on a full disk it raises, where a map kills the process.
    """

    def __init__(self, modality: Modality, samples: int, size: int) -> None:
        self.name = modality.name
        self.dtype = modality.dtype
        self.row_shape = modality.shape(size, size)
        self.row_bytes = self.dtype.itemsize * int(np.prod(self.row_shape))
        self.samples = samples

    @contextmanager
    def open(self, folder: Path, done: int) -> Iterator[BinaryIO]:
        """The file, standing behind row ``done`` with whatever followed cut off."""
        path = folder / f"{self.name}.npy"
        path.touch()
        with path.open("r+b") as file:
            header = {
                "descr": np.lib.format.dtype_to_descr(self.dtype),
                "fortran_order": False,
                "shape": (self.samples, *self.row_shape),
            }
            np.lib.format.write_array_header_1_0(file, header)
            file.truncate(file.tell() + done * self.row_bytes)
            file.seek(0, os.SEEK_END)
            yield file

    def block(self, samples: Sequence[Mapping[str, np.ndarray]]) -> bytes:
        """The bytes of several rows. Raises ValueError where a sample's array is not what the modality promises."""
        for sample in samples:
            array = sample.get(self.name)
            if array is None or array.dtype != self.dtype or array.shape != self.row_shape:
                given = "nothing" if array is None else f"{array.dtype} {array.shape}"
                raise ValueError(f"modality {self.name!r}: expected {self.dtype} {self.row_shape}, got {given}")
        return b"".join(sample[self.name].tobytes() for sample in samples)


def _lock(target: Path, samples: int, progress: Progress | None) -> Lock:
    """Taken; while another process or thread has it, its progress is told."""
    lock = Lock(target.with_suffix(".lock"))
    try:
        while not lock.take(wait=False):
            if progress:
                progress(_rows(target.with_suffix(".part")), samples)
            time.sleep(PAUSE)
    except OSError as error:
        raise UserError(
            f"cache folder {target.parent}: {error.strerror}; set MMBENCH_CACHE to another folder"
        ) from error
    return lock


def _rows(part: Path) -> int:
    """That are finished, of a preparation that may begin or end at this moment."""
    with suppress(ValueError, KeyError, TypeError):
        return int((read_json(part / ROWS) or {})["rows"])
    return 0


def _check_space(folder: Path, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if need > free:
        raise UserError(
            f"cache folder {folder}: {need / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free; "
            "make room or set MMBENCH_CACHE to another folder"
        )
