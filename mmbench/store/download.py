"""Fetch and unpack a data set's public archives: resumed where it stopped, checked, never written outside the target.

A data set's card names them::

    DOWNLOADS = ({"url": "https://...", "md5": "...", "into": "flowers-102"},)  # md5 optional; into: below the root
    TERMS = "..."                                                               # shown before anything is fetched
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import lzma
import shutil
import stat
import struct
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from mmbench.errors import UserError
from mmbench.given.files import NO_ROOM
from mmbench.given.texts import told
from mmbench.store.files import temporary

BLOCK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte
ARCHIVES = (".tar", ".tgz", ".tar.gz", ".zip")
SECTOR = 512  # bytes: what the smallest file takes at least
ENCRYPTED = 1  # bit of a zip member's flags
GZIP, EXTRA, NAMED = b"\x1f\x8b\x08", 4, 8  # how a gzip stream begins; bits of its flags
# What damaged bytes and unknown ways of packing lead the readers of archives to.
DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, RuntimeError, NotImplementedError, ValueError,
    LookupError, OverflowError, struct.error, zlib.error, lzma.LZMAError, MemoryError,
)  # fmt: skip

Progress = Callable[[int, int], None]


def fetch(url: str, target: Path, md5: str = "", progress: Progress | None = None) -> None:
    """Download a file unless it is there; a part that an earlier call left is continued.

    Args:
        target: where it goes; ``<target>.part`` holds what has arrived so far.
        md5: of the whole file; empty where it is not known.
        progress: called with (bytes here, bytes in all; 0 where the server does not say).

    Raises:
        UserError: the server cannot be reached or refuses, the disk is too small, or the checksum differs (the part is
            deleted then).
    """
    from torchvision.datasets.utils import check_integrity

    if target.exists() and check_integrity(target, md5 or None):
        return
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _receive(url, part, progress)
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"{url}: {_reason(error)}; what has arrived is kept, the same command continues from it"
        ) from error
    if not check_integrity(part, md5 or None):
        part.unlink()
        raise UserError(f"{url}: the checksum is not {md5}; the file was deleted, try again")
    part.replace(target)


def unpack(archive: Path, into: Path) -> None:
    """Unpack a tar or zip archive below ``into``.

    Everything is unpacked beside its place and checked first: names, room on the disk, checksums.

    Raises:
        UserError: a member would lie outside ``into``, is a link or a device, or is larger than the disk; the archive
            is damaged, encrypted or packed in an unknown way. Nothing has been unpacked then.
    """
    made = [folder for folder in (into, *into.parents) if not folder.exists()]
    into.mkdir(parents=True, exist_ok=True)
    beside = temporary(into / archive.name)
    try:
        (_unzip if zipfile.is_zipfile(archive) else _untar)(archive, beside)
        _move(beside, into)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise UserError(f"{into}: {error.strerror} while unpacking {archive}; make room") from error
        raise UserError(f"{archive}: cannot be unpacked ({error})") from error
    except DAMAGED as error:
        raise UserError(f"{archive}: cannot be unpacked ({told(error)}); delete it and download it again") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        for folder in made:
            with contextlib.suppress(OSError):  # it is empty where nothing was unpacked
                folder.rmdir()


def is_archive(name: str) -> bool:
    """Whether a file name is one that :func:`unpack` takes."""
    return name.endswith(ARCHIVES)


def _unzip(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        size = 0
        for info in packed.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            _check(archive, info.filename, plain=kind in (0, stat.S_IFREG, stat.S_IFDIR))
            if info.flag_bits & ENCRYPTED:
                raise UserError(f"{archive}: {info.filename!r} is encrypted; unpack the archive by hand")
            size = _fits(archive, into, size, info.file_size)
        packed.extractall(into)  # compares the checksum of each


def _untar(archive: Path, into: Path) -> None:
    _check_head(archive)
    with tarfile.open(archive) as bundle:
        size = 0
        for member in bundle:
            _check(archive, member.name, plain=member.isfile() or member.isdir())
            size = _fits(archive, into, size, member.size)
        assert bundle.fileobj is not None
        while bundle.fileobj.read(BLOCK):  # what packed the whole compares its checksum at the end
            pass
        bundle.extractall(into, filter="data")


def _check_head(archive: Path) -> None:
    """Raise UnicodeDecodeError where the name in front of a gzip stream, which no checksum covers, is no text."""
    with archive.open("rb") as file:
        head = file.read(BLOCK)
    if head.startswith(GZIP) and head[3] & (NAMED | EXTRA) == NAMED:
        head[10:].partition(b"\0")[0].decode()


def _fits(archive: Path, into: Path, before: int, size: int) -> int:
    """Bytes of all members so far. Raises UserError where they are more than the disk has left."""
    total = before + -(-size // SECTOR) * SECTOR + SECTOR  # its name takes room, too
    free = shutil.disk_usage(into.parent).free
    if total > free:
        raise UserError(
            f"{into.parent}: {archive} holds more than {total / 1e9:.2f} GB, {free / 1e9:.2f} GB are free; make room"
        )
    return total


def _move(beside: Path, into: Path) -> None:
    """Everything below one folder to the same place below another. Raises FileExistsError before anything is moved."""
    files = [path for path in sorted(beside.rglob("*")) if not path.is_dir()]
    for path in beside.rglob("*"):
        target = into / path.relative_to(beside)
        if target.exists() and target.is_dir() != path.is_dir():
            raise FileExistsError(errno.EEXIST, "a file and a folder of one name", str(target))
    for path in (path for path in beside.rglob("*") if path.is_dir()):
        (into / path.relative_to(beside)).mkdir(parents=True, exist_ok=True)
    for path in files:
        path.replace(into / path.relative_to(beside))


def _check(archive: Path, name: str, plain: bool) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (len(name) > 1 and name[1] == ":"):
        raise UserError(f"{archive}: {name!r} would be written outside the target; the archive was not unpacked")
    if not plain:
        raise UserError(f"{archive}: {name!r} is a link or a device; the archive was not unpacked")


def _receive(url: str, part: Path, progress: Progress | None) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if have and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it had arrived
        raise
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # the server does not resume
        left = int(response.headers.get("Content-Length") or 0)
        free = shutil.disk_usage(part.parent).free
        if left > free:
            raise UserError(f"{part.parent}: {left / 1e9:.1f} GB needed for {url}, {free / 1e9:.1f} GB free")
        with part.open("ab" if have else "wb") as file:
            arrived = 0
            for block in _blocks(response):
                file.write(block)
                arrived += len(block)
                if progress:
                    progress(have + arrived, have + left if left else 0)
    if arrived < left:
        raise ConnectionError(f"the connection ended after {have + arrived} of {have + left} bytes")


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while block := response.read(BLOCK):
        yield block


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error) or type(error).__name__
