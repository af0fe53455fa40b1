"""A batch of scenes as flat arrays: primitives in their own frames, and which of them each image tile must test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .camera import Camera
from .scene import BOX, COLUMN, CYLINDER, ELLIPSOID, LIGHTS, SHELL, Scene

TILE = 8  # pixels; smaller tiles test fewer rays, larger ones need fewer pairs
NEAR = 0.02  # metres: a corner closer than this cannot be projected


@dataclass(frozen=True)
class Pack:
    """Everything the device needs for a batch of B scenes with P primitives in all.

    Attributes:
        size, tiles: image side in pixels and in tiles (rounded up).
        columns: ``(C, P)`` float32, the scene module's columns.
        matrix: ``(9, P)``: camera ray ``(u, v, 1)`` to a direction in the primitive's frame, where it spans [-1, 1]^3.
        origin: ``(3, P)``: the camera in that frame.
        ranks: kind -> list of (tile, primitive): in one entry each tile occurs once at most, so that it can be written
            without races.
        shell: ``(B,)`` index of each scene's first face.
        axes: ``(B, 9)``, eye: ``(B, 3)``, tangent: ``(B,)`` of the cameras.
        room: ``(B, 3)``; lights: ``(B, LIGHTS, 6)``; ambient: ``(B, 3)``; exposure, nir_power: ``(B,)``.
        occluders: ``(B, K, 9)``, padded with boxes far below the floor.
        salt: ``(B,)`` int32 of scene and view for the sensor noise.
    """

    size: int
    tiles: int
    columns: Tensor
    matrix: Tensor
    origin: Tensor
    ranks: dict[int, list[tuple[Tensor, Tensor]]]
    shell: Tensor
    axes: Tensor
    eye: Tensor
    tangent: Tensor
    room: Tensor
    lights: Tensor
    ambient: Tensor
    exposure: Tensor
    nir_power: Tensor
    occluders: Tensor
    salt: Tensor

    def column(self, name: str, rows: Tensor) -> Tensor:
        """One column of the primitives' table, gathered for every pixel."""
        return self.columns[COLUMN[name]][rows]


