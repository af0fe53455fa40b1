"""TFRecord files of ``tf.train.Example``, as far as data sets of images need them; without TensorFlow.

A file is a row of records, each ``uint64 length | uint32 CRC of the length | payload | uint32 CRC of the payload``, all
little-endian. The CRCs are CRC-32C (Castagnoli), masked: rotated right by 15 bits, plus a constant (TensorFlow,
``core/lib/io/record_writer.h`` and ``core/lib/hash/crc32c.h``). The payload is a protocol buffer::

    Example{Features features = 1}   Features{map<string, Feature> feature = 1}
    Feature{BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3}   BytesList{bytes value = 1}
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mmbench.errors import UserError

POLYNOMIAL = 0x82F63B78  # Castagnoli, bits reversed
MASK_DELTA = 0xA282EAD8
HEADER = struct.Struct("<QI")
FOOTER = struct.Struct("<I")


@dataclass(frozen=True)
class Record:
    """Where one payload lies in its file.

    Attributes:
        number: counted from 0.
        offset: of the payload, in bytes from the start of the file.
        size: of the payload in bytes.
    """

    number: int
    offset: int
    size: int


def crc32c(data: bytes) -> int:
    """CRC-32C of some bytes (RFC 3720, B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """The CRC as TFRecord files store it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF


def walk(path: Path) -> Iterator[tuple[Record, bytes]]:
    """Every record with its payload, in the order of the file.

    Checks lengths and their CRCs. The payload's own CRC is checked by :func:`read`: it takes as long as decoding.

    Raises:
        UserError: the file cannot be read, holds no record, ends too early, or a length is damaged; names the file.
    """
    try:
        size = path.stat().st_size
        if not size:
            raise _damaged(path, "it is empty")
        with path.open("rb") as file:
            at = number = 0
            while at < size:
                length = _length(path, file, number, size - at)
                payload = file.read(length)
                yield Record(number, at + HEADER.size, length), payload
                at += HEADER.size + length + FOOTER.size
                number += 1
                file.seek(at)
    except OSError as error:
        raise _damaged(path, str(error)) from error


def read(path: Path, record: Record) -> bytes:
    """The payload of one record, its CRC checked. Raises UserError naming file and record."""
    try:
        with path.open("rb") as file:
            file.seek(record.offset)
            payload = file.read(record.size)
            stored = file.read(FOOTER.size)
    except OSError as error:
        raise _damaged(path, str(error)) from error
    if len(payload) < record.size or len(stored) < FOOTER.size:
        raise _damaged(path, f"it ends within record {record.number}")
    if FOOTER.unpack(stored)[0] != masked_crc32c(payload):
        raise _damaged(path, f"record {record.number} does not have its CRC")
    return payload


def bytes_features(payload: bytes) -> dict[str, bytes]:
    """Name -> first value of every feature of an ``Example`` that holds bytes. Raises ValueError for anything else."""
    found: dict[str, bytes] = {}
    for features in _messages(memoryview(payload), 1):
        for entry in _messages(features, 1):
            name = next(_messages(entry, 1), None)
            for feature in _messages(entry, 2):
                for values in _messages(feature, 1):
                    value = next(_messages(values, 1), None)
                    if name is not None and value is not None:
                        found[bytes(name).decode()] = bytes(value)
    return found


def _length(path: Path, file: BinaryIO, number: int, left: int) -> int:
    header = file.read(HEADER.size)
    if len(header) < HEADER.size:
        raise _damaged(path, f"it ends within record {number}")
    length, stored = HEADER.unpack(header)
    if stored != masked_crc32c(header[:8]):
        raise _damaged(path, f"the length of record {number} does not have its CRC")
    if HEADER.size + length + FOOTER.size > left:
        raise _damaged(path, f"it ends within record {number}")
    return int(length)


def _messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The length-delimited fields of a number; all others are skipped."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            _, at = _varint(message, at)
            continue
        if wire == 2:
            length, at = _varint(message, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"no protocol buffer: wire type {wire}")
        if length > len(message) - at:
            raise ValueError("no protocol buffer: a field goes on behind the end")
        if wire == 2 and key >> 3 == wanted:
            yield message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number and the place behind it."""
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(message):
            raise ValueError("no protocol buffer: a number goes on behind the end")
        value |= (message[at] & 0x7F) << shift
        at += 1
        if message[at - 1] < 0x80:
            return value, at
    raise ValueError("no protocol buffer: a number has more than 64 bits")


def _damaged(path: Path, what: str) -> UserError:
    return UserError(f"{path}: no whole TFRecord file, {what}; get the file again")


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(map(_entry, range(256)))
