"""What ``dataset.toml`` leaves out, found in the images: groups, classes, units, ranges."""

from __future__ import annotations

import colorsys
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmbench.colours import colour_of
from mmbench.errors import UserError, did_you_mean
from mmbench.modality.reading.depth import FULL

from .description import FILE, KINDS, USUAL, Depth, Description, Scalar, Segmentation, Table
from .files import Files, proposal
from .look import IDS, Look, Values, shares

COLOURS = 64
"""More colours in label images than this are no classes, but blurred edges or photographs."""

FAR = 100.0
"""Metres; a depth beyond is probably in another unit than the one that its type suggests."""

MANY = 1.5
"""An id 0 with more than this many times the pixels of the most frequent class is rather a class than void."""


def complete(described: Description, look: Look) -> Description:
    """The description with nothing left out; modalities that are in no group are.

    Raises:
        UserError: what is missing cannot be told from the images; says which key to write.
    """
    files = look.files
    groups = _groups(described, files)
    used = [name for name in files.images if any(name in group.split("+") for group in groups)]
    tables: dict[str, Table] = {}
    for name in used:
        table = described.modalities.get(name) or KINDS[USUAL[name]]()
        table = replace(table, folder=table.folder or name)
        if isinstance(table, Depth):
            table = _depth(table, name, look)
        elif isinstance(table, Segmentation):
            table = _segmentation(table, name, look)
        elif isinstance(table, Scalar) and not table.range:
            table = replace(table, range=_range(name, look.values(name, table), look), clip=False)
        tables[name] = table
    return replace(described, groups=groups, modalities=tables)


def _groups(described: Description, files: Files) -> tuple[str, ...]:
    anchor, names = described.anchor, list(files.images)
    groups = [tuple(part.strip() for part in group.split("+")) for group in described.groups]
    for group in groups:
        for name in group:
            if name not in names:
                known = {*names, *(path.name for path in files.root.iterdir() if path.is_dir())}
                raise UserError(f"{files.root / FILE}: groups: no folder {name!r}{did_you_mean(name, known)}")
        if anchor not in group or len(set(group)) != len(group) or len(group) < 2:
            raise UserError(
                f"{files.root / FILE}: groups: {'+'.join(group)!r}: expected {anchor!r} (the anchor) and others, once"
            )
    for one, other in itertools.combinations(groups, 2):
        if set(one) == set(other):
            raise UserError(
                f"{files.root / FILE}: groups: {'+'.join(other)!r} holds the same as {'+'.join(one)!r}; write it once"
            )
    if not groups:
        tables = {name: described.modalities.get(name) or KINDS[USUAL[name]]() for name in names}
        labels = [name for name in names[1:] if isinstance(tables[name], Segmentation)]
        others = [name for name in names[1:] if name not in labels]
        # Thesis 4.6.4: labels in one recording, all further sensors together in the other, if they ever were together.
        together = bool(labels) and any(set(others) <= set(files.holds(sample)) for sample in files.images[anchor])
        groups = [(anchor, name) for name in labels]
        groups += [(anchor, *others)] if together and others else [(anchor, name) for name in others]
    used = {name for group in groups for name in group}
    if len(groups) < 2 or not any(not any({a, b} <= set(g) for g in groups) for a in used for b in used):
        raise UserError(
            f"{files.root}: found {', '.join(names)}: zero-pair translation needs two modalities beside {anchor} that "
            f"are never in one group, such as depth/ and segmentation/; see groups in {FILE}{proposal(files.root)}"
        )
    return tuple("+".join(group) for group in groups)


def _depth(table: Depth, name: str, look: Look) -> Depth:
    if table.unit and table.far and table.centre and table.scale:
        return replace(table, invalid=table.invalid or (0.0,))
    values, where = look.values(name, table), f"under [modalities.{name}] in {FILE}"
    folder, whole, stated = look.files.root / table.folder, values.dtype.kind != "f", table
    sixteen = whole and values.dtype.itemsize == 2
    if not table.unit:
        if whole and values.high <= FAR:
            raise UserError(
                f"{folder}: {values.dtype} depth from {values.low:g} to {values.high:g}: which unit? "
                f'Write unit = "millimetre" or unit = "metre" {where}'
            )
        table = replace(table, unit="millimetre" if whole else "metre")
    if not table.far:
        limits = [] if stated.unit else [FAR]
        # Half a count below the largest value, in no more digits than its own.
        limits += [float(f"{(FULL - 0.5) * table.metres:.6g}")] if sixteen and not stated.invalid else []
        table = replace(table, far=min(limits, default=0.0))
    if beyond := table.reading().too_far(values.high):
        raise UserError(f"{folder}: {beyond}, {where}")
    table = replace(table, invalid=table.invalid or (0.0,))
    if not (table.centre and table.scale):
        near, middle, far = (value * table.metres for value in values.quantiles)
        centre = table.centre or _rounded(middle)
        table = replace(table, centre=centre, scale=table.scale or _rounded((far - near) / 2) or centre)
    return table


