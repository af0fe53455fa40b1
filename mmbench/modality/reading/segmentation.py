"""How label images are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from mmbench.colours import colour_codes
from mmbench.errors import UserError
from mmbench.modality.base import Colour, Kind, Modality
from mmbench.modality.segmentation import Segmentation
from mmbench.typed import convert

from .base import Reading
from .stored import DamagedError, UndescribedError, has_palette, label_codes, numbers, opened

Value = TypeVar("Value")


@dataclass(frozen=True)
class SegmentationReading(Reading):
    """Class ids in one channel, or colours that stand for classes.

    Attributes:
        ids: values of one channel (palette PNGs: indices), by class.
        palette: colours, by class. With ``ids`` colour images are refused, unless ``either`` is set.
        classes: the class of each value or colour; without them 1, 2, ... in order.
        void_ids, void_colours: those that belong to no class.
        strict: other values are refused; without it they are void.
        either: read ids of one channel and colours alike. A palette PNG goes by its colours where all are known.
    """

    kind: Kind = field(init=False, default="segmentation")
    ids: tuple[int, ...] = ()
    palette: tuple[Colour, ...] = ()
    classes: tuple[int, ...] = ()
    void_ids: tuple[int, ...] = ()
    void_colours: tuple[Colour, ...] = ()
    strict: bool = True
    either: bool = False

    lossless: ClassVar[bool] = Segmentation.lossless
    keys: ClassVar[tuple[str, ...]] = ("ids", "palette", "void")
    example: ClassVar[str] = "ids='[1, 2, 3]'"

    @classmethod
    def as_written(cls, modality: Modality) -> Self:
        """Class ids 1 to K, or the palette's colours; 0 and the palette's first colour are void."""
        void, *palette = modality.palette if isinstance(modality, Segmentation) else ((0, 0, 0),)
        ids = tuple(range(1, len(palette) + 1))
        return cls(ids, tuple(palette), void_ids=(0,), void_colours=(void,), either=True)

    def changed(self, key: str, value: Any, modality: Modality, where: str) -> Reading:
        """``ids`` or ``palette``: one for each class, in order; ``void``: ids, or colours as lists of three."""
        if key == "void":
            values = value if isinstance(value, list) else [value]
            if any(isinstance(one, list) for one in values):
                return replace(self, void_colours=self._free(_colours(values, where), self.palette, where))
            return replace(self, void_ids=self._free(convert(tuple[int, ...], values, where), self.ids, where))
        plain = replace(self, ids=(), palette=(), classes=(), strict=True, either=False)
        names = [name for name, _ in modality.legend]
        if key == "ids":
            ids = convert(tuple[int, ...], value, where)
            _one_each(ids, names, where)
            return replace(plain, ids=ids, void_ids=tuple(one for one in self.void_ids if one not in ids))
        colours = _colours(value, where)
        _one_each(colours, names, where)
        free = tuple(one for one in self.void_colours if one not in colours)
        return replace(plain, palette=colours, void_colours=free)

    def stored(self, path: Path) -> np.ndarray:
        """See :class:`Reading`."""
        content = opened(path, self.kind, self.lossless)
        array = numbers(content)
        if self.palette and (self.either or not self.ids) and has_palette(content):
            colours = numbers(content, colour=True)
            known, _ = self._table(colour=True)
            if not self.ids or (len(set(known.tolist())) == len(known) and np.isin(label_codes(colours), known).all()):
                return colours
        return array

    def decode(self, array: np.ndarray) -> np.ndarray:
        """uint8 ``(H, W)``, 0 = void."""
        codes = label_codes(array)
        colour = array.ndim == 3
        if colour and not self.palette:
            raise DamagedError("a colour image; expected class ids")
        if colour and self.ids and not self.either:
            raise UndescribedError("a colour image; expected class ids (for colours give palette, and no ids)")
        if not colour and not self.ids:
            raise UndescribedError("one channel; expected colours (for class ids give ids = [1, 2, ...])")
        known, classes = self._table(colour)
        if colour and self.either and len(set(known.tolist())) < len(known):
            raise DamagedError("a colour image, and classes that share a colour; expected one channel of class ids")
        order = known.argsort(kind="stable")
        places = order[known.searchsorted(codes, sorter=order).clip(max=len(known) - 1)]
        strange = known[places] != codes
        if strange.any() and self.strict:
            row, column = (int(where[0]) for where in np.nonzero(strange))
            value = f"colour {tuple(array[row, column].tolist())}" if colour else f"class id {array[row, column]}"
            expected = "the palette" if colour else f"the ids {_brief(self.ids)}"
            raise UndescribedError(
                f"{value} at row {row}, column {column} ({int(strange.sum())} such pixels) is neither void nor among "
                f"{expected} of the description"
            )
        return np.where(strange, np.uint8(0), classes[places])

    def _free(self, void: tuple[Value, ...], real: tuple[Value, ...], where: str) -> tuple[Value, ...]:
        """Values that are to be void. Raises UserError where one of them stands for a class."""
        numbers = self.classes or range(1, len(real) + 1)
        taken = [value for value, number in zip(real, numbers, strict=False) if number and value in void]
        if taken:
            raise UserError(
                f"{where}: {taken[0]} stands for a class; expected values of none (if the classes have others, state "
                "those first)"
            )
        return void

    def _table(self, colour: bool) -> tuple[np.ndarray, np.ndarray]:
        """Known values, or codes of colours, and the class of each."""
        real = colour_codes(self.palette).tolist() if colour else [*self.ids]
        void = [int(colour_codes(value)) for value in self.void_colours] if colour else [*self.void_ids]
        classes = [*(self.classes or range(1, len(real) + 1)), *(0 for _ in void)]
        return np.array([*real, *void], np.int64), np.array(classes, np.uint8)


def _one_each(values: Sequence[Any], names: Sequence[str], where: str) -> None:
    if len(values) != len(names) or len(set(values)) != len(values):
        raise UserError(f"{where}: {len(values)} values; expected one of its own for each class: {', '.join(names)}")


def _colours(value: Any, where: str) -> tuple[Colour, ...]:
    colours = convert(tuple[tuple[int, ...], ...], value, where)
    if any(len(colour) != 3 or not 0 <= min(colour) <= max(colour) <= 255 for colour in colours):
        raise UserError(f"{where}: expected colours such as [[0, 0, 0], [255, 0, 0]]")
    return tuple((red, green, blue) for red, green, blue in colours)


def _brief(ids: tuple[int, ...]) -> str:
    shown = [str(value) for value in sorted(ids)]
    return ", ".join(shown if len(shown) <= 6 else [*shown[:3], "...", shown[-1]])
