"""Where the picture is taken from: inside the room, outside the furniture, looking at something."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .draw import Draw
from .scene import Scene

CAMERA_STREAM = 1
CANDIDATES = 40
COMPARED = 8


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with square pixels.

    Attributes:
        position: metres.
        axes: ``(3, 3)``: the rows are right, up and forward in the room's frame.
        tangent: of half the field of view.
    """

    position: np.ndarray
    axes: np.ndarray
    tangent: float


def look(position: tuple[float, float, float], yaw: float, pitch: float, roll: float, fov: float) -> Camera:
    """A camera from angles in radians; yaw 0 looks along +x, a positive pitch looks up."""
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    forward = np.array([cy * cp, sy * cp, sp])
    right = np.array([sy, -cy, 0.0])
    up = np.cross(right, forward)
    cr, sr = math.cos(roll), math.sin(roll)
    axes = np.stack([cr * right + sr * up, cr * up - sr * right, forward])
    return Camera(np.array(position, np.float64), axes, math.tan(fov / 2))


def draw_camera(scene: Scene, view: int) -> Camera:
    """The camera of a view: the best of a few random places, judged by how much furniture they look at.

    Eyes at 1.2-1.8 m, pitch -28 to +5 degrees, field of view 50-72 degrees, roll within 2 degrees.
    """
    draw = Draw(CAMERA_STREAM, scene.seed, view)
    width, depth, _ = scene.room
    fov = math.radians(draw.between(50, 72))
    best, found = None, 0
    for _ in range(CANDIDATES):
        x = draw.between(-0.5, 0.5) * (width - 0.5)
        y = draw.between(-0.5, 0.5) * (depth - 0.5)
        z = draw.between(1.2, 1.8)
        aim = draw.between(-0.3, 0.3) * width, draw.between(-0.3, 0.3) * depth
        if not _is_free(scene, x, y, z) or math.hypot(aim[0] - x, aim[1] - y) < 0.8:
            continue
        yaw = math.atan2(aim[1] - y, aim[0] - x) + draw.between(-0.5, 0.5)
        score = _score(scene, x, y, yaw, fov)
        if best is None or score > best[0]:
            best = (score, (x, y, z), yaw)
        found += 1
        if found == COMPARED:
            break
    if best is None:
        best = (0.0, *_roomiest(scene))
    pitch = math.radians(draw.between(-28, 5))
    return look(best[1], best[2], pitch, math.radians(draw.between(-2, 2)), fov)


def _is_free(scene: Scene, x: float, y: float, z: float) -> bool:
    """Not in or close to anything; what ends half a metre below the eye may be leaned over."""
    for x0, x1, y0, y1, top in scene.solids:
        margin = 0.35 if top > z - 0.5 else 0.0
        if x0 - margin < x < x1 + margin and y0 - margin < y < y1 + margin:
            return False
    return True


def _score(scene: Scene, x: float, y: float, yaw: float, fov: float) -> float:
    """Pieces of furniture in view, and the free distance straight ahead (at most 2.5 m)."""
    seen = 0
    for x0, x1, y0, y1, _ in scene.solids:
        dx, dy = (x0 + x1) / 2 - x, (y0 + y1) / 2 - y
        turn = (math.atan2(dy, dx) - yaw + math.pi) % (2 * math.pi) - math.pi
        seen += abs(turn) < fov / 2 and math.hypot(dx, dy) > 1.0
    clear = min(_clearance(scene, x, y, yaw + offset) for offset in (-0.25, 0.0, 0.25))
    return 1.5 * min(seen, 5) + 1.5 * min(clear, 2.5)


def _clearance(scene: Scene, x: float, y: float, yaw: float) -> float:
    """Distance along a horizontal ray to the next wall or piece of furniture of at least 1 m height."""
    dx, dy = math.cos(yaw), math.sin(yaw)
    dx, dy = dx or 1e-9, dy or 1e-9
    width, depth, _ = scene.room
    nearest = min((math.copysign(width / 2, dx) - x) / dx, (math.copysign(depth / 2, dy) - y) / dy)
    for x0, x1, y0, y1, top in scene.solids:
        if top < 1.0:
            continue
        a, b, c, d = (x0 - x) / dx, (x1 - x) / dx, (y0 - y) / dy, (y1 - y) / dy
        enter, leave = max(min(a, b), min(c, d)), min(max(a, b), max(c, d))
        if 0 < enter < min(leave, nearest):
            nearest = enter
    return nearest


def _roomiest(scene: Scene) -> tuple[tuple[float, float, float], float]:
    """The point of a grid that is farthest from all furniture, looking at the middle of the room."""
    width, depth, _ = scene.room
    best = (-math.inf, 0.0, 0.0)
    for i in range(1, 16):
        for j in range(1, 16):
            x, y = (i / 16 - 0.5) * width, (j / 16 - 0.5) * depth
            gaps = [max(x0 - x, x - x1, y0 - y, y - y1) for x0, x1, y0, y1, _ in scene.solids]
            best = max(best, (min(gaps, default=1.0), x, y))
    _, x, y = best
    return (x, y, 1.7), math.atan2(-y, -x) if abs(x) + abs(y) > 0.1 else 0.0
