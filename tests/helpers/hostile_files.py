"""A seeded generator of malicious or damaged files: archives, images, arrays, descriptions, checkpoints, names."""

from __future__ import annotations

import io
import os
import pickle
import random
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from odd_results import NASTY
from PIL import Image

KINDS = ("archive", "image", "array", "description", "checkpoint", "names")
SECRET = "TOP-SECRET-LINE"


@dataclass(frozen=True)
class Bomb:
    """Whoever unpickles it makes a file."""

    marker: Path

    def __reduce__(self) -> tuple[Callable[..., int], tuple[str]]:
        return os.system, (f"touch '{self.marker}'",)


def kind_of(seed: int) -> str:
    """What a seed stands for; all kinds take turns."""
    return KINDS[seed % len(KINDS)]


MEMBERS = (
    "fine", "a/fine", "../escaped", "a/../../escaped", "/escaped", "..\\escaped", "C:\\escaped", "./x", "a//b", "a/.",
    "n" * 5000, "a\x1b[31mb", "\u202egnp.exe", "a\nb", "con", "-rf", "~", ".", "..", "x/", "a b", "ü", "fine/inner",
)  # fmt: skip
TYPES = (
    tarfile.REGTYPE, tarfile.REGTYPE, tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
    tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE,
)  # fmt: skip
LINKS = ("/etc/passwd", "../../..", "fine", "/escaped", "a")
CONTENT = b"some content " * 4000


def archive(chance: random.Random) -> tuple[str, bytes]:
    """A name and an archive: odd members, or damaged bytes, or both."""
    ending = chance.choice((".tar", ".tgz", ".zip"))
    buffer = io.BytesIO()
    names = ["fine", *(chance.choice(MEMBERS) for _ in range(chance.randint(0, 2)))]
    if ending == ".zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in names:
                info = zipfile.ZipInfo("x")
                info.filename, info.create_system = name, 3
                info.external_attr = (
                    chance.choice((stat.S_IFREG, stat.S_IFREG, stat.S_IFLNK, stat.S_IFCHR)) | 0o644
                ) << 16
                packed.writestr(info, CONTENT)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz" if ending == ".tgz" else "w") as bundle:
            for name in names:
                member = tarfile.TarInfo(name)
                member.type = chance.choice(TYPES) if name != "fine" else tarfile.REGTYPE
                member.linkname, member.size = chance.choice(LINKS), len(CONTENT) if member.isreg() else 0
                bundle.addfile(member, io.BytesIO(CONTENT) if member.isreg() else None)
    content = bytearray(buffer.getvalue())
    change = chance.choice(("none", "cut", "flip" if ending != ".tar" else "none", "head", "append"))
    if change == "cut":
        del content[chance.randrange(len(content)) :]
    elif change == "flip":
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif change == "head":
        content[: chance.randint(1, 64)] = chance.randbytes(chance.randint(0, 64))
    elif change == "append":
        content += chance.randbytes(chance.randint(1, 2000))
    return f"odd{ending}", bytes(content)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with a few bytes of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(1000))), chunk(b"IEND", b""))
    )


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n%%EOF\n"


def image(chance: random.Random, good: bytes, path: Path) -> None:
    """Spoil a PNG in place."""
    how = chance.choice(
        ("flip", "flip", "flip", "cut", "claims", "eps", "fifo", "device", "folder", "format", "garbage")
    )
    path.unlink()
    if how == "flip":
        content = bytearray(good)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
    elif how == "cut":
        path.write_bytes(good[: chance.randrange(len(good))])
    elif how == "claims":
        path.write_bytes(png_claiming(*chance.choice(((60_000, 60_000), (13_000, 13_000), (1, 2**31 - 1), (0, 5)))))
    elif how == "eps":
        path.write_bytes(EPS)
    elif how == "fifo":
        os.mkfifo(path)
    elif how == "device":
        path.symlink_to(chance.choice(("/dev/zero", "/dev/stdin", "/no/where", str(path))))
    elif how == "folder":
        path.mkdir()
    elif how == "format":
        buffer = io.BytesIO()
        Image.fromarray(np.zeros((16, 20, 3), np.uint8)).save(
            buffer, chance.choice(("GIF", "WEBP", "ICO", "PCX", "PDF"))
        )
        path.write_bytes(buffer.getvalue())
    else:
        path.write_bytes(chance.randbytes(chance.randrange(2000)))


