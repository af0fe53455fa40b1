"""Colours tied to classes: how much of what is never seen with depth the colour image tells of the classes.

As drawn, every class has its colours from one palette. Here a share of the materials takes the colour of its class in
its place. Geometry, labels and near infrared stay as they are, and so does whatever was drawn.
"""

from __future__ import annotations

from .scene import COLUMN, PALETTE, Scene

SALTS = 2**20  # a material's salt is drawn uniformly below this
LIGHTEST = 0.8  # linear albedo of a full channel

ALBEDOS = tuple(tuple(LIGHTEST * (channel / 255) ** 2 for channel in colour) for colour in PALETTE)


def tie(scene: Scene, share: float) -> None:
    """Paint a share of the materials in their class's colour, plain, in place.

    Which ones goes by their salts: with a larger share those of a smaller one are painted as well, and 0 changes
    nothing.

    Args:
        share: 0 to 1.
    """
    for row in scene.rows:
        if row[COLUMN["salt"]] < share * SALTS:
            for index in range(3):
                for channel, value in zip("rgb", ALBEDOS[int(row[COLUMN["class"]])], strict=True):
                    row[COLUMN[f"{channel}{index}"]] = value
