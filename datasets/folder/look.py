"""Looks into images: which class ids, colours and values occur, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmbench.errors import UserError
from mmbench.modality import Colour
from mmbench.modality.reading import KINDS, DepthReading
from mmbench.modality.reading.stored import DamagedError, form, grey, has_palette, label_codes, opened

from .description import Depth, Scalar, Segmentation, Table
from .files import Files

LOOK = 100
"""Images of a modality that are looked at where not all are; they are spread evenly over the sorted names."""

FEW = 5
"""Images that are looked at for the type of their numbers alone."""

IDS = 255
"""The largest class id that is taken for one without a description, and how many there may be."""


@dataclass(frozen=True)
class Labels:
    """Class ids, or codes of colours: in how many pixels and in how many images; ``looked`` images in all."""

    colour: bool
    pixels: Counter[int]
    images: Counter[int]
    looked: int


@dataclass(frozen=True)
class Values:
    """Of a depth or scalar modality, in the files' own counts: type, extremes, and the 5, 50 and 95 % quantiles."""

    dtype: np.dtype[Any]
    low: float
    high: float
    quantiles: tuple[float, float, float]


@dataclass
class Look:
    """Looks into each modality's images once. ``everything``: at all of them, instead of at most LOOK."""

    files: Files
    everything: bool = False
    _seen: dict[str, Any] = field(default_factory=dict)

    def labels(self, name: str, table: Segmentation) -> Labels:
        """The ids or colours of a segmentation. Raises UserError where no image can be read, or both kinds occur."""
        if name not in self._seen:
            kinds: set[bool] = set()
            pixels: Counter[int] = Counter()
            images: Counter[int] = Counter()
            looked = 0
            for _, array, codes in self._each(name, table, label_codes, LOOK):
                values, counts = np.unique(codes, return_counts=True)
                kinds.add(array.ndim == 3)
                pixels.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
                images.update(values.tolist())
                looked += 1
                if len(pixels) > 2 * IDS:
                    break  # more than a description can name; counting on would only take long
            if len(kinds) > 1:
                raise UserError(f"{self._example(name)}: this folder mixes colour images and images of class ids")
            self._seen[name] = Labels(kinds.pop(), pixels, images, looked)
        found: Labels = self._seen[name]
        return found

    def palette(self, name: str) -> dict[int, Colour]:
        """Class id -> colour, where the first label image says how its ids are to be shown; else empty."""
        path = self.files.root / next(iter(self.files.images[name].values())).path
        try:
            content = opened(path, "segmentation", lossless=True)
        except (DamagedError, UserError):
            return {}
        flat = content.getpalette("RGB") if has_palette(content) and not isinstance(content, np.ndarray) else None
        return {i: (r, g, b) for i, (r, g, b) in enumerate(zip(*[iter(flat or ())] * 3, strict=True))}

    def values(self, name: str, table: Depth | Scalar) -> Values:
        """The values of a depth or scalar modality. Raises UserError where none can be read, or types are mixed."""
        if name not in self._seen:
            types: dict[np.dtype[Any], str] = {}
            lows, highs, some = [], [], []
            for path, array, valid in self._each(name, table, _valid(table), LOOK):
                types.setdefault(array.dtype.newbyteorder("="), path)
                if valid.size:
                    lows.append(float(valid.min()))
                    highs.append(float(valid.max()))
                    some.append(valid[:: max(1, valid.size // 1000)])
            dtype = _common(set(types), isinstance(table, Depth))
            if dtype is None:
                raise self._mixed(types)
            if not some:
                raise UserError(f"{self._example(name)}: no {name} image that was looked at has a valid pixel")
            near, middle, far = np.quantile(np.concatenate(some), (0.05, 0.5, 0.95)).tolist()
            self._seen[name] = Values(dtype, min(lows), max(highs), (near, middle, far))
        found: Values = self._seen[name]
        return found

    def forms(self, tables: Mapping[str, Table]) -> dict[str, str]:
        """Of what numbers the files of each depth or scalar modality are (see ``stored.form``), by a few of them; empty
        where none of those can be read. Raises UserError where types are mixed.
        """
        return {name: self._form(name, table) for name, table in tables.items() if isinstance(table, Depth | Scalar)}

    def _form(self, name: str, table: Depth | Scalar) -> str:
        if name in self._seen:
            return form(self._seen[name].dtype)
        types: dict[np.dtype[Any], str] = {}
        try:
            for path, array, _ in self._each(name, table, _valid(table), FEW):
                types.setdefault(array.dtype, path)
        except UserError:
            return ""  # each is named when it is read
        forms = set(map(form, types))
        if len(forms) > 1:
            raise self._mixed(types)
        return forms.pop()

    def _mixed(self, types: Mapping[np.dtype[Any], str]) -> UserError:
        """The error of a folder that has two types or more, by the first file of each."""
        first, *others = types
        other = next((dtype for dtype in others if form(dtype) != form(first)), others[0])
        return UserError(
            f"{self.files.root / types[other]}: {other} values, but {types[first]} holds {first} ones: this folder "
            "mixes types; save all alike"
        )

    def _each(
        self, name: str, table: Table, convert: Callable[[np.ndarray], np.ndarray], most: int
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Paths below the root, and arrays as stored and converted, of at most so many images unless ``everything``.

        What cannot be read is left to ``verify``, unless there is nothing else.
        """
        images = list(self.files.images[name].values())
        if not self.everything and len(images) > most:
            images = [images[index * len(images) // most] for index in range(most)]
        problem, good = "", 0
        for image in images:
            path = self.files.root / image.path
            try:
                array = KINDS[table.kind]().stored(path)
                made = convert(array)
            except DamagedError as error:
                problem = problem or f"{path}: {error}"
                continue
            good += 1
            yield image.path, array, made
        if not good:
            raise UserError(problem)

    def _example(self, name: str) -> str:
        return str(self.files.root / next(iter(self.files.images[name].values())).path)


def _valid(table: Depth | Scalar) -> Callable[[np.ndarray], np.ndarray]:
    """What takes the values of a stored array that say something, in the file's own counts, float64."""

    def convert(array: np.ndarray) -> np.ndarray:
        if isinstance(table, Depth):
            values = DepthReading(invalid=table.invalid).counts(array)
        else:
            values = grey(array).astype(np.float64)
        return values[np.isfinite(values)]

    return convert


def _common(types: set[np.dtype[Any]], depth: bool) -> np.dtype[Any] | None:
    """The type that stands for all; None where one count may mean different things in them.

    Numbers with a point mean the same in 32 and 64 bits, and so do whole counts of depth.
    """
    kinds = {kind.kind for kind in types}
    if len(types) == 1 or kinds == {"f"} or (depth and kinds <= {"u", "i"}):
        return min(types, key=lambda kind: (kind.itemsize, kind.str), default=None)
    return None


def shares(counts: Counter[int], of: Iterable[int]) -> dict[int, float]:
    """Percent of the pixels of ``of`` that each of them has."""
    wanted = list(of)
    total = sum(counts[value] for value in wanted) or 1
    return {value: 100 * counts[value] / total for value in wanted}
