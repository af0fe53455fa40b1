"""Which primitive each ray meets first, and the surface there; all pixels of a batch at once.

A ray is ``eye + t * (u * right + v * up + forward)``, so its parameter ``t`` *is* the z-depth in metres. Every
primitive is met in its own frame, where it is the cube, sphere or cylinder of half size 1; ``t`` stays the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .pack import TILE, Pack
from .scene import BOX, CYLINDER, ELLIPSOID, SHELL

Vector = tuple[Tensor, Tensor, Tensor]

TINY = 1e-9  # keeps a ray that runs along a face from 0/0
MISS = 1e9


@dataclass(frozen=True)
class Surface:
    """What is seen in each pixel; all tensors ``(B, R)``, R = pixels in tile order.

    Attributes:
        depth: metres along the optical axis.
        rows: index into the table of primitives.
        point: place in the room, metres.
        normal: unit vector, facing the camera.
        along: metres on the surface, two directions, for textures.
        across: the same as [-1, 1] across the face, for pictures.
        ray: direction of the view ray (its forward part has length 1).
    """

    depth: Tensor
    rows: Tensor
    point: Vector
    normal: Vector
    along: tuple[Tensor, Tensor]
    across: tuple[Tensor, Tensor]
    ray: Vector


def pixel_grid(pack: Pack) -> tuple[Tensor, Tensor]:
    """Image coordinates ``(T * T, TILE * TILE)`` of the pixel centres in [-1, 1], x to the right and y up."""
    device = pack.columns.device
    side = torch.arange(pack.tiles * TILE, device=device, dtype=torch.float32)
    centre = ((side + 0.5) * 2.0 - pack.size) / pack.size
    tiles = centre.view(pack.tiles, 1, TILE, 1), centre.view(1, pack.tiles, 1, TILE)
    shape = (pack.tiles, pack.tiles, TILE, TILE)
    down, across = (part.expand(shape).reshape(pack.tiles**2, TILE**2) for part in tiles)
    return across, -down


def trace(pack: Pack) -> Surface:
    """Meet every primitive in the tiles it may touch and keep the nearest."""
    batch = len(pack.shell)
    grid = pixel_grid(pack)
    u, v = ((g.unsqueeze(0) * pack.tangent.view(-1, 1, 1)).view(-1, TILE**2) for g in grid)
    tiles = torch.arange(batch, device=u.device).repeat_interleave(pack.tiles**2)
    depth, rows = _shell(pack, pack.shell[tiles], u, v)
    meet: dict[int, Callable[[Vector, Vector], Tensor]] = {BOX: box, ELLIPSOID: ellipsoid, CYLINDER: cylinder}
    for kind, ranks in pack.ranks.items():
        for tile, primitive in ranks:
            origin, ray = _to_local(pack, primitive.unsqueeze(1), u[tile], v[tile])
            met = meet[kind](origin, ray)
            before = depth[tile]
            closer = met < before
            depth[tile] = torch.where(closer, met, before)
            rows[tile] = torch.where(closer, primitive.unsqueeze(1), rows[tile])
    return _surface(pack, *(part.view(batch, -1) for part in (depth, rows, u, v)))


def slabs(origin: Vector, ray: Vector) -> tuple[Tensor, Tensor]:
    """Where rays enter and leave the cube [-1, 1]^3 (enter > leave: they miss it)."""
    enter = leave = torch.zeros(())
    for axis, (start, step) in enumerate(zip(origin, ray, strict=True)):
        inverse = (step + TINY).reciprocal()
        middle, reach = -start * inverse, inverse.abs()
        near, far = middle - reach, middle + reach
        enter = near if axis == 0 else torch.maximum(enter, near)
        leave = far if axis == 0 else torch.minimum(leave, far)
    return enter, leave


def box(origin: Vector, ray: Vector) -> Tensor:
    """Parameter at which rays enter the cube; MISS where they do not."""
    enter, leave = slabs(origin, ray)
    return torch.where((enter < leave) & (enter > 0), enter, MISS)


def ellipsoid(origin: Vector, ray: Vector) -> Tensor:
    """Parameter at which rays enter the unit sphere; MISS where they do not."""
    square = _dot(ray, ray)
    middle = -_dot(origin, ray) / square
    # The distance of the ray's nearest point from the centre loses less precision than the textbook discriminant.
    nearest = tuple(start + middle * step for start, step in zip(origin, ray, strict=True))
    left = 1.0 - _dot(nearest, nearest)
    enter = middle - (left.clamp(min=0) / square).sqrt()
    return torch.where((left > 0) & (enter > 0), enter, MISS)


def cylinder(origin: Vector, ray: Vector) -> Tensor:
    """Parameter at which rays enter the upright cylinder of radius 1 and half height 1; MISS where they do not."""
    square = ray[0] * ray[0] + ray[1] * ray[1] + TINY
    middle = -(origin[0] * ray[0] + origin[1] * ray[1]) / square
    x, y = origin[0] + middle * ray[0], origin[1] + middle * ray[1]
    left = 1.0 - x * x - y * y
    reach = (left.clamp(min=0) / square).sqrt()
    inverse = (ray[2] + TINY).reciprocal()
    level, half = -origin[2] * inverse, inverse.abs()
    enter, leave = torch.maximum(middle - reach, level - half), torch.minimum(middle + reach, level + half)
    return torch.where((left > 0) & (enter < leave) & (enter > 0), enter, MISS)


def _shell(pack: Pack, first: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The face of the room that each ray would meet in an empty room: ``(N, 64)`` depth and row."""
    origin, ray = _to_local(pack, first.unsqueeze(1), u, v)
    depth = rows = torch.zeros(())
    for axis, (start, step) in enumerate(zip(origin, ray, strict=True)):
        inverse = (step + TINY).reciprocal()
        far = inverse.abs() - start * inverse
        face = 2 * axis + (step > 0).long()
        rows = face if axis == 0 else torch.where(far < depth, face, rows)
        depth = far if axis == 0 else torch.minimum(far, depth)
    return depth, rows + first.unsqueeze(1)


