"""One folder of prepared arrays in the making: samples in, ``.npy`` files out, chunk by chunk, resumed where it was.

See ``cache.py`` for what lies where.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mmbench.dataset import Dataset, Sample
from mmbench.modality import Modality
from mmbench.store import arrays
from mmbench.store.files import read_json, sync, write_sealed
from mmbench.store.prepared import row_bytes
from mmbench.store.processors import usable_cores

log = logging.getLogger(__name__)

CHUNK = 32  # samples; what a kill costs at most per worker
ROWS = "rows"

Progress = Callable[[int, int], None]


def fill(
    dataset: Dataset,
    ids: Sequence[str],
    held: Mapping[str, np.ndarray],
    size: int,
    part: Path,
    progress: Progress | None = None,
) -> list[str]:
    """Fill a folder with the rows it lacks.

    Args:
        ids: of the samples, in the order of the rows.
        held: modality -> whether each of them has it, bool ``(len(ids),)``.
        size: image height and width in pixels.
        part: the folder, made where it is not there.
        progress: called with (samples finished, samples in all), first with where a killed preparation had stopped.

    Returns:
        The names of its files of arrays.

    Raises:
        ValueError: the adapter returned arrays of another shape or dtype than its modalities promise.
    """
    part.mkdir(exist_ok=True)
    layouts = {m.name: _Layout(m, int(held[m.name].sum()), size) for m in dataset.task.modalities}
    counter = part / ROWS
    done, sums = _begun(part, held, layouts)
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


def finished_rows(part: Path) -> int:
    """How many rows of a folder are finished, while its preparation may begin or end at this moment."""
    with suppress(ValueError, KeyError, TypeError):
        return int((read_json(part / ROWS) or {})["rows"])
    return 0


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
        self.row_bytes = row_bytes(modality, size)
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
