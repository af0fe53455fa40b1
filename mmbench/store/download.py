"""Fetch and unpack a data set's public archives: resumed where it stopped, checked, never written outside the target.

A data set's card names them::

    DOWNLOADS = ({"url": "https://...", "md5": "...", "into": "flowers-102"},)  # md5 optional; into: below the root
    TERMS = "..."                                                               # shown before anything is fetched
"""

from __future__ import annotations

import http.client
import shutil
import stat
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from mmbench.errors import UserError

BLOCK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte
ARCHIVES = (".tar", ".tgz", ".tar.gz", ".zip")

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

    Raises:
        UserError: a member would lie outside ``into``, is a link or a device, or the archive is damaged; nothing has
            been unpacked then.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                for info in packed.infolist():
                    kind = stat.S_IFMT(info.external_attr >> 16)
                    _check(archive, info.filename, plain=kind in (0, stat.S_IFREG, stat.S_IFDIR))
                packed.extractall(into)
            return
        with tarfile.open(archive) as bundle:
            for member in bundle:
                _check(archive, member.name, plain=member.isfile() or member.isdir())
            bundle.extractall(into, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise UserError(f"{archive}: cannot be unpacked ({error}); delete it and download it again") from error


def is_archive(name: str) -> bool:
    """Whether a file name is one that :func:`unpack` takes."""
    return name.endswith(ARCHIVES)


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