def array(chance: random.Random, path: Path, bomb: Bomb) -> None:
    """An ``.npy`` that is none, that claims too much, or that holds Python objects."""
    buffer = io.BytesIO()
    how = chance.choice(("objects", "pickle", "claims", "header", "type", "shape", "cut", "zip"))
    if how == "objects":
        np.save(buffer, np.array([bomb, bomb], object), allow_pickle=True)
    elif how == "pickle":
        pickle.dump(bomb, buffer)
    elif how == "claims":
        shape = chance.choice(((1 << 50, 1 << 10), (1 << 20, 1 << 15), (-1, 5), (1 << 63, 1)))
        np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": shape})
    elif how == "header":
        text = chance.choice((b"__import__('os').system('true')", b"{" * 60_000, b"{'descr': 'O'}", b"\xff" * 50, b""))
        buffer.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)
    elif how == "type":
        kind = chance.choice(("<U5", "<c16", "<M8[s]", "S3", "?", "<f8"))
        np.save(buffer, np.zeros((16, 20), kind))
    elif how == "shape":
        np.save(buffer, np.zeros(chance.choice(((), (0, 0), (3,), (2, 2, 2, 2), (16, 20, 7))), np.float32))
    elif how == "cut":
        np.save(buffer, np.ones((16, 20), np.float32))
        buffer.truncate(chance.randrange(len(buffer.getvalue())))
    else:
        np.savez(buffer, a=np.ones((16, 20)))
    path.write_bytes(buffer.getvalue())


VALUES = (
    '"../../etc"', '"/etc"', '"a/../../.."', '"secret"', '"/dev/zero"', '"fifo"', "nan", "inf", "-1", "0", "1e-320",
    "1e308", "99999999999999999999999", "[]", "{}", "[[[]]]", '""', "true",
    '"\\u0000"', '"\\u001b[31m"', '"^((k|[a-z])+)+!$"', '"("',
    '["a", "a"]', '[""]', "[300]", "[-5]", "[nan]", "1979-05-27", "[1, \"a\"]", '"(?P<x>"', '".*"', '[[256, 0, 0]]',
)  # fmt: skip
KEYS = (
    "split.test", "split.validation", 'split.train."rgb+depth"', "scene", "groups", "anchor", "modalities.depth.folder",
    "modalities.depth.unit", "modalities.depth.invalid", "modalities.depth.far", "modalities.depth.pattern",
    "modalities.depth.kind", "modalities.depth.scale", "modalities.segmentation.classes", "modalities.segmentation.ids",
    "modalities.segmentation.void", "modalities.segmentation.palette", 'modalities."../x".kind', "strange",
    "modalities",
)  # fmt: skip


def description(chance: random.Random, secret: Path) -> bytes:
    """A ``dataset.toml`` with one to three values that lead out, wait, never end, or are of another kind."""
    if chance.random() < 0.15:
        return chance.choice(
            (b"a = " + b"[" * 5000, b"\xff\xfe", b"[" * 100, b"\x00", b"a" * 10**6, b"a = 1\na = 2\n", b"\xef\xbb\xbf[")
        )
    lines = []
    for key in chance.sample(KEYS, chance.randint(1, 3)):
        lines.append(
            f"{key} = {chance.choice(VALUES)}".replace('"secret"', f'"{chance.choice((str(secret), "../secret"))}"')
        )
    return "\n".join(sorted(lines)).encode()


def checkpoint(chance: random.Random, step: Path, bomb: Bomb) -> str:
    """Replace a file of a checkpoint; its name below the checkpoint."""
    name = chance.choice(("weights.safetensors", "optimizers.pt", "position.json", "../latest"))
    buffer = io.BytesIO()

    def header(text: bytes, claims: int | None = None) -> bytes:
        return struct.pack("<Q", len(text) if claims is None else claims) + text

    if name == "optimizers.pt":
        value: Any = chance.choice(({"generator": bomb}, [1, 2], {"nobody": {}}, bomb))
        torch.save(value, buffer, _use_new_zipfile_serialization=chance.random() < 0.5)
        content = chance.choice((buffer.getvalue(), pickle.dumps({"generator": bomb})))
    elif name == "weights.safetensors":
        one = b'{"a": {"dtype": "F32", "shape": %s, "data_offsets": [0, 4]}}'
        content = chance.choice((
            pickle.dumps(bomb), header(b"{}", 2**63), header(b'{"a":"' + b"x" * 10**6 + b'"}'), header(b"[" * 100_000),
            header(one % b"[1099511627776, 1048576]") + b"0000", header(one % b"[1]") + b"0000", b"",
        ))  # fmt: skip
    elif name == "position.json":
        content = chance.choice((
            b"[" * 100_000, b'{"total_step": -5}', b'{"total_step": "many"}', b"{}", b"null", b'{"total_step": 1e999}',
            b'{"total_step": 999999999999, "seconds": 1}',
        ))  # fmt: skip
    else:
        content = chance.choice(
            (b"../../../../outside", b"/tmp", b"\xff\xfe", b"step\x00-4", b"s" * 100_000, b"", b".")
        )
    (step / name).write_bytes(content)
    return name


def name(chance: random.Random) -> str:
    """A name that means something to a terminal, a page or a spreadsheet."""
    return chance.choice([text for text in NASTY if text and "\ud800" not in text and "\x00" not in text])
