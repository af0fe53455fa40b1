"""Small TFRecord files and folders of colored objects, as the authors and others have them."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from mmbench.datasets.colored_objects import COLOURS
from mmbench.datasets.tfrecords import masked_crc32c
from PIL import Image

from mmbench.dataset import DataLimits

EVERYTHING = DataLimits()
NAMES = ("file_name", "encoded_image")
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)


def jpeg(colour: str, number: int) -> bytes:
    """16 x 12 pixels; no two images are alike."""
    buffer = io.BytesIO()
    Image.fromarray(np.roll(PIXELS, number + 20 * COLOURS.index(colour))).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def field(number: int, value: bytes) -> bytes:
    size = bytearray()
    left = len(value)
    while left > 0x7F:
        size.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([number << 3 | 2, *size, left]) + value


def example(features: Mapping[str, bytes]) -> bytes:
    entries = (
        field(1, field(1, name.encode()) + field(2, field(1, field(1, value)))) for name, value in features.items()
    )
    return field(1, b"".join(entries))


def write_records(path: Path, images: Mapping[str, bytes], names: tuple[str, str] = NAMES) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b""
    for name, encoded in images.items():
        payload = example({f"image/{names[1]}": encoded, f"image/{names[0]}": name.encode()})
        size = struct.pack("<Q", len(payload))
        data += size + struct.pack("<I", masked_crc32c(size)) + payload + struct.pack("<I", masked_crc32c(payload))
    path.write_bytes(data)


def write_shards(root: Path, part: str, start: int, count: int) -> None:
    for index, colour in enumerate(COLOURS):
        images = {f"IMG_{n}.jpg": jpeg(colour, n) for n in range(start, start + count)}
        write_records(root / "colored_objects" / part / f"domain_{index}.tfrecords", images)


def write_folders(folder: Path, count: int = 10, colours: tuple[str, ...] = COLOURS) -> None:
    for colour in colours:
        (folder / colour).mkdir(parents=True)
        for number in range(count):
            (folder / colour / f"IMG_{number}.jpg").write_bytes(jpeg(colour, number))


def make_root(root: Path) -> Path:
    """Only test files, as in the authors' repository: ten images of each colour, their names the same."""
    write_shards(root, "test", 221, 10)
    return root
