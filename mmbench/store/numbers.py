"""A finished cell without weights and pictures: what tables, claims, intervals and tests are made of.

Such a copy is a cell like any other to whatever reads results. Its files are the cell's own, but for ``per_image.npz``,
which has the reported rows only, each array as it was, and ``digests.json``, which names what there is.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.given.files import read_bytes
from mmbench.store import digests
from mmbench.store.files import write_bytes
from mmbench.store.folder import CellFolder

FILES = ("cell.json", "log.jsonl", "side_information.json")
STATISTICS, RESULT = "per_image.npz", "result.json"


def copy_numbers(cell: CellFolder, result: Mapping[str, Any], target: Path) -> None:
    """Write the numbers of a finished cell into an empty folder.

    Raises:
        ValueError: one of its files is not what was written; names it.
    """
    known = digests.recorded(cell.path)
    for name in (*FILES, STATISTICS, RESULT):
        if name in known or (cell.path / name).exists():
            digests.check(cell.path, name, known)
            content = read_bytes(cell.path / name)
            write_bytes(target / name, _reported(content, result) if name == STATISTICS else content)
    names = [name for name in ("cell.json", "log.jsonl", STATISTICS) if (target / name).exists()]
    digests.write(target, names, {RESULT: read_bytes(target / RESULT)})


def statistics_of(cell: Path) -> dict[str, np.ndarray]:
    """Statistics of a cell's test images, ``<row>/<metric>`` to an array; empty where it has none.

    Raises:
        OSError, ValueError, zipfile.BadZipFile: they cannot be read.
    """
    if not (cell / STATISTICS).exists():
        return {}
    with np.load(io.BytesIO(read_bytes(cell / STATISTICS)), allow_pickle=False) as arrays:
        return dict(arrays)


def _reported(content: bytes, result: Mapping[str, Any]) -> bytes:
    """A file of statistics with the rows of no sweep and no choice on validation images, packed tighter.

    Those others are three quarters of it in multi-modal methods, and no interval or test is made of them.
    """
    packed, selections = io.BytesIO(), [row.get("selection") or "" for row in result["rows"]]
    with zipfile.ZipFile(io.BytesIO(content)) as whole, zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as made:
        for entry in whole.infolist():
            number = entry.filename.partition("/")[0]
            if not (number.isdigit() and selections[int(number)]):
                # As numpy writes them: the time of writing is not in the file.
                made.writestr(zipfile.ZipInfo(entry.filename), whole.read(entry), zipfile.ZIP_LZMA)
    return packed.getvalue()
