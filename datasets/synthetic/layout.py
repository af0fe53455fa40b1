"""Draw a whole scene: the room, which furniture it holds and where it stands."""

from __future__ import annotations

import math
from collections.abc import Callable

from . import fittings, furniture
from .draw import Draw
from .materials import material
from .room import Room
from .scene import Item, Scene

Builder = Callable[[Draw], Item]

SCENE_STREAM = 0  # first word of the key of every scene's random stream; cameras use another


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
        fittings.column(place, paint)
    if draw.chance(0.6):
        fittings.door(place)
    panes = [pane for _ in range(draw.pick((0, 1, 1, 2, 2))) if (pane := fittings.window(place, daylight))]
    _furnish(place)
    for _ in range(draw.integer(1, 5)):
        fittings.wall_picture(place)
    if draw.chance(0.4):
        fittings.rug(place)
    fittings.lights(place, panes, daylight)
    if draw.chance(0.12):
        fittings.beam(place)
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