def pack(scenes: Sequence[Scene], cameras: Sequence[Camera], views: Sequence[int], size: int, device: str) -> Pack:
    """Lay a batch out for the device.

    All geometry up to here is float64 on the CPU, so that every device starts from the same float32 numbers.
    """
    tables = [scene.table() for scene in scenes]
    counts = np.array([len(table) for table in tables])
    table = np.concatenate(tables)
    owner = np.repeat(np.arange(len(scenes)), counts)
    axes = np.stack([camera.axes for camera in cameras])
    eye = np.stack([camera.position for camera in cameras])
    tangent = np.array([camera.tangent for camera in cameras])

    cos, sin = table[:, COLUMN["cos"]], table[:, COLUMN["sin"]]
    zero, one = np.zeros_like(cos), np.ones_like(cos)
    turn = np.stack([cos, sin, zero, -sin, cos, zero, zero, zero, one], -1).reshape(-1, 3, 3)
    half = table[:, COLUMN["hx"] : COLUMN["hz"] + 1]
    centre = table[:, COLUMN["cx"] : COLUMN["cz"] + 1]
    to_local = turn / half[:, :, None]
    matrix = to_local @ axes[owner].transpose(0, 2, 1)
    origin = np.einsum("pij,pj->pi", to_local, eye[owner] - centre)

    tiles = -(-size // TILE)
    inverse = np.einsum("pij,pjk->pik", axes[owner], turn.transpose(0, 2, 1) * half[:, None, :])
    boxes = _tile_boxes(inverse, np.einsum("pij,pj->pi", axes[owner], centre - eye[owner]), tangent[owner], size, tiles)
    kinds = table[:, COLUMN["kind"]].astype(int)
    boxes[kinds == SHELL] = 0
    ranks = {}
    for kind in (BOX, ELLIPSOID, CYLINDER):
        chosen = np.flatnonzero(kinds == kind)
        pairs = _ranks(boxes[chosen], owner[chosen], chosen, tiles)
        ranks[kind] = [(torch.from_numpy(a).to(device), torch.from_numpy(b).to(device)) for a, b in pairs]

    most = max(len(scene.occluders) for scene in scenes)
    occluders = np.tile(np.array([-2.0, 0, 0, -50, 0.01, 0.01, 0.01, 1, 0]), (len(scenes), most, 1))
    lights = np.zeros((len(scenes), LIGHTS, 6))
    for index, scene in enumerate(scenes):
        if scene.occluders:
            occluders[index, : len(scene.occluders)] = scene.occluders
        if scene.lights:
            lights[index, : len(scene.lights)] = scene.lights

    def put(array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(device)

    salt = [(scene.seed * 7919 + view * 104729 + 17) % 2**31 for scene, view in zip(scenes, views, strict=True)]
    return Pack(
        size,
        tiles,
        put(table.T),
        put(matrix.reshape(-1, 9).T),
        put(origin.T),
        ranks,
        torch.from_numpy(np.cumsum(counts) - counts).to(device),
        put(axes.reshape(-1, 9)),
        put(eye),
        put(tangent),
        put(np.array([scene.room for scene in scenes])),
        put(lights),
        put(np.array([scene.ambient for scene in scenes])),
        put(np.array([scene.exposure for scene in scenes])),
        put(np.array([scene.nir_power for scene in scenes])),
        put(occluders),
        torch.tensor(salt, dtype=torch.int32, device=device),
    )


def _tile_boxes(axes: np.ndarray, centre: np.ndarray, tangent: np.ndarray, size: int, tiles: int) -> np.ndarray:
    """Tiles ``(P, 4)`` as x0, x1, y0, y1 (ends excluded) that a primitive may touch; empty when out of view."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
    corners = np.einsum("pij,cj->pci", axes, signs) + centre[:, None, :]
    depth = corners[..., 2]
    scale = size / (2 * tangent)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        across = corners[..., 0] / depth * scale + size / 2
        down = -corners[..., 1] / depth * scale + size / 2
    bounds = np.stack([across.min(1), across.max(1), down.min(1), down.max(1)], -1)
    # One pixel of slack covers rounding; where a corner lies behind the camera, the whole image is tested.
    low, high = np.floor((bounds[:, [0, 2]] - 1) / TILE), np.floor((bounds[:, [1, 3]] + 1) / TILE) + 1
    crossing = (depth.min(1) < NEAR)[:, None]
    low, high = np.where(crossing, 0, low), np.where(crossing, tiles, high)
    low, high = np.clip(low, 0, tiles), np.clip(high, 0, tiles)
    high = np.where((depth.max(1) < NEAR)[:, None], low, high)
    return np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], -1).astype(np.int64)


def _ranks(
    boxes: np.ndarray, owner: np.ndarray, primitive: np.ndarray, tiles: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """All (tile, primitive) pairs, grouped so that the k-th group holds the k-th primitive of each tile."""
    wide, tall = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    count = wide * tall
    source = np.repeat(np.arange(len(boxes)), count)
    if not len(source):
        return []
    step = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
    x = boxes[source, 0] + step % wide[source]
    y = boxes[source, 2] + step // wide[source]
    tile = (owner[source] * tiles + y) * tiles + x
    order = np.argsort(tile, kind="stable")
    tile, source = tile[order], source[order]
    starts = np.flatnonzero(np.r_[True, tile[1:] != tile[:-1]])
    rank = np.arange(len(tile)) - np.repeat(starts, np.diff(np.r_[starts, len(tile)]))
    order = np.argsort(rank, kind="stable")
    cuts = np.cumsum(np.bincount(rank))[:-1]
    return list(zip(np.split(tile[order], cuts), np.split(primitive[source[order]], cuts), strict=True))
