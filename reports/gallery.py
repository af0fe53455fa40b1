"""Of pictures: translations of test images one by one, for the page's picture browser, and what their colours mean."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from mmbench.colours import colour_codes, colour_of
from mmbench.modality import Modality
from mmbench.pictures import png
from mmbench.reporting import Example, Panel

PALETTE = 256  # colours that a PNG holds in one byte per pixel
STEPS = 4096  # values that are tried: several for each of a colour map's 256 colours
RANGE = 0.05, 100.0  # of values without limits, in their unit: beyond what any picture tells apart


def examples(
    arrays: Mapping[str, np.ndarray],
    number: int,
    row: Mapping[str, Any],
    method: str,
    seed: int,
    place: int,
    ids: Sequence[str],
) -> Iterator[Example]:
    """A row's translation of each sample: inputs, translation, truth.

    Args:
        arrays: of a cell's ``samples.npz``.
        number, row: which of its result's rows.
        method: as the reader is to choose it.
        seed, place: which one it is, and which in order: where room is short, the first ones stay.
        ids: of the test images, as far as they are known.
    """
    shown = [(f"{name}, input", name, arrays[f"truth/{name}"]) for name in row["inputs"].split("+")]
    shown.append((f"{row['output']} by {method}", row["output"], arrays[f"picture/{number}"]))
    shown.append((f"{row['output']}, truth", row["output"], arrays[f"truth/{row['output']}"]))
    count = min(len(pictures) for *_, pictures in shown)
    for image in range(count):
        choices = {
            "image": str(ids[image]) if image < len(ids) else f"{image + 1}",
            "translation": path_of(row),
            "method": method,
            "seed": f"{seed}",
        }
        panels = [Panel(caption, compact(pictures[image]), name) for caption, name, pictures in shown]
        yield Example(choices, panels, rank=place * count + image)


def path_of(row: Mapping[str, Any]) -> str:
    """What a row of a result translates, such as ``depth → rgb → segmentation``."""
    return " → ".join(part for part in (row["inputs"], row["via"], row["output"]) if part)


def compact(picture: np.ndarray) -> bytes:
    """A uint8 RGB picture ``(H, W, 3)`` as PNG, every colour as it is; with a palette where there are few of them."""
    codes, places = np.unique(colour_codes(picture), return_inverse=True)
    if len(codes) > PALETTE:
        return png(picture)
    image = Image.fromarray(places.reshape(picture.shape[:2]).astype(np.uint8))
    image.putpalette([value for code in codes.tolist() for value in colour_of(code)])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def meaning(modality: Modality) -> dict[str, str]:
    """What each colour of a modality's pictures stands for: six hexadecimal digits -> class, or value with its unit.

    A value is the middle of those that get the same colour. Empty where colours mean themselves.
    """
    found: dict[int, list[str]] = {}
    for name, colour in modality.swatches:
        found.setdefault(int(colour_codes(colour)), []).append(name)
    told = {code: " or ".join(names) for code, names in found.items()}
    if modality.dtype.kind == "f":
        told |= _values(modality)
    return {f"{code:06x}": text for code, text in told.items()}


def _values(modality: Modality) -> dict[int, str]:
    low, high = modality.limits or RANGE
    values = (np.linspace if modality.limits else np.geomspace)(low, high, STEPS)
    codes = colour_codes(modality.picture(values.astype(np.float32)[None]))[0]
    told = {}
    for code in np.unique(codes).tolist():
        members = values[codes == code]
        least, most = members[0], members[-1]
        value, more = (least + most) / 2, ""
        if not modality.limits and least == values[0]:
            value, more = most, " or less"
        elif not modality.limits and most == values[-1]:
            value, more = least, " or more"
        told[code] = f"{value:.2f} {modality.unit}".strip() + more
    return told
