"""The release's protobufs: which wnid each instance of a trajectory has, read from the wire format by hand.

Of the messages (proto2, ``scenenet.proto`` of pySceneNetRGBD) only these fields count::

    Trajectories { repeated Trajectory trajectories = 1; }
    Trajectory   { repeated Instance instances = 2; string render_path = 4; }     # "0/223", below val/ or train/
    Instance     { int32 instance_id = 1; string semantic_wordnet_id = 2; }

Three fields do not justify the protobuf package, whose generated code must fit the version that is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mmbench.errors import UserError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED = {FIXED64: 8, FIXED32: 4}
VARINT_BYTES = 10


def read_instances(path: Path, source: str) -> dict[str, dict[int, str]]:
    """Instance id -> wnid (empty for the background), for each trajectory by its ``render_path``.

    Args:
        path: ``scenenet_rgbd_val.pb`` or ``scenenet_rgbd_train_<n>.pb``.
        source: where to get it again, for the message.

    Raises:
        UserError: the file cannot be read, is cut off or is something else.
    """
    try:
        found = dict(_trajectory(part) for part in _messages(memoryview(path.read_bytes()), 1))
        if not found:
            raise ValueError("it holds no trajectory")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: no whole protobuf of trajectories ({error}); get it again from {source}") from error
    return found


def _trajectory(data: memoryview) -> tuple[str, dict[int, str]]:
    instances: dict[int, str] = {}
    render_path = ""
    for number, value in _fields(data):
        if number == 2:
            identity, wnid = _instance(_bytes(value))
            instances[identity] = wnid
        elif number == 4:
            render_path = _text(value).strip("/")
    if not render_path:
        raise ValueError("a trajectory lacks its render_path")
    return render_path, instances


def _instance(data: memoryview) -> tuple[int, str]:
    identity, wnid = 0, ""
    for number, value in _fields(data):
        if number == 1:
            if not isinstance(value, int):
                raise ValueError("an instance_id is no integer")
            identity = value
        elif number == 2:
            wnid = _text(value)
    return identity, wnid


def _messages(data: memoryview, wanted: int) -> Iterator[memoryview]:
    return (_bytes(value) for number, value in _fields(data) if number == wanted)


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an integer, or bytes not looked into."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == BYTES:
            length, place = _varint(data, place)
        elif kind in FIXED:
            length = FIXED[kind]
        else:
            raise ValueError(f"unknown wire type {kind}")
        if place + length > len(data):
            raise ValueError(f"cut off: {place + length - len(data)} bytes are missing")
        yield number, data[place : place + length]
        place += length


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for index in range(VARINT_BYTES):
        if place + index >= len(data):
            raise ValueError("cut off within a number")
        byte = data[place + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, place + index + 1
    raise ValueError("a number has more than 10 bytes")


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message or text is expected")
    return value


def _text(value: int | memoryview) -> str:
    return str(_bytes(value), "utf-8")
