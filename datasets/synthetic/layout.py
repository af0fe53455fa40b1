"""Furnish a room: what stands where, what hangs on which wall, and the lights."""

from __future__ import annotations

import math
from collections.abc import Callable

from . import furniture
from .draw import Draw
from .materials import material, outside, picture
from .scene import CEILING, FLOOR, OBJECT, PICTURE, WALL, WINDOW, Item, Scene, footprint

Builder = Callable[[Draw], Item]

SCENE_STREAM = 0  # first word of the key of every scene's random stream; cameras use another


class Room:
    """A scene while it is being furnished: remembers what is taken on the floor and on each wall."""

    def __init__(self, scene: Scene, draw: Draw) -> None:
        self.scene = scene
        self.draw = draw
        self.taken: list[tuple[float, float, float, float]] = []
        self.walls: list[list[tuple[float, float, float, float]]] = [[], [], [], []]

    def length(self, wall: int) -> float:
        """Length of a wall; 0 and 2 run along x, 1 and 3 along y."""
        return self.scene.room[wall % 2]

    def on_wall(self, wall: int, along: float, away: float) -> tuple[float, float, float]:
        """``(x, y, yaw)`` of a point ``away`` metres in front of a wall, facing into the room."""
        yaw = wall * math.pi / 2
        back = away - self.scene.room[1 - wall % 2] / 2
        cos, sin = math.cos(yaw), math.sin(yaw)
        return cos * along - sin * back, sin * along + cos * back, yaw

    def against_wall(self, item: Item, tries: int = 10) -> tuple[int, float] | None:
        """Stand an item with its back to some wall; returns the wall and the place along it, None if all is full."""
        for _ in range(tries):
            wall = self.draw.integer(0, 3)
            free = self.length(wall) - item.width
            if free < 0.05:
                continue
            along = self.draw.between(-free / 2, free / 2)
            if self.draw.chance(0.25):
                along = math.copysign(free / 2 - 0.02, along)
            if self.stand(item, wall, along):
                return wall, along
        return None

    def stand(self, item: Item, wall: int, along: float) -> bool:
        """Stand an item at this place of a wall if it is free."""
        x, y, yaw = self.on_wall(wall, along, item.depth / 2 + self.draw.between(0.01, 0.05))
        span = (along - item.width / 2, along + item.width / 2, 0.0, item.height)
        if abs(along) + item.width / 2 > self.length(wall) / 2 or not self.is_clear(wall, span, 0.02):
            return False
        if not self._claim(footprint(item.width, item.depth, x, y, yaw), 0.03):
            return False
        self.walls[wall].append(span)
        self.scene.put(item, x, y, yaw)
        return True

    def freely(self, item: Item, yaw: float, tries: int = 8, margin: float = 0.12) -> tuple[float, float] | None:
        """Stand an item somewhere away from the walls; returns its place, None if there is none."""
        width, depth, _ = self.scene.room
        for _ in range(tries):
            x = self.draw.between(-0.5, 0.5) * (width - 0.8)
            y = self.draw.between(-0.5, 0.5) * (depth - 0.8)
            if self.at(item, x, y, yaw, margin):
                return x, y
        return None

    def at(self, item: Item, x: float, y: float, yaw: float, margin: float = 0.02) -> bool:
        """Stand an item exactly here if the place is free and inside the room."""
        area = footprint(item.width, item.depth, x, y, yaw)
        width, depth, _ = self.scene.room
        if min(area[0] + width / 2, width / 2 - area[1], area[2] + depth / 2, depth / 2 - area[3]) < 0.02:
            return False
        if not self._claim(area, margin):
            return False
        self.scene.put(item, x, y, yaw)
        return True

    def hang(self, item: Item, low: float, high: float, tries: int = 6) -> tuple[int, float, float] | None:
        """Hang an item (origin at the middle of its back) with its middle between two heights; (wall, along, z)."""
        for _ in range(tries):
            wall = self.draw.integer(0, 3)
            free = self.length(wall) - item.width - 0.2
            if free < 0:
                continue
            along, z = self.draw.between(-free / 2, free / 2), self.draw.between(low, high)
            half, tall = item.width / 2, item.height / 2
            span = (along - half, along + half, z - tall, z + tall)
            if z + tall < self.scene.room[2] - 0.05 and self.is_clear(wall, span, 0.06):
                self.walls[wall].append(span)
                x, y, yaw = self.on_wall(wall, along, 0.0)
                self.scene.put(item, x, y, yaw, z, solid=False)
                return wall, along, z
        return None

    def is_clear(self, wall: int, span: tuple[float, float, float, float], margin: float) -> bool:
        """Whether a rectangle of a wall (along, along, low, high) touches nothing that hangs or stands there."""
        return all(
            span[1] + margin <= left or span[0] - margin >= right or span[3] + margin <= low or span[2] - margin >= high
            for left, right, low, high in self.walls[wall]
        )

    def _claim(self, area: tuple[float, float, float, float], margin: float) -> bool:
        for x0, x1, y0, y1 in self.taken:
            if not (
                area[1] + margin <= x0 or area[0] - margin >= x1 or area[3] + margin <= y0 or area[2] - margin >= y1
            ):
                return False
        self.taken.append(area)
        return True