def _to_local(pack: Pack, rows: Tensor, u: Tensor, v: Tensor) -> tuple[Vector, Vector]:
    m = pack.matrix
    ray = tuple(m[3 * i][rows] * u + m[3 * i + 1][rows] * v + m[3 * i + 2][rows] for i in range(3))
    origin = tuple(pack.origin[i][rows] for i in range(3))
    return (origin[0], origin[1], origin[2]), (ray[0], ray[1], ray[2])


def _surface(pack: Pack, depth: Tensor, rows: Tensor, u: Tensor, v: Tensor) -> Surface:
    origin, step = _to_local(pack, rows, u, v)
    p = [start + depth * part for start, part in zip(origin, step, strict=True)]
    half = [pack.column(name, rows) for name in ("hx", "hy", "hz")]
    cos, sin = pack.column("cos", rows), pack.column("sin", rows)
    kind = pack.column("kind", rows)

    size = [part.abs() for part in p]
    on_x = (size[0] >= size[1]) & (size[0] >= size[2])
    on_z = ~on_x & (size[2] >= size[1])
    radial = p[0] * p[0] + p[1] * p[1]
    is_round = kind == ELLIPSOID
    is_side = (kind == CYLINDER) & (p[2] * p[2] < radial)
    on_z = torch.where(kind == CYLINDER, ~is_side, on_z & ~is_round)
    bent = is_round | is_side
    on_x = on_x & ~bent & ~on_z
    flat_y = ~(on_x | on_z | bent)
    n = [
        torch.where(bent, p[0] / half[0], on_x * p[0].sign()),
        torch.where(bent, p[1] / half[1], flat_y * p[1].sign()),
        torch.where(is_round, p[2] / half[2], on_z * p[2].sign()),
    ]
    scale = torch.where(kind == SHELL, -1.0, 1.0) * (n[0] * n[0] + n[1] * n[1] + n[2] * n[2] + 1e-12).rsqrt()
    normal = ((cos * n[0] - sin * n[1]) * scale, (sin * n[0] + cos * n[1]) * scale, n[2] * scale)

    q = [part * reach for part, reach in zip(p, half, strict=True)]
    first = torch.where(on_x, q[1], torch.where(bent, q[0] + q[1], q[0]))
    second = torch.where(on_z, q[1], q[2])
    across = torch.where(on_x, p[1], p[0]), torch.where(on_z, p[1], p[2])

    axes, eye = pack.axes.t().unsqueeze(-1), pack.eye.t().unsqueeze(-1)
    ray = tuple(axes[i] * u + axes[3 + i] * v + axes[6 + i] for i in range(3))
    point = tuple(eye[i] + depth * ray[i] for i in range(3))
    return Surface(
        depth, rows, (point[0], point[1], point[2]), normal, (first, second), across, (ray[0], ray[1], ray[2])
    )


def _dot(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> Tensor:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
