"""How files of a modality are read: what every kind of description can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from mmbench.modality.base import Kind, Modality
from mmbench.resize import centre_square, resize

from .stored import numbers, opened


@dataclass(frozen=True)
class Reading(ABC):
    """How files of one modality are read.

    Attributes:
        kind: the kind of the modality, in what is recorded.
        crop: which square of an image is taken: ``centre``, or ``left``, which :meth:`read` cuts out itself.

    Each kind fixes:
        keys: what can be stated of its files, as in ``dataset.toml`` (see :meth:`changed`).
        example: a key with a value.
    """

    kind: Kind = field(init=False)
    crop: str = field(default="centre", kw_only=True)

    lossless: ClassVar[bool] = False
    keys: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[str] = ""

    @classmethod
    def as_written(cls, modality: Modality) -> Self:
        """How files are read that hold a modality in mmbench's own form, as its ``encode`` writes them."""
        return cls()

    def changed(self, key: str, value: Any, modality: Modality, where: str) -> Reading:
        """This one with one of :attr:`keys` stated otherwise.

        Raises:
            UserError: the value does not fit; begins with ``where``.
        """
        raise NotImplementedError(f"{type(self).__name__} has no {key!r}")

    def stored(self, path: Path) -> np.ndarray:
        """What the file holds. Raises DamagedError where it cannot be decoded to its end."""
        return numbers(opened(path, self.kind, self.lossless))

    @abstractmethod
    def decode(self, array: np.ndarray) -> np.ndarray:
        """What a file holds, as the array of its modality ``(H, W[, 3])``; DamagedError for other values."""

    def read(self, path: Path) -> np.ndarray:
        """A file as the array of its modality, at its own size, or of the left square.

        Raises:
            DamagedError: it cannot be decoded to its end, or holds other values than described.
        """
        return self._cut(self.decode(self.stored(path)))

    def fitted(self, path: Path, modality: Modality, size: int) -> tuple[np.ndarray, tuple[int, int]]:
        """A file as the array ``(size, size[, 3])`` that a network is trained on, and its own height and width.

        Raises:
            DamagedError: as :meth:`read`.
        """
        array = self.decode(self.stored(path))
        return resize(centre_square(self._cut(array)), modality, size), (array.shape[0], array.shape[1])

    def _cut(self, array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array[:, : len(array)]) if self.crop == "left" else array
