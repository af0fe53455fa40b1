"""TFRecord files: CRC-32C against RFC 3720, records against bytes of an official file, damage in one line."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from mmbench.datasets.tfrecords import bytes_features, crc32c, masked_crc32c, read, walk

from mmbench.errors import UserError

# An Example by hand: name -> b"a.jpg" (bytes), size -> 7 (int64), image -> 200 bytes, whose lengths take two bytes.
NAME = b"\x0a\x0f" + b"\x0a\x04name" + b"\x12\x07" + b"\x0a\x05" + b"\x0a\x03a.j"
SIZE = b"\x0a\x0d" + b"\x0a\x04size" + b"\x12\x05" + b"\x1a\x03" + b"\x0a\x01\x07"
IMAGE = b"\x0a\xdb\x01" + b"\x0a\x05image" + b"\x12\xd1\x01" + b"\x0a\xce\x01" + b"\x0a\xcb\x01" + b"x" * 203
ENTRIES = NAME + SIZE + IMAGE
EXAMPLE = b"\x0a" + bytes([(len(ENTRIES) & 0x7F) | 0x80, len(ENTRIES) >> 7]) + ENTRIES


def reference_mask(data: bytes) -> int:
    """The masked CRC bit by bit, as the header files of TensorFlow define it."""
    crc = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            low = (crc ^ byte >> bit) & 1
            crc = crc >> 1 ^ (0x82F63B78 if low else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32


def framed(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", reference_mask(length)) + payload + struct.pack("<I", reference_mask(payload))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "domain_0.tfrecords"
    path.write_bytes(framed(b"first") + framed(EXAMPLE) + framed(b""))
    return path


@pytest.mark.parametrize(
    ("data", "crc"),
    [  # RFC 3720, B.4, and the check value of the CRC catalogue
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_crc32c(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc
    assert masked_crc32c(data) == reference_mask(data)


def test_header_of_an_official_file() -> None:
    # The first 12 bytes of the authors' domain_0.tfrecords: a payload of 11340 bytes.
    header = bytes.fromhex("4c2c0000000000000832e32a")
    assert struct.unpack("<QI", header) == (11340, masked_crc32c(header[:8]))


def test_records_and_their_places(file: Path) -> None:
    found = list(walk(file))
    assert [payload for _, payload in found] == [b"first", EXAMPLE, b""]
    places = [(record.number, record.offset, record.size) for record, _ in found]
    assert places == [(0, 12, 5), (1, 33, len(EXAMPLE)), (2, 33 + len(EXAMPLE) + 16, 0)]
    assert [read(file, record) for record, _ in found] == [payload for _, payload in found]


def test_example_by_hand() -> None:
    assert bytes_features(EXAMPLE) == {"name": b"a.j", "image": b"x" * 203}
    assert bytes_features(b"") == {}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (EXAMPLE[:-1], "a field goes on behind the end"),
        (b"\x0a", "a number goes on behind the end"),
        (b"\x0a" + b"\xff" * 11, "more than 64 bits"),
        (b"\x0b\x00", "wire type 3"),
    ],
)
def test_no_example(payload: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        bytes_features(payload)


@pytest.mark.parametrize(("left", "record"), [(5, 0), (20, 0), (25, 1), (40, 1), (290, 1), (300, 2)])
def test_truncated_anywhere(file: Path, left: int, record: int) -> None:
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(UserError, match=rf"domain_0\.tfrecords.*ends within record {record}") as caught:
        list(walk(file))
    assert "\n" not in str(caught.value)


def test_damaged_length_reads_nothing_large(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[6] ^= 0xFF  # some 70 000 TB
    file.write_bytes(data)
    with pytest.raises(UserError, match="length of record 0 does not have its CRC"):
        list(walk(file))


def test_damaged_payload_is_found_when_read(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)
    (first, _), (second, _), (third, _) = walk(file)
    assert read(file, first) == b"first"
    with pytest.raises(UserError, match=r"domain_0\.tfrecords.*record 1 does not have its CRC.*again"):
        read(file, second)
    file.write_bytes(data[:60])
    with pytest.raises(UserError, match="ends within record 1"):
        read(file, second)
    file.unlink()
    with pytest.raises(UserError, match=r"domain_0\.tfrecords"):
        read(file, third)


@pytest.mark.parametrize("content", [b"", b"<html>not found, try another page</html>" * 3, b"\xff\xd8\xff\xe0"])
def test_other_files(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"domain_0\.tfrecords: no whole TFRecord file"):
        list(walk(file))
