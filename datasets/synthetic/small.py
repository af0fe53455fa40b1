"""Small things: books, lamps, boxes, vases, and where they stand."""

from __future__ import annotations

from .draw import Draw
from .materials import material, spines
from .scene import BOOK, OBJECT, Item

Place = tuple[float, float, float, float, float, float]
"""``(x, y, z, width, depth, clearance)`` of a free flat rectangle, metres."""


def on_top(draw: Draw, item: Item, places: list[Place], probability: float = 0.6) -> None:
    """Fill some of the places of an item."""
    for place in places:
        if draw.chance(probability):
            clutter(draw, item, place, row_of_books=0.15)


def clutter(draw: Draw, item: Item, place: Place, row_of_books: float) -> None:
    """Put a row of books, a stack of books or one or two other things on one place."""
    if draw.chance(row_of_books):
        _row(draw, item, place)
    elif draw.chance(0.4):
        _stack(draw, item, place)
    else:
        _things(draw, item, place)


def lamp(draw: Draw, height: float | None = None) -> Item:
    """Foot, rod and shade; a table lamp unless a height is given."""
    height = height or draw.between(0.3, 0.5)
    wide = draw.between(0.1, 0.15) if height < 0.6 else draw.between(0.14, 0.22)
    body, shade = material(draw), material(draw)
    shade = shade._replace(emission=0.8 if draw.chance(0.4) else 0.0)
    item = Item(2 * wide, 2 * wide, height)
    item.tube(OBJECT, body, (-wide * 0.7, wide * 0.7), (-wide * 0.7, wide * 0.7), (0.0, 0.03))
    item.tube(OBJECT, body, (-0.015, 0.015), (-0.015, 0.015), (0.03, height - 0.1))
    item.tube(OBJECT, shade, (-wide, wide), (-wide, wide), (height - min(0.3, height * 0.45), height))
    return item


def _row(draw: Draw, item: Item, place: Place) -> None:
    x, y, z, width, depth, clearance = place
    left, end = x - width / 2, x + width / 2
    deep = min(depth * 0.85, draw.between(0.16, 0.22))
    if width * draw.unit() > 0.55:
        end = left + width * draw.between(0.4, 0.8)
    while end - left > 0.06:
        run = min(end - left, draw.between(0.14, 0.5))
        tall = min(clearance, draw.between(0.17, 0.3))
        front = y + draw.between(-0.03, 0.03)
        item.box(BOOK, spines(draw), (left, left + run), (front - deep / 2, front + deep / 2), (z, z + tall))
        left += run + 0.003


def _stack(draw: Draw, item: Item, place: Place) -> None:
    x, y, z, width, depth, clearance = place
    middle = x + draw.between(-0.2, 0.2) * width
    for _ in range(draw.integer(1, 3)):
        wide, deep = min(width, draw.between(0.2, 0.32)) / 2, min(depth, draw.between(0.17, 0.26)) / 2
        thick = draw.between(0.02, 0.06)
        if thick > clearance:
            return
        item.box(BOOK, material(draw), (middle - wide, middle + wide), (y - deep, y + deep), (z, z + thick))
        z, clearance = z + thick, clearance - thick


def _things(draw: Draw, item: Item, place: Place) -> None:
    x, y, z, width, depth, clearance = place
    if clearance > 0.42 and draw.chance(0.2):
        item.include(lamp(draw, draw.between(0.3, 0.42)), x, y, z)
        return
    count = draw.integer(1, 2)
    for index in range(count):
        middle = x + (index - (count - 1) / 2) * width / 2
        radius = min(width / (2.2 * count), depth / 2, draw.between(0.04, 0.13))
        tall = min(clearance, radius * draw.between(0.9, 3.5))
        look = material(draw)
        shape = draw.integer(0, 3)
        span = (middle - radius, middle + radius), (y - radius, y + radius)
        if shape == 0:
            tall = min(clearance, 2 * radius)
            item.ball(OBJECT, look, *span, (z, z + tall))
        elif shape == 1:
            item.box(OBJECT, look, *span, (z, z + tall))
        else:
            item.tube(OBJECT, look, *span, (z, z + tall))
