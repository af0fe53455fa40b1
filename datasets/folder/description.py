"""What ``dataset.toml`` may say, as typed tables. Whatever it leaves out is found in the images (``discover.py``)."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mmbench.modality as modalities
from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import read_toml
from mmbench.modality.reading import (
    UNITS,
    DepthReading,
    Reading,
    RgbReading,
    ScalarReading,
    SegmentationReading,
)
from mmbench.modality.reading.depth import finite
from mmbench.modality.reading.scalar import is_range
from mmbench.typed import build

FILE = "dataset.toml"
USUAL = {"rgb": "rgb", "depth": "depth", "segmentation": "segmentation", "nir": "scalar"}
"""Folders that need no description, and the kinds of their modalities."""

RESERVED = ("label", "validation", "test")
MODALITY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Rgb:
    """Colour images."""

    kind: str = "rgb"
    folder: str = ""
    pattern: str = ""

    def modality(self, name: str) -> modalities.Modality:
        """What the images become."""
        return modalities.Rgb(name)

    def reading(self) -> Reading:
        """How the files are read."""
        return RgbReading()


@dataclass(frozen=True)
class Depth:
    """Depth images, one channel.

    Attributes:
        unit: of a count: a name in UNITS, or a number of metres.
        invalid: values that mean "not measured"; 0, negative, infinite and NaN are invalid anyway.
        far: metres; a valid pixel beyond is an error that names the file: unit or invalid are wrong then. 0: no limit.
        centre, scale: metres; a network sees (depth - centre) / scale.
    """

    kind: str = "depth"
    folder: str = ""
    pattern: str = ""
    unit: Any = ""
    invalid: tuple[float, ...] = ()
    far: float = 0.0
    centre: float = 0.0
    scale: float = 0.0

    @property
    def metres(self) -> float:
        """Metres per count."""
        return float(UNITS.get(self.unit, self.unit))

    def modality(self, name: str) -> modalities.Modality:
        """What the images become."""
        return modalities.Depth(name, centre=self.centre, scale=self.scale)

    def reading(self, form: str = "") -> DepthReading:
        """How the files are read, which are of numbers of this form; the unit is known."""
        return DepthReading(metres=self.metres, invalid=self.invalid, far=self.far, form=form)


@dataclass(frozen=True)
class Segmentation:
    """Label images: with ``ids`` one channel of class ids (palette PNGs: their indices), else colours of ``palette``.

    Attributes:
        classes: names of the classes, void not among them.
        ids: the value in the files of each class, in the order of ``classes``.
        palette: the colour of each class, in the same order; with ``ids`` only for pictures.
        void: ids, or colours as lists of three, that belong to no class.
    """

    kind: str = "segmentation"
    folder: str = ""
    pattern: str = ""
    classes: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    palette: tuple[tuple[int, ...], ...] = ()
    void: tuple[Any, ...] = ()

    def modality(self, name: str) -> modalities.Modality:
        """What the images become."""
        void = next((value for value in self.void if not isinstance(value, int)), (0, 0, 0))
        palette = tuple((red, green, blue) for red, green, blue in (void, *self.palette))
        return modalities.Segmentation(name, classes=self.classes, palette=palette)

    def reading(self) -> SegmentationReading:
        """How the files are read."""
        return SegmentationReading(
            self.ids, tuple((red, green, blue) for red, green, blue in self.palette),
            void_ids=tuple(value for value in self.void if isinstance(value, int)),
            void_colours=tuple(tuple(value) for value in self.void if not isinstance(value, int)),
        )  # fmt: skip


@dataclass(frozen=True)
class Scalar:
    """One channel of grey, such as near infrared.

    Attributes:
        range: the values that become -1 and 1.
        clip: whether values beyond become the nearer of them; else they are an error that names the file.
    """

    kind: str = "scalar"
    folder: str = ""
    pattern: str = ""
    range: tuple[float, ...] = ()
    clip: bool = True

    def modality(self, name: str) -> modalities.Modality:
        """What the images become; trained with Berhu, as NIR in thesis 4.6.4."""
        return modalities.Scalar(name, loss="berhu")

    def reading(self, form: str = "") -> ScalarReading:
        """How the files are read, which are of numbers of this form."""
        return ScalarReading(range=self.range, clip=self.clip, form=form)


# Of every table: ``folder`` is beside the description, by default named as the modality; ``pattern`` is a regular
# expression on a file's path in it without the ending, whose first group names the sample.
Table = Rgb | Depth | Segmentation | Scalar
KINDS: dict[str, type[Table]] = {table.kind: table for table in (Rgb, Depth, Segmentation, Scalar)}


@dataclass(frozen=True)
class Parts:
    """Which samples go where: a share, a list of names, the name of a text file with one name per line,
    or of a subfolder with a slash behind it: ``val/``.

    Attributes:
        train: lists or files by the group's name; groups without one share what is left.
    """

    test: Any = 0.2
    validation: Any = 0.05
    train: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """A folder of images.

    Attributes:
        anchor: the modality in every group.
        groups: modalities that training may see together, such as ``rgb+depth``.
        scene: regular expression on a sample's name; its first group is the scene.
        nearest: seconds by which the times that name the files of a sample may differ; 0: names are equal.
        modalities: tables by name.
    """

    anchor: str = "rgb"
    groups: tuple[str, ...] = ()
    scene: str = ""
    nearest: float = 0.0
    split: Parts = field(default_factory=Parts)
    modalities: Mapping[str, Any] = field(default_factory=dict)


def read(root: Path) -> Description:
    """The description in ``root``, an empty one where there is none.

    Raises:
        UserError: the file cannot be read, or holds an unknown key or a wrong value; names the file and the key.
    """
    path = root / FILE
    if not os.path.lexists(path):  # a link that leads nowhere is a description that is lost
        return Description()
    values = read_toml(path)
    tables = values.get("modalities", {})
    if not isinstance(tables, Mapping):
        raise UserError(f"{path}: modalities: expected tables such as [modalities.depth]")
    values["modalities"] = {name: _modality(name, table, path) for name, table in tables.items()}
    made: Description = build(Description, values, str(path))
    _check_pattern(made.scene, f"{path}: scene", "scene")
    if not 0 <= made.nearest < math.inf:
        raise UserError(f"{path}: nearest: expected seconds, such as 0.02, got {made.nearest}")
    return made


def _modality(name: str, values: Any, path: Path) -> Table:
    where = f"{path}: [modalities.{name}]"
    if not isinstance(values, Mapping):
        raise UserError(f"{where}: expected a table, got {values!r}")
    if not MODALITY_NAME.fullmatch(name) or name in RESERVED:
        raise UserError(f"{where}: a modality's name has letters, digits, _ and -, and is none of {RESERVED}")
    kind = values.get("kind", USUAL.get(name))
    if kind is None:
        raise UserError(f"{where}: 'kind' is missing; expected one of {', '.join(KINDS)}")
    if not isinstance(kind, str) or kind not in KINDS:
        raise UserError(f"{where}: unknown kind {kind!r}{did_you_mean(str(kind), KINDS)}")
    if isinstance(values.get("invalid"), int | float):
        values = {**values, "invalid": [values["invalid"]]}
    if isinstance(values.get("void"), int):
        values = {**values, "void": [values["void"]]}
    table: Table = build(KINDS[kind], {**values, "kind": kind}, where)
    if isinstance(table, Segmentation):
        count = len(table.classes) if table.classes and not table.palette else 0
        void = tuple(tuple(value) if isinstance(value, list) else value for value in table.void)
        table = replace(table, ids=table.ids or tuple(range(1, count + 1)), void=void)
    elif isinstance(table, Depth):
        table = replace(table, invalid=finite(table.invalid))
    if Path(table.folder).is_absolute() or ".." in Path(table.folder).parts:
        raise UserError(f"{where}: folder {table.folder!r}: expected a folder beside {FILE}")
    _check_pattern(table.pattern, f"{where}: pattern", "sample")
    if isinstance(table, Depth):
        _check_depth(table, where)
    elif isinstance(table, Segmentation):
        _check_segmentation(table, where)
    elif isinstance(table, Scalar) and table.range and not is_range(table.range):
        raise UserError(f"{where}: range: expected [lowest, highest], got {list(table.range)}")
    return table


def _check_depth(table: Depth, where: str) -> None:
    unit = table.unit
    if isinstance(unit, str):
        if unit and unit not in UNITS:
            raise UserError(
                f"{where}: unknown unit {unit!r}{did_you_mean(unit, UNITS)}; a number means metres per count"
            )
    elif isinstance(unit, bool) or not isinstance(unit, int | float) or not 0 < unit < math.inf:
        raise UserError(f"{where}: unit: expected one of {', '.join(UNITS)} or metres per count, got {unit!r}")
    for key in ("centre", "scale", "far"):
        if not 0 <= (value := getattr(table, key)) < math.inf:
            raise UserError(f"{where}: {key}: expected metres above 0, got {value:g}")


def _check_segmentation(table: Segmentation, where: str) -> None:
    for key in ("ids", "palette"):
        values = getattr(table, key)
        if values and len(values) != len(table.classes):
            raise UserError(f"{where}: {len(values)} {key} for {len(table.classes)} classes; expected one for each")
    for name in table.classes:
        if not name.strip():
            raise UserError(f"{where}: classes: one has no name; results are kept by name")
        if table.classes.count(name) > 1:
            raise UserError(f"{where}: classes: {name!r} is there twice; give each class a name of its own")
    if len(table.classes) > 255:
        raise UserError(f"{where}: {len(table.classes)} classes; at most 255 can be told apart")
    colours = [c for c in (*table.palette, *table.void) if not isinstance(c, int)]
    for colour in colours:
        whole = isinstance(colour, tuple) and all(isinstance(v, int) and 0 <= v <= 255 for v in colour)
        if not whole or len(colour) != 3:
            raise UserError(f"{where}: {colour!r} is no colour; expected three numbers from 0 to 255")
    void_ids = [v for v in table.void if isinstance(v, int)]
    if table.classes and (colours[len(table.palette) :] if table.ids else void_ids):
        expected = "ids such as [0, 255]" if table.ids else "colours such as [[0, 0, 0]], as the classes have"
        raise UserError(f"{where}: void: expected {expected}")
    values = [*table.ids, *void_ids] if table.ids else colours
    for value in values:
        if values.count(value) > 1:
            raise UserError(f"{where}: {value} stands for two classes, or for a class and void")
    if len(table.classes) == 1:
        raise UserError(
            f"{where}: classes: one class beside void, which every method would get right everywhere; "
            "name what lies around it as a class too, and leave it out of void"
        )


def _check_pattern(pattern: str, where: str, what: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise UserError(f"{where}: {pattern!r} is no regular expression ({error})") from error
    if pattern and not groups:
        raise UserError(f"{where}: {pattern!r} lacks (parentheses) around the part that names the {what}")
