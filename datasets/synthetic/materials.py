"""Materials: one palette distribution for every surface, so that colour tells next to nothing about the class."""

from __future__ import annotations

import colorsys
from typing import NamedTuple

from .draw import Draw

PLAIN, STRIPES, CHECKER, NOISE, WOOD, SPINES, PICTURE, OUTSIDE, SCREEN = range(9)

# By chance, for every surface alike; the other four textures belong to books, pictures, windows and televisions.
_COMMON = (PLAIN,) * 9 + (NOISE,) * 4 + (WOOD,) * 3 + (STRIPES,) * 2 + (CHECKER,) * 2

Colour = tuple[float, float, float]


class Material(NamedTuple):
    """How a surface looks.

    Attributes:
        first, second, third: linear RGB albedos that the texture mixes.
        texture: one of the constants above.
        frequency: periods per metre; of PICTURE, OUTSIDE and SCREEN: patches across the whole face.
        turned: 1.0 swaps the texture's axes.
        salt: integer below 2**20 that makes each noise its own.
        nir_first, nir_second: near-infrared albedos, drawn independently of the colours.
        emission: light given off, as a share of the texture's colour.
        gloss: weight of the highlight.
    """

    first: Colour
    second: Colour
    third: Colour
    texture: int
    frequency: float
    turned: float
    salt: int
    nir_first: float
    nir_second: float
    emission: float
    gloss: float

    def row(self) -> list[float]:
        """The material's 18 numbers in the order of :data:`COLUMNS`."""
        return [*self.first, *self.second, *self.third, *self[3:]]


COLUMNS = (
    *(f"{channel}{index}" for index in range(3) for channel in "rgb"),
    "texture",
    "frequency",
    "turned",
    "salt",
    "nir0",
    "nir1",
    "emission",
    "gloss",
)


def colour(draw: Draw) -> Colour:
    """One linear albedo of the common palette: mostly muted, sometimes strong, warm hues a little more often."""
    hue = draw.between(0.02, 0.16) if draw.chance(0.35) else draw.unit()
    saturation = 0.65 * draw.unit() ** 1.7
    value = draw.between(0.32, 0.95)
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return red * red, green * green, blue * blue


def material(draw: Draw, gloss: float = 0.0) -> Material:
    """A common material, whatever it is for."""
    first = colour(draw)
    if draw.chance(0.3):
        second = colour(draw)
    else:
        shade = draw.between(0.5, 0.85)
        second = (first[0] * shade, first[1] * shade, first[2] * shade)
    nir = draw.between(0.15, 0.95)
    texture = draw.pick(_COMMON)
    return Material(
        first,
        second,
        colour(draw),
        texture,
        draw.between(1.5, 6.0) if texture in (STRIPES, CHECKER) else draw.between(2.0, 12.0),
        float(draw.chance(0.5)),
        draw.integer(0, 2**20 - 1),
        nir,
        nir * draw.between(0.75, 1.0),
        0.0,
        gloss or (draw.between(0.1, 0.4) if draw.chance(0.25) else 0.0),
    )


def spines(draw: Draw) -> Material:
    """A row of books seen from the front: bands in three colours of the palette."""
    common = material(draw)
    return common._replace(second=colour(draw), texture=SPINES, frequency=draw.between(18, 40), turned=0.0)


def picture(draw: Draw) -> Material:
    """Patches in three colours of the palette."""
    common = material(draw)
    return common._replace(second=colour(draw), texture=PICTURE, frequency=draw.between(1.2, 3.5))


def outside(draw: Draw, daylight: float) -> Material:
    """What a window shows: sky above, something below, brighter than the room by day."""
    grey = draw.between(0.5, 0.95)
    sky = (grey * draw.between(0.6, 1.0), grey * draw.between(0.8, 1.0), grey)
    common = material(draw)
    return common._replace(
        first=sky,
        texture=OUTSIDE,
        frequency=draw.between(1.0, 3.0),
        turned=0.0,
        nir_first=draw.between(0.1, 0.9),
        emission=daylight,
        gloss=0.3,
    )


def screen(draw: Draw) -> Material:
    """A television: dark and glossy, with something of the room mirrored in it; one in four is switched on."""
    dark = draw.between(0.004, 0.03)
    common = material(draw)
    on = draw.chance(0.25)
    return common._replace(
        first=colour(draw) if on else (dark, dark, dark),
        second=colour(draw) if on else (dark * 4, dark * 4, dark * 5),
        texture=PICTURE if on else SCREEN,
        frequency=draw.between(1.0, 2.0),
        nir_first=draw.between(0.03, 0.12),
        nir_second=draw.between(0.03, 0.12),
        emission=0.5 if on else 0.0,
        gloss=0.8,
    )
