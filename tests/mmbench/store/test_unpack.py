"""Archives that are damaged, encrypted, too large or odd: one line, and nothing is left of them."""

from __future__ import annotations

import io
import os
import random
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench.errors import UserError
from mmbench.store.download import unpack

CONTENT = random.Random(1).randbytes(20_000)
FLIPS = 20  # places in the archive at which a bit is flipped


def tgz() -> bytes:
    """Two files in folders, compressed, with a checksum at the end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as bundle:
        for name in ("a/1", "2"):
            info = tarfile.TarInfo(name)
            info.size = len(CONTENT)
            bundle.addfile(info, io.BytesIO(CONTENT))
    return buffer.getvalue()


def gzip_named(name: bytes) -> bytes:
    """The same, with a name in front of the stream."""
    whole = tgz()
    return whole[:3] + bytes([whole[3] | 8]) + whole[4:10] + name + b"\0" + whole[10:]


def zipped(*members: tuple[str, bytes], stored: bool = False) -> bytes:
    """A zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return buffer.getvalue()


def with_byte(content: bytes, at: int, change: Callable[[int], int]) -> bytes:
    """Another value of one byte."""
    return content[:at] + bytes([change(content[at])]) + content[at + 1 :]


def central(content: bytes) -> int:
    """Where a zip file's list of members begins."""
    return content.index(b"PK\x01\x02")


ONE = zipped(("fine", b"fine"))
TWO = zipped(("a/1", CONTENT), ("2", CONTENT), stored=True)
ODD = {
    "cut.tgz": tgz()[:9000],
    "checksum.tgz": tgz()[:-8] + b"\0\0\0\0" + tgz()[-4:],
    "length.tgz": tgz()[:-4] + b"\0\0\0\0",
    "name.tgz": gzip_named(b"\xff\xff\xff"),
    "empty.tgz": b"",
    "page.tgz": b"<html>not found</html>",
    "cut.zip": TWO[:9000],
    "flipped.zip": with_byte(TWO, len(TWO) - 5000, lambda value: value ^ 1),
    "encrypted.zip": with_byte(with_byte(ONE, 6, lambda v: v | 1), central(ONE) + 8, lambda v: v | 1),
    "method.zip": with_byte(with_byte(ONE, 8, lambda v: 77), central(ONE) + 10, lambda v: 77),
    "twice.zip": zipped(("a", b"1"), ("a/b", b"2")),
    "long.zip": zipped(("n" * 5000, b"1")),
}


def refused(archive: Path) -> str:
    """What is said of an archive, of which nothing may be left."""
    into = archive.parent / "into"
    with pytest.raises(UserError, match=str(archive.name)) as caught:
        unpack(archive, into)
    assert not into.exists() or not any(into.iterdir())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_archive_is_one_line_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(ODD[name])
    refused(tmp_path / name)


def test_a_flipped_bit_anywhere_in_the_data_is_noticed(tmp_path: Path) -> None:
    chance, whole = random.Random(2), tgz()
    for number in range(FLIPS):
        at = chance.randrange(10, len(whole))  # before that stand a time and the system, which nobody reads
        path = tmp_path / f"{number}.tgz"
        path.write_bytes(with_byte(whole, at, lambda value: value ^ (1 << chance.randrange(8))))
        refused(path)


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tgz"])
def test_what_is_larger_than_the_disk_is_refused_before_it_is_unpacked(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(TWO if name.endswith("zip") else tgz())
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=len(CONTENT) + 2000))
    assert "GB are free; make room" in refused(tmp_path / name)


def test_a_disk_that_is_full_meanwhile_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    (tmp_path / "a.tgz").write_bytes(tgz())
    monkeypatch.setattr(tarfile.TarFile, "extractall", full)
    assert "No space left on device" in refused(tmp_path / "a.tgz")


def test_a_name_in_front_of_the_stream_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(gzip_named("größe.tar".encode()))
    unpack(tmp_path / "a.tgz", tmp_path / "into")
    assert (tmp_path / "into" / "2").read_bytes() == CONTENT


def test_what_is_there_stays_or_is_replaced_by_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(tgz())
    (tmp_path / "into" / "a").mkdir(parents=True)
    (tmp_path / "into" / "a" / "mine").write_text("mine")
    (tmp_path / "into" / "2").write_text("old")
    unpack(tmp_path / "a.tgz", tmp_path / "into")
    found = {path.relative_to(tmp_path / "into").as_posix() for path in (tmp_path / "into").rglob("*")}
    assert found == {"a", "a/1", "a/mine", "2"}
    assert (tmp_path / "into" / "2").read_bytes() == CONTENT


def test_a_folder_where_the_archive_has_a_file_is_refused_before_anything_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(tgz())
    (tmp_path / "into" / "2").mkdir(parents=True)
    with pytest.raises(UserError, match="a file and a folder of one name"):
        unpack(tmp_path / "a.tgz", tmp_path / "into")
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["2"]
