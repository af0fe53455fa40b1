"""Pictures for people: PNG, grids of aligned images with captions, legends of classes."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw

CAPTION = 14  # pixels of a caption line
MARGIN = 4


def grid(columns: Mapping[str, np.ndarray], scale_to: int = 96) -> np.ndarray:
    """Captioned columns of uint8 RGB pictures ``(H, W, 3)``, one row per sample, each about ``scale_to`` pixels wide.

    Nearest-neighbour scaling, so that class colours and pixels stay what they are.
    """
    first = next(iter(columns.values()))[0]
    factor = max(1, round(scale_to / first.shape[1]))
    height, width = first.shape[0] * factor, first.shape[1] * factor
    count = max(len(pictures) for pictures in columns.values())
    sheet = Image.new(
        "RGB", (len(columns) * (width + MARGIN) + MARGIN, CAPTION + count * (height + MARGIN) + MARGIN), "white"
    )
    draw = ImageDraw.Draw(sheet)
    for x, (caption, pictures) in enumerate(columns.items()):
        left = MARGIN + x * (width + MARGIN)
        draw.text((left, 1), caption, fill="black")
        for y, picture in enumerate(pictures):
            enlarged = Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (left, CAPTION + y * (height + MARGIN)))
    return np.asarray(sheet)


def png(array: np.ndarray) -> bytes:
    """A uint8 RGB picture as PNG bytes."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def legend(classes: Mapping[str, tuple[int, int, int]], width: int) -> np.ndarray:
    """Class names with their colours as a uint8 RGB strip ``(height, width, 3)``."""
    cell = 14 + 7 * max(len(name) for name in classes)
    columns = max(1, (width - MARGIN) // cell)
    rows = -(-len(classes) // columns)
    strip = Image.new("RGB", (width, MARGIN + rows * CAPTION), "white")
    draw = ImageDraw.Draw(strip)
    for number, (name, colour) in enumerate(classes.items()):
        left, top = MARGIN + number % columns * cell, number // columns * CAPTION
        draw.rectangle((left, top + 2, left + 9, top + 11), fill=tuple(colour), outline="black")
        draw.text((left + 13, top + 1), name, fill="black")
    return np.asarray(strip)