def _segmentation(table: Segmentation, name: str, look: Look) -> Segmentation:
    if not table.classes:
        seen = look.labels(name, table)
        folder = look.files.root / table.folder
        void = table.void or (((0, 0, 0),) if seen.colour else (0,))
        if any(isinstance(value, int) == seen.colour for value in void):
            expected = "colours such as [[0, 0, 0]]" if seen.colour else "class ids such as [0, 255]"
            raise UserError(f"{look.files.root / FILE}: [modalities.{name}]: void: the labels hold {expected}")
        codes = sorted(code for code in seen.pixels if (colour_of(code) if seen.colour else code) not in void)
        limit = COLOURS if seen.colour else IDS
        if not codes or len(codes) > limit or (not seen.colour and codes[-1] > IDS):
            what = f"more than {limit} {'colours' if seen.colour else 'class ids'}" if len(codes) > limit else ""
            what = what or (f"class id {codes[-1]}, above {IDS}" if codes else "nothing but void")
            key = "palette" if seen.colour else "ids"
            raise UserError(
                f"{folder}: the label images hold {what}; write classes and {key} under [modalities.{name}] in {FILE}"
            )
        if len(codes) == 1:
            raise UserError(
                f"{folder}: the label images hold one class beside void: {_by_hand(codes, seen.colour, name)}"
            )
        if not seen.colour and not table.void and codes[-1] == IDS and 0 in seen.pixels:
            raise UserError(
                f"{folder}: the label images hold {IDS}, which is void in many sets, and 0, which is a class there: "
                f"{_by_hand(codes[:-1], False, name)}, or void = [0] if 0 is void and {IDS} a class"
            )
        if not seen.colour and not table.void and _background(seen.pixels):
            parts = shares(seen.pixels, seen.pixels)
            raise UserError(
                f"{folder}: 0 is {parts[0]:.0f} % of the label images' pixels, far more than any class, as of a class "
                f"that counts from 0: {_by_hand(codes, False, name)}, or void = [0] if 0 is void"
            )
        if seen.colour:
            table = replace(table, palette=tuple(map(colour_of, codes)), void=void)
        else:
            table = replace(table, ids=tuple(codes), void=void)
        numbers = table.ids or range(1, len(codes) + 1)
        table = replace(table, classes=tuple(f"class {number}" for number in numbers))
    if not table.void:
        black = (0, 0, 0)
        taken = 0 in table.ids if table.ids else black in table.palette
        table = replace(table, void=() if taken else (0,) if table.ids else (black,))
    if table.palette:
        return table
    own = look.palette(name) if table.ids else {}
    colours = tuple(own.get(number, (0, 0, 0)) for number in table.ids)
    usable = bool(own) and len({*colours, (0, 0, 0)}) == len(colours) + 1  # black is void's
    return replace(table, palette=colours if usable else distinct(len(table.classes)))


def _background(pixels: Mapping[int, int]) -> bool:
    """Whether 0 is so frequent beside the other ids that it hardly means "nobody labelled this"."""
    return pixels.get(0, 0) > MANY * max((count for code, count in pixels.items() if code), default=0)


def _by_hand(codes: Sequence[int], colour: bool, name: str) -> str:
    """The lines to write where 0, or black, is a class as well."""
    where = f"under [modalities.{name}] in {FILE}"
    if colour:
        return f"write classes, palette and void {where}"
    ids = [0, *codes]
    shown = str(ids) if len(ids) <= 6 else f"[{ids[0]}, {ids[1]}, ..., {ids[-1]}]"
    return f"write classes = [{len(ids)} names], ids = {shown} and void = [{'' if ids[-1] == IDS else IDS}] {where}"


def _range(name: str, values: Values, look: Look) -> tuple[float, float]:
    """What becomes -1 and 1: all that the files' bits can hold; of 16-bit files the bits that are used."""
    if values.dtype.kind == "f":
        for low, high in ((0.0, 1.0), (-1.0, 1.0)):
            if low <= values.low and values.high <= high:
                return low, high
    elif values.low >= 0:
        return 0.0, float(1 if values.dtype.kind == "b" else 2 ** max(8, int(values.high).bit_length()) - 1)
    raise UserError(
        f"{look.files.root}: {values.dtype} {name} from {values.low:g} to {values.high:g}: write "
        f"range = [lowest, highest] under [modalities.{name}] in {FILE}"
    )


def distinct(count: int) -> tuple[tuple[int, int, int], ...]:
    """That many different colours, none of them black: hues by the golden ratio, in three brightnesses."""
    made = []
    for index in range(count):
        red, green, blue = colorsys.hsv_to_rgb(index * 0.618034 % 1, (0.9, 0.55, 0.75)[index % 3], 1 - index % 4 * 0.15)
        made.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(made)


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def plural(count: int, what: str) -> str:
    """``1 image``, ``2 images``."""
    return f"{count} {what}{'' if count == 1 else 's'}"
