"""A scene as numbers: primitives, room shell, lights; and the item from which furniture is built."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .materials import COLUMNS as MATERIAL_COLUMNS
from .materials import Material

CLASSES = (
    "bed",
    "book",
    "ceiling",
    "chair",
    "floor",
    "furniture",
    "object",
    "picture",
    "sofa",
    "table",
    "tv",
    "wall",
    "window",
)
BED, BOOK, CEILING, CHAIR, FLOOR, FURNITURE, OBJECT, PICTURE, SOFA, TABLE, TV, WALL, WINDOW = range(1, 14)

# Of void and of each class: in pictures, and where colours are tied to classes. The floats of SceneNetv1.0 times 255,
# truncated as its code does, not rounded.
PALETTE = (
    (0, 0, 0),
    (0, 0, 255),
    (232, 88, 47),
    (0, 217, 0),
    (148, 0, 240),
    (222, 241, 23),
    (255, 205, 205),
    (0, 223, 228),
    (106, 135, 204),
    (116, 28, 41),
    (240, 35, 235),
    (0, 166, 156),
    (249, 139, 0),
    (225, 228, 194),
)

BOX, ELLIPSOID, CYLINDER, SHELL = range(4)

COLUMNS = ("kind", "class", "item", "cx", "cy", "cz", "hx", "hy", "hz", "cos", "sin", *MATERIAL_COLUMNS)
COLUMN = {name: index for index, name in enumerate(COLUMNS)}

NO_ITEM = -1.0
LIGHTS = 3


@dataclass
class Item:
    """A piece of furniture in its own frame: metres, origin on the floor below its middle, z up, front towards +y.

    Attributes:
        width, depth, height: its extent along x, y, z.
        parts: rows of a primitive's kind, class, centre, half sizes, yaw and material.
        surfaces: ``(x, y, z, width, depth, clearance)`` of the places where small things may stand.
        casts: whether it blocks light as a whole.
    """

    width: float
    depth: float
    height: float
    parts: list[tuple[int, int, float, float, float, float, float, float, float, Material]] = field(
        default_factory=list
    )
    surfaces: list[tuple[float, float, float, float, float, float]] = field(default_factory=list)
    casts: bool = True

    def box(
        self, label: int, look: Material, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]
    ) -> None:
        """Add an axis-aligned box by its low and high ends."""
        self._span(BOX, label, look, x, y, z)

    def ball(
        self, label: int, look: Material, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]
    ) -> None:
        """Add the ellipsoid that fills such a box."""
        self._span(ELLIPSOID, label, look, x, y, z)

    def tube(
        self, label: int, look: Material, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]
    ) -> None:
        """Add the upright elliptic cylinder that fills such a box."""
        self._span(CYLINDER, label, look, x, y, z)

    def include(self, other: Item, x: float, y: float, z: float, yaw: float = 0.0) -> None:
        """Stand another item into this one, turned by ``yaw`` radians."""
        cos, sin = math.cos(yaw), math.sin(yaw)
        for kind, label, cx, cy, cz, hx, hy, hz, turn, look in other.parts:
            moved = (x + cos * cx - sin * cy, y + sin * cx + cos * cy, z + cz)
            self.parts.append((kind, label, *moved, hx, hy, hz, turn + yaw, look))

    def _span(
        self,
        kind: int,
        label: int,
        look: Material,
        x: tuple[float, float],
        y: tuple[float, float],
        z: tuple[float, float],
    ) -> None:
        centre = ((x[0] + x[1]) / 2, (y[0] + y[1]) / 2, (z[0] + z[1]) / 2)
        half = ((x[1] - x[0]) / 2, (y[1] - y[0]) / 2, (z[1] - z[0]) / 2)
        self.parts.append((kind, label, *centre, *half, 0.0, look))


@dataclass
class Scene:
    """A closed room ``[-w/2, w/2] x [-d/2, d/2] x [0, h]`` and what stands in it, in metres.

    Attributes:
        seed: names it; salts the sensor noise.
        room: ``(w, d, h)``.
        rows: one row of :data:`COLUMNS` per primitive; the first six are the faces -x, +x, -y, +y, -z, +z of the room.
        solids: ``(x0, x1, y0, y1, height)`` of what the camera may not stand in, as axis-aligned footprints.
        occluders: ``(item, cx, cy, cz, hx, hy, hz, cos, sin)``: one coarse box per item that throws a shadow.
        lights: up to three of ``(x, y, z, r, g, b)``; the first throws the shadows.
        ambient: linear RGB.
        exposure, nir_power: factors before the images are made.
    """

    seed: int
    room: tuple[float, float, float]
    rows: list[list[float]] = field(default_factory=list)
    solids: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    occluders: list[tuple[float, ...]] = field(default_factory=list)
    lights: list[tuple[float, float, float, float, float, float]] = field(default_factory=list)
    ambient: tuple[float, float, float] = (0.3, 0.3, 0.3)
    exposure: float = 1.0
    nir_power: float = 1.0

    def shell(self, walls: list[Material], floor: Material, ceiling: Material) -> None:
        """Set the six faces of the room; ``walls`` in the order -x, +x, -y, +y."""
        width, depth, height = self.room
        looks = [*walls, floor, ceiling]
        labels = [WALL] * 4 + [FLOOR, CEILING]
        geometry = [0.0, 0.0, height / 2, width / 2, depth / 2, height / 2, 1.0, 0.0]
        for label, look in zip(labels, looks, strict=True):
            self.rows.append([SHELL, label, NO_ITEM, *geometry, *look.row()])

    def put(self, item: Item, x: float, y: float, yaw: float, z: float = 0.0, solid: bool = True) -> None:
        """Stand an item into the room: its origin at ``(x, y, z)``, turned by ``yaw`` radians."""
        cos, sin = math.cos(yaw), math.sin(yaw)
        number = float(len(self.occluders)) if item.casts else NO_ITEM
        for kind, label, cx, cy, cz, hx, hy, hz, turn, look in item.parts:
            centre = (x + cos * cx - sin * cy, y + sin * cx + cos * cy, z + cz)
            angle = yaw + turn
            row = [kind, label, number, *centre, hx, hy, hz, math.cos(angle), math.sin(angle), *look.row()]
            self.rows.append(row)
        if item.casts:
            half = (item.width / 2, item.depth / 2, item.height / 2)
            self.occluders.append((number, x, y, z + half[2], *half, cos, sin))
        if solid:
            self.solids.append((*footprint(item.width, item.depth, x, y, yaw), z + item.height))

    def table(self) -> np.ndarray:
        """The primitives as float64 ``(n, len(COLUMNS))``."""
        return np.array(self.rows, np.float64)


def footprint(width: float, depth: float, x: float, y: float, yaw: float) -> tuple[float, float, float, float]:
    """The axis-aligned rectangle ``(x0, x1, y0, y1)`` around a turned one, in metres."""
    cos, sin = abs(math.cos(yaw)), abs(math.sin(yaw))
    half_x, half_y = (width * cos + depth * sin) / 2, (width * sin + depth * cos) / 2
    return x - half_x, x + half_x, y - half_y, y + half_y