def draw_scene(seed: int) -> Scene:
    """The scene of a seed: a non-negative integer."""
    draw = Draw(SCENE_STREAM, seed)
    room = (draw.between(2.7, 5.0), draw.between(3.0, 5.4), draw.between(2.35, 2.8))
    scene = Scene(seed, room)
    paint = material(draw)
    walls = [paint] * 4
    if draw.chance(0.35):
        walls[draw.integer(0, 3)] = material(draw)
    scene.shell(walls, material(draw, gloss=0.15 if draw.chance(0.4) else 0.0), material(draw))
    place = Room(scene, draw)
    daylight = draw.between(0.8, 2.6) if draw.chance(0.85) else draw.between(0.02, 0.15)
    if draw.chance(0.25):
        _column(place)
    if draw.chance(0.6):
        _door(place)
    panes = [pane for _ in range(draw.pick((0, 1, 1, 2, 2))) if (pane := _window(place, daylight))]
    _furnish(place)
    for _ in range(draw.integer(0, 4)):
        _picture(place)
    if draw.chance(0.4):
        _rug(place)
    _light(place, panes, daylight)
    return scene


def _furnish(place: Room) -> None:
    draw = place.draw
    kind = draw.integer(0, 4)
    wanted: list[tuple[Builder, float]]
    if kind == 0:
        _bedroom(place)
        wanted = [(furniture.wardrobe, 0.7), (furniture.shelf, 0.5), (furniture.tv_stand, 0.35), (furniture.chair, 0.4)]
    elif kind == 1:
        _living_room(place)
        wanted = [(furniture.shelf, 0.8), (furniture.cabinet, 0.5), (furniture.sofa, 0.3), (furniture.chair, 0.3)]
    elif kind == 2:
        _dining(place)
        wanted = [(furniture.cabinet, 0.7), (furniture.shelf, 0.5), (furniture.tv_stand, 0.3), (furniture.sofa, 0.3)]
    elif kind == 3:
        for _ in range(draw.integer(1, 2)):
            _desk(place)
        wanted = [(furniture.shelf, 0.9), (furniture.shelf, 0.5), (furniture.cabinet, 0.5), (furniture.sofa, 0.3)]
    else:
        _bedroom(place)
        _desk(place)
        wanted = [(furniture.shelf, 0.6), (furniture.sofa, 0.5), (furniture.wardrobe, 0.5), (furniture.tv_stand, 0.4)]
    wanted += [(furniture.shelf, 0.35), (furniture.wardrobe, 0.3), (furniture.cabinet, 0.4)]
    wanted += [(furniture.standing_lamp, 0.3), (furniture.plant, 0.35)]
    wanted += [(furniture.floor_thing, 0.45), (furniture.floor_thing, 0.3)]
    for build, probability in wanted:
        if draw.chance(probability):
            place.against_wall(build(draw))
    if draw.chance(0.3):
        place.freely(furniture.floor_thing(draw), draw.between(0, math.pi))
    if kind in (0, 1, 3) and draw.chance(0.3):
        place.hang(furniture.flat_television(draw), 1.2, 1.5)


def _bedroom(place: Room) -> None:
    draw = place.draw
    bed = furniture.bed(draw)
    spot = place.against_wall(bed, 20)
    if spot is None:
        return
    wall, along = spot
    for side in (-1, 1):
        if draw.chance(0.65):
            stand = furniture.cabinet(draw, small=True)
            place.stand(stand, wall, along + side * (bed.width / 2 + stand.width / 2 + 0.06))
    if draw.chance(0.12):
        place.against_wall(furniture.bed(draw))


def _living_room(place: Room) -> None:
    draw = place.draw
    sofa = furniture.sofa(draw)
    spot = place.against_wall(sofa, 20)
    if spot is not None and draw.chance(0.8):
        low = furniture.table(draw, low=True)
        x, y, yaw = place.on_wall(spot[0], spot[1], sofa.depth + 0.35 + low.depth / 2)
        place.at(low, x, y, yaw)
    if draw.chance(0.7):
        place.against_wall(furniture.tv_stand(draw))
    if draw.chance(0.5):
        place.against_wall(furniture.sofa(draw))


def _dining(place: Room) -> None:
    draw = place.draw
    table = furniture.table(draw)
    yaw = draw.integer(0, 3) * math.pi / 2 + draw.between(-0.1, 0.1)
    spot = place.freely(table, yaw, 20, margin=0.3)
    if spot is None:
        return
    pattern = furniture.chair(draw)
    cos, sin = math.cos(yaw), math.sin(yaw)
    for side in (-1, 1):
        for x in (-0.25, 0.25):
            if draw.chance(0.85):
                away = table.depth / 2 + draw.between(0.26, 0.45)
                dx, dy = x * table.width, side * away
                turn = yaw + (math.pi if side > 0 else 0.0) + draw.between(-0.3, 0.3)
                place.at(pattern, spot[0] + cos * dx - sin * dy, spot[1] + sin * dx + cos * dy, turn, margin=-0.1)


