"""What reports computed at length and want again next time: a folder of JSON files that may be deleted any time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from mmbench.store.files import read_json, write_json


class Kept(MutableMapping[str, Any]):
    """Name -> JSON object, each in a file of its own.

    One that is damaged is as one that is not there; where the folder cannot be written, nothing is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> Any:
        with contextlib.suppress(ValueError):
            if (value := read_json(self._path(name))) is not None:
                return value
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:
        with contextlib.suppress(OSError):
            write_json(self._path(name), value)

    def __delitem__(self, name: str) -> None:
        try:
            self._path(name).unlink()
        except OSError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return (path.stem for path in sorted(self.folder.glob("*.json")))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _path(self, name: str) -> Path:
        """Names hold those of data sets, which may be anything."""
        return self.folder / f"{re.sub(r'[^A-Za-z0-9_.+-]', '_', name)}.json"
