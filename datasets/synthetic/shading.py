"""Light, textures and sensor: from surfaces to linear colour, near infrared and 8-bit images.

Randomness comes from an integer hash of places and pixels, so that CPU and CUDA agree and no batch changes an image.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .materials import CHECKER, NOISE, OUTSIDE, PICTURE, SCREEN, SPINES, STRIPES, WOOD
from .pack import Pack
from .rays import Surface, slabs
from .scene import LIGHTS

MEAN_TEXTURE = 0.5
CORNER = 0.12  # metres: how far the darkness of a corner reaches
SOFTNESS = 0.25  # metres of a coarse box that a ray must cross to lie in full shadow
DARKEST = 0.3  # what is left of the main light in full shadow: light that goes round
VIGNETTE = 0.22
NOISE_LEVEL = 2.0  # standard deviation of the sensor noise in grey levels
BLUR = 0.08  # weight of each of the four neighbours, for the lens


def hashed(x: Tensor, y: Tensor, salt: Tensor) -> Tensor:
    """31-bit integers (int32) from three of them; the products wrap around, which is meant."""
    h = x * 374761393 + y * 668265263 + salt * 1274126177
    h = (h ^ ((h >> 13) & 0x7FFFF)) * 1103515245
    h = (h ^ ((h >> 15) & 0x1FFFF)) * 668265263
    return (h ^ ((h >> 16) & 0xFFFF)) & 0x7FFFFFFF


def value_noise(x: Tensor, y: Tensor, salt: Tensor) -> Tensor:
    """Smooth noise in [0, 1] with features of size 1."""
    x0, y0 = x.floor(), y.floor()
    fx, fy = x - x0, y - y0
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    ix, iy = x0.int(), y0.int()
    a, b, c, d = (hashed(ix + i, iy + j, salt).float() for j in (0, 1) for i in (0, 1))
    low, high = a + (b - a) * fx, c + (d - c) * fx
    return (low + (high - low) * fy) * 2.0**-31


def textures(pack: Pack, seen: Surface) -> tuple[Tensor, Tensor]:
    """Two mixing weights in [0, 1] per pixel: of the second colour against the first, and of the third over both."""
    kind = pack.column("texture", seen.rows)
    frequency = pack.column("frequency", seen.rows)
    salt = pack.column("salt", seen.rows).int()
    turned = pack.column("turned", seen.rows) > 0.5
    on_face = (kind == PICTURE) | (kind == OUTSIDE) | (kind == SCREEN)
    u, v = (torch.where(on_face, a, b) for a, b in zip(seen.across, seen.along, strict=True))
    u, v = torch.where(turned, v, u), torch.where(turned, u, v)
    x, y = u * frequency, v * frequency

    grain = torch.where(kind == WOOD, 0.2, 1.0)
    slow = value_noise(x, y * grain, salt)
    fast = value_noise(x * 2.7 + 31.0, y * 2.7 * grain, salt)
    cloud = 0.65 * slow + 0.35 * fast
    wave = _square(x)
    rings = _square(x * 0.5 + 1.6 * cloud, 2.0)
    # Reading left to right, a spine's colour and height of title are those of its own number.
    number = x.floor().int()
    spine = hashed(number, number, salt).float() * 2.0**-31
    patches = ((cloud - 0.5) * 5.0 + 0.5).clamp(0, 1)
    glare = (0.5 + 0.35 * u + 0.35 * v + 0.4 * (cloud - 0.5)).clamp(0, 1)
    ground = ((slow - 0.55 - 0.9 * seen.across[1]) * 2.5).clamp(0, 1)

    mix = torch.zeros_like(x)
    for texture, value in (
        (STRIPES, wave),
        (CHECKER, 0.5 + 2.0 * (wave - 0.5) * (_square(y) - 0.5)),
        (NOISE, cloud),
        (WOOD, rings),
        (SPINES, spine),
        (PICTURE, patches),
        (OUTSIDE, 0.3 * fast),
        (SCREEN, glare),
    ):
        mix = torch.where(kind == texture, value, mix)
    third = torch.where(kind == PICTURE, ((fast - 0.6) * 6.0).clamp(0, 1), 0.0)
    third = torch.where(kind == SPINES, (spine * 7.0 % 1.0 > 0.66).float(), third)
    third = torch.where(kind == OUTSIDE, ground, third)

    # A texture finer than the pixels would alias: fade it to its mean.
    facing = (seen.normal[0] * seen.ray[0] + seen.normal[1] * seen.ray[1] + seen.normal[2] * seen.ray[2]).abs()
    pixel = seen.depth * (2.0 * pack.tangent / pack.size).unsqueeze(1) / facing.clamp(min=0.15)
    keep = torch.where(on_face | (kind == 0), 1.0, (1.5 - 1.5 * pixel * frequency).clamp(0, 1))
    return MEAN_TEXTURE + (mix - MEAN_TEXTURE) * keep, third * keep


def _square(x: Tensor, sharpness: float = 6.0) -> Tensor:
    """A square wave of period 1 with soft edges, in [0, 1]."""
    return (((x - x.floor()) - 0.5).abs() * sharpness - 0.25 * sharpness + 0.5).clamp(0, 1)


def corners(pack: Pack, seen: Surface) -> Tensor:
    """Cheap ambient occlusion: darker close to the other faces of the room."""
    room = pack.room.t().unsqueeze(-1)
    x, y, z = seen.point
    gaps = (room[0] / 2 - x.abs(), room[1] / 2 - y.abs(), torch.minimum(z, room[2] - z))
    light = torch.ones_like(x)
    for gap, normal in zip(gaps, seen.normal, strict=True):
        gap = gap.clamp(min=0)
        open_ = gap / (gap + CORNER)
        light = light * (1.0 - 0.45 * (1.0 - open_) * (1.0 - normal.abs()))
    return light


def shadow(pack: Pack, seen: Surface, light: Tensor) -> Tensor:
    """Visibility in [DARKEST, 1] of one light ``(B, 3)``, soft where a ray cuts only a corner of a coarse box."""
    item = pack.column("item", seen.rows)
    passed = torch.ones_like(seen.depth)
    for box in pack.occluders.unbind(1):
        number, cx, cy, cz, hx, hy, hz, cos, sin = (part.unsqueeze(1) for part in box.unbind(1))
        start = [part - c for part, c in zip(seen.point, (cx, cy, cz), strict=True)]
        step = [light[:, i : i + 1] - part for i, part in enumerate(seen.point)]
        origin, ray = (
            ((cos * w[0] + sin * w[1]) / hx, (cos * w[1] - sin * w[0]) / hy, w[2] / hz) for w in (start, step)
        )
        enter, leave = slabs(origin, ray)
        crossed = leave.clamp(max=1.0) - enter.clamp(min=0.0)
        length = (step[0] * step[0] + step[1] * step[1] + step[2] * step[2]).sqrt()
        dark = (crossed * length * (1 / SOFTNESS)).clamp(0, 1)
        passed = passed * (1.0 - dark * (item != number))
    return DARKEST + (1.0 - DARKEST) * passed


def shade(pack: Pack, seen: Surface) -> tuple[list[Tensor], Tensor]:
    """Linear exposure of red, green, blue and of the near infrared, each ``(B, R)``."""
    mix, third = textures(pack, seen)
    open_ = corners(pack, seen)
    nx, ny, nz = seen.normal
    ambient = open_ * (0.8 + 0.2 * nz)
    shine = torch.zeros_like(ambient)
    lit = [part.unsqueeze(1) * ambient for part in pack.ambient.t()]
    length = (seen.ray[0] ** 2 + seen.ray[1] ** 2 + seen.ray[2] ** 2).rsqrt()
    view = [-part * length for part in seen.ray]
    for index in range(LIGHTS):
        place, power = pack.lights[:, index, :3], pack.lights[:, index, 3:]
        to = [place[:, i : i + 1] - part for i, part in enumerate(seen.point)]
        square = to[0] * to[0] + to[1] * to[1] + to[2] * to[2]
        near = square.clamp(min=1e-4).rsqrt()
        fall = 1.0 / (0.6 + square)
        if index == 0:
            fall = fall * shadow(pack, seen, place)
        facing = ((nx * to[0] + ny * to[1] + nz * to[2]) * near).clamp(min=0)
        half = [a * near + b for a, b in zip(to, view, strict=True)]
        size = (half[0] * half[0] + half[1] * half[1] + half[2] * half[2]).clamp(min=1e-4).rsqrt()
        glint = ((nx * half[0] + ny * half[1] + nz * half[2]) * size).clamp(min=0)
        for _ in range(5):
            glint = glint * glint
        shine = shine + glint * fall * power[:, 1:2]
        diffuse = facing * fall * (0.6 + 0.4 * open_)
        lit = [total + diffuse * power[:, c : c + 1] for c, total in enumerate(lit)]

    exposure = pack.exposure.unsqueeze(1)
    shine = shine * pack.column("gloss", seen.rows) * exposure
    emission = pack.column("emission", seen.rows)
    colours = []
    for c, channel in enumerate("rgb"):
        first, second, last = (pack.column(f"{channel}{i}", seen.rows) for i in range(3))
        albedo = first + (second - first) * mix
        albedo = albedo + (last - albedo) * third
        colours.append(albedo * (lit[c] * exposure * 2.2 + emission * 0.6) + shine)

    nir0, nir1 = pack.column("nir0", seen.rows), pack.column("nir1", seen.rows)
    toward = (nx * view[0] + ny * view[1] + nz * view[2]).clamp(min=0)
    beam = toward * pack.nir_power.unsqueeze(1) * 3.2 / (1.0 + seen.depth * seen.depth * 0.5)
    nir = (nir0 + (nir1 - nir0) * mix) * (beam + 0.1 * open_ + 0.25 * emission)
    return colours, nir


def develop(pack: Pack, linear: list[Tensor]) -> Tensor:
    """Linear planes ``(B, S, S)`` to uint8 ``(B, S, S, C)``: vignette, roll-off, gamma, lens blur, sensor noise."""
    device = pack.columns.device
    side = (torch.arange(pack.size, device=device, dtype=torch.float32) * 2 + 1 - pack.size) / pack.size
    edge = 1.0 - VIGNETTE * (side.square().unsqueeze(1) + side.square().unsqueeze(0)) / 2
    pixel = torch.arange(pack.size, device=device, dtype=torch.int32)
    planes = []
    for index, plane in enumerate(linear):
        plane = plane * edge
        plane = (plane * 1.25 / (1.0 + 0.25 * plane)).clamp(0, 1).sqrt()
        around = F.pad(plane.unsqueeze(1), (1, 1, 1, 1), mode="replicate").squeeze(1)
        cross = around[:, 1:-1, :-2] + around[:, 1:-1, 2:] + around[:, :-2, 1:-1] + around[:, 2:, 1:-1]
        plane = plane * (1 - 4 * BLUR) + cross * BLUR
        salt = pack.salt.view(-1, 1, 1) + index * 7907
        bits = hashed(pixel.view(1, 1, -1), pixel.view(1, -1, 1) + index * 8191, salt)
        # The sum of four 7-bit numbers is close to a Gaussian of mean 254 and standard deviation 73.9.
        total = (bits & 127) + ((bits >> 8) & 127) + ((bits >> 16) & 127) + ((bits >> 24) & 127)
        noise = (total.float() - 254.0) * (NOISE_LEVEL / 73.9)
        planes.append((plane * 255.0 + noise).round().clamp(0, 255).to(torch.uint8))
    return torch.stack(planes, -1)