def _desk(place: Room) -> None:
    draw = place.draw
    desk = furniture.table(draw, desk=True)
    spot = place.against_wall(desk, 15)
    if spot is not None:
        chair = furniture.chair(draw)
        x, y, yaw = place.on_wall(spot[0], spot[1] + draw.between(-0.2, 0.2), desk.depth + draw.between(0.25, 0.5))
        place.at(chair, x, y, yaw + math.pi + draw.between(-0.5, 0.5), margin=-0.1)


def _column(place: Room) -> None:
    draw = place.draw
    width, depth, height = draw.between(0.3, 1.1), draw.between(0.25, 0.8), place.scene.room[2]
    item = Item(width, depth, height)
    look = place.scene.rows[0][11:]
    item.box(WALL, material(draw), (-width / 2, width / 2), (-depth / 2, depth / 2), (0.0, height))
    wall = draw.integer(0, 3)
    along = draw.pick((-1, 1)) * (place.length(wall) - width) / 2
    x, y, yaw = place.on_wall(wall, along, depth / 2)
    if place.at(item, x, y, yaw, margin=-1.0):
        place.scene.rows[-1][11:] = look


def _door(place: Room) -> None:
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


def _window(place: Room, daylight: float) -> tuple[int, float, float, float] | None:
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
            x = sorted((side * (half + 0.2), side * (half - draw.between(0.1, 0.3))))
            item.box(WINDOW, cloth, (x[0], x[1]), (0.03, 0.09), (-tall - 0.2, tall + 0.1))
    spot = place.hang(item, 1.45, 1.6)
    return None if spot is None else (*spot, width * height)


def _picture(place: Room) -> None:
    draw = place.draw
    width, height = draw.between(0.3, 1.1), draw.between(0.3, 0.9)
    half, tall = width / 2, height / 2
    item = Item(width, 0.03, height, casts=False)
    rim = draw.between(0.015, 0.05)
    item.box(PICTURE, material(draw), (-half, half), (0.0, 0.02), (-tall, tall))
    item.box(PICTURE, picture(draw), (-half + rim, half - rim), (0.0, 0.024), (-tall + rim, tall - rim))
    place.hang(item, 1.4, 1.75)


def _rug(place: Room) -> None:
    draw = place.draw
    width, depth, _ = place.scene.room
    size = draw.between(0.35, 0.7) * width, draw.between(0.35, 0.7) * depth
    item = Item(*size, 0.012, casts=False)
    item.box(FLOOR, material(draw), (-size[0] / 2, size[0] / 2), (-size[1] / 2, size[1] / 2), (0.0, 0.012))
    place.scene.put(item, draw.between(-0.1, 0.1) * width, draw.between(-0.1, 0.1) * depth, 0.0, solid=False)


def _light(place: Room, panes: list[tuple[int, float, float, float]], daylight: float) -> None:
    """One lamp at the ceiling and up to two windows; the strongest comes first, because it throws the shadows."""
    draw, scene = place.draw, place.scene
    width, depth, height = scene.room
    warm = draw.between(0.0, 0.35)
    power = draw.between(1.2, 3.5) if draw.chance(0.75) or daylight < 0.5 or not panes else draw.between(0.1, 0.5)
    lamp = (draw.between(-0.2, 0.2) * width, draw.between(-0.2, 0.2) * depth, height - 0.15)
    lights = [(*lamp, power, power * (1 - 0.4 * warm), power * (1 - warm))]
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
        lights.append((x, y, z, glow * 0.9, glow * 0.97, glow))
    scene.lights = sorted(lights, key=lambda light: -light[3])
    total = sum(light[4] for light in lights)
    scatter = draw.between(0.05, 0.1) * total
    scene.ambient = (scatter * (1 - 0.15 * warm), scatter, scatter * draw.between(0.9, 1.1))
    # An automatic exposure, up to half a stop wrong: a mean over the image itself would depend on the image's size.
    scene.exposure = draw.between(0.7, 1.3) * 1.5 / (total * (0.25 + 2.2 / (width * depth) ** 0.5))
    scene.nir_power = draw.between(0.8, 1.25)
    if draw.chance(0.12):
        _beam(place)


def _beam(place: Room) -> None:
    width, _, height = place.scene.room
    deep, wide = place.draw.between(0.1, 0.25), place.draw.between(0.15, 0.35)
    item = Item(width, wide, deep, casts=False)
    look = material(place.draw)
    item.box(CEILING, look, (-width / 2, width / 2), (-wide / 2, wide / 2), (-deep, 0.0))
    place.scene.put(item, 0.0, place.draw.between(-0.3, 0.3) * place.scene.room[1], 0.0, height, solid=False)
