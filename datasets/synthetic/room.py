"""A room while it is being furnished: what is taken on the floor and on each wall."""

from __future__ import annotations

import math

from .draw import Draw
from .scene import Item, Scene, footprint


class Room:
    """A scene while it is being furnished; every ``bool`` and ``None`` tells whether there was a free place."""

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
