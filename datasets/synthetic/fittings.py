"""What belongs to the room itself: pillar, door, windows, pictures, rug, lights, beam."""

from __future__ import annotations

from .materials import Material, material, outside, picture
from .room import Room
from .scene import CEILING, FLOOR, OBJECT, PICTURE, WALL, WINDOW, Item


def column(place: Room, paint: Material) -> None:
    """A pillar, chimney or shaft in a corner, painted like the walls."""
    draw = place.draw
    width, depth, height = draw.between(0.3, 1.1), draw.between(0.25, 0.8), place.scene.room[2]
    item = Item(width, depth, height)
    item.box(WALL, paint, (-width / 2, width / 2), (-depth / 2, depth / 2), (0.0, height))
    wall, end = draw.integer(0, 3), draw.pick((-1, 1))
    along = end * (place.length(wall) - width) / 2
    place.scene.put(item, *place.on_wall(wall, along, depth / 2))
    place.taken.append(place.scene.solids[-1][:4])
    place.walls[wall].append((along - width / 2, along + width / 2, 0.0, height))
    # The other wall of that corner follows counter-clockwise at a wall's positive end.
    other = (wall + end) % 4
    middle = -end * (place.length(other) - depth) / 2
    place.walls[other].append((middle - depth / 2, middle + depth / 2, 0.0, height))


def door(place: Room) -> None:
    """A door leaf in its frame; the floor before it stays free. Doors are walls, as in the 13-class mapping."""
    draw = place.draw
    width, height = draw.between(0.8, 0.95), draw.between(1.98, 2.1)
    item = Item(width + 0.14, 0.04, height, casts=False)
    half, tall = width / 2, height / 2
    item.box(WALL, material(draw), (-half - 0.07, half + 0.07), (0.0, 0.02), (-tall, tall))
    item.box(WALL, material(draw), (-half, half), (0.0, 0.03), (-tall, tall - 0.07))
    item.ball(WALL, material(draw, gloss=0.5), (half - 0.12, half - 0.05), (0.02, 0.09), (-0.07, 0.0))
    spot = place.hang(item, tall, tall)
    if spot:
        x, y, _ = place.on_wall(spot[0], spot[1], 0.4)
        place.taken.append((x - 0.4, x + 0.4, y - 0.4, y + 0.4))


def window(place: Room, daylight: float) -> tuple[int, float, float, float] | None:
    """A pane with a view, its frame, and curtains by chance; ``(wall, along, z, area)`` for the light it gives."""
    draw = place.draw
    width, height = draw.between(0.8, 2.1), draw.between(0.9, 1.4)
    half, tall = width / 2, height / 2
    item = Item(width, 0.06, height, casts=False)
    frame = material(draw)
    item.box(WINDOW, outside(draw, daylight), (-half + 0.05, half - 0.05), (0.0, 0.01), (-tall + 0.05, tall - 0.05))
    bar = 0.03
    for z in (-tall, tall - 0.06):
        item.box(WINDOW, frame, (-half, half), (0.0, bar), (z, z + 0.06))
    posts = [-half, half - 0.06] + ([-0.03] if draw.chance(0.6) else [])
    for x in posts:
        item.box(WINDOW, frame, (x, x + 0.06), (0.0, bar), (-tall, tall))
    if draw.chance(0.4):
        cloth = material(draw)
        item.width += 0.4
        for side in (-1, 1):
            left, right = sorted((side * (half + 0.2), side * (half - draw.between(0.1, 0.3))))
            item.box(WINDOW, cloth, (left, right), (0.03, 0.09), (-tall - 0.2, tall + 0.1))
    spot = place.hang(item, 1.45, 1.6)
    return None if spot is None else (*spot, width * height)


def wall_picture(place: Room) -> None:
    """A framed picture, 2.4 cm deep."""
    draw = place.draw
    width, height = draw.between(0.3, 1.1), draw.between(0.3, 0.9)
    half, tall = width / 2, height / 2
    item = Item(width, 0.03, height, casts=False)
    rim = draw.between(0.015, 0.05)
    item.box(PICTURE, material(draw), (-half, half), (0.0, 0.02), (-tall, tall))
    item.box(PICTURE, picture(draw), (-half + rim, half - rim), (0.0, 0.024), (-tall + rim, tall - rim))
    place.hang(item, 1.4, 1.75)


def rug(place: Room) -> None:
    """A rug of 1.2 cm; it counts as floor."""
    draw = place.draw
    width, depth, _ = place.scene.room
    size = draw.between(0.35, 0.7) * width, draw.between(0.35, 0.7) * depth
    item = Item(*size, 0.012, casts=False)
    item.box(FLOOR, material(draw), (-size[0] / 2, size[0] / 2), (-size[1] / 2, size[1] / 2), (0.0, 0.012))
    place.scene.put(item, draw.between(-0.1, 0.1) * width, draw.between(-0.1, 0.1) * depth, 0.0, solid=False)


def lights(place: Room, panes: list[tuple[int, float, float, float]], daylight: float) -> None:
    """One lamp at the ceiling and up to two windows; the strongest comes first, because it throws the shadows."""
    draw, scene = place.draw, place.scene
    width, depth, height = scene.room
    warm = draw.between(0.0, 0.35)
    power = draw.between(1.2, 3.5) if draw.chance(0.75) or daylight < 0.5 or not panes else draw.between(0.1, 0.5)
    lamp = (draw.between(-0.2, 0.2) * width, draw.between(-0.2, 0.2) * depth, height - 0.15)
    sources = [(*lamp, power, power * (1 - 0.4 * warm), power * (1 - warm))]
    if draw.chance(0.5):
        radius, drop = draw.between(0.12, 0.28), draw.between(0.06, 0.3)
        item = Item(2 * radius, 2 * radius, drop, casts=False)
        span = (-radius, radius), (-radius, radius)
        shade = material(draw)._replace(emission=min(1.5, power * 0.5))
        draw.pick((item.tube, item.ball))(OBJECT, shade, *span, (-drop, 0.0))
        scene.put(item, lamp[0], lamp[1], 0.0, height, solid=False)
    for wall, along, z, area in panes:
        x, y, _ = place.on_wall(wall, along, 0.15)
        glow = daylight * area * draw.between(0.7, 1.2)
        sources.append((x, y, z, glow * 0.9, glow * 0.97, glow))
    scene.lights = sorted(sources, key=lambda light: -light[3])
    total = sum(light[4] for light in sources)
    scatter = draw.between(0.05, 0.1) * total
    scene.ambient = (scatter * (1 - 0.15 * warm), scatter, scatter * draw.between(0.9, 1.1))
    # An automatic exposure, up to half a stop wrong: a mean over the image itself would depend on the image's size.
    scene.exposure = draw.between(0.7, 1.3) * 1.5 / (total * (0.25 + 2.2 / (width * depth) ** 0.5))
    scene.nir_power = draw.between(0.8, 1.25)


def beam(place: Room) -> None:
    """A beam across the ceiling."""
    width, _, height = place.scene.room
    deep, wide = place.draw.between(0.1, 0.25), place.draw.between(0.15, 0.35)
    item = Item(width, wide, deep, casts=False)
    look = material(place.draw)
    item.box(CEILING, look, (-width / 2, width / 2), (-wide / 2, wide / 2), (-deep, 0.0))
    place.scene.put(item, 0.0, place.draw.between(-0.3, 0.3) * place.scene.room[1], 0.0, height, solid=False)
