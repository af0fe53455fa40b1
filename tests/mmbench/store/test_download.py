"""Downloads from a local HTTP server: whole, resumed, refused; archives that would write outside the target."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmbench.commands.main import main
from mmbench.errors import UserError
from mmbench.store.download import fetch, unpack

CONTENT = bytes(range(256)) * 400
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; /cut ends early, /plain knows no ranges, everything else is 404."""

    asked: list[str]

    def do_GET(self) -> None:
        first = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if self.path == "/plain":
            first = 0
        self.asked.append(f"{self.path} {first}")
        if self.path not in ("/file", "/cut", "/plain"):
            self.send_error(404)
            return
        if first >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(CONTENT) - first))
        self.end_headers()
        self.wfile.write(CONTENT[first : 1000 if self.path == "/cut" else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Asked", (Handler,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def test_a_file_is_fetched_once(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = server
    target, seen = tmp_path / "a" / "file", list[tuple[int, int]]()
    for _ in range(2):
        fetch(f"{url}/file", target, MD5, lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert asked == ["/file 0"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize(("path", "ranges"), [("/file", ["/cut 0", "/file 1000"]), ("/plain", ["/cut 0", "/plain 0"])])
def test_what_has_arrived_is_kept_and_continued(
    path: str, ranges: list[str], server: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = server
    with pytest.raises(UserError, match=r"/cut: .*continues from it"):
        fetch(f"{url}/cut", tmp_path / "file", MD5)
    assert (tmp_path / "file.part").stat().st_size == 1000
    fetch(f"{url}{path}", tmp_path / "file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert asked == ranges


def test_a_part_that_is_whole_is_taken(server: tuple[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT)
    fetch(f"{server[0]}/file", tmp_path / "file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "md5", "message"), [("/file", "0" * 32, "the checksum is not 000"), ("/none", "", "404|Not Found")]
)
def test_a_refusal_is_a_line(path: str, md5: str, message: str, server: tuple[str, list[str]], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        fetch(f"{server[0]}{path}", tmp_path / "file", md5)
    assert not (tmp_path / "file").exists()


def test_an_unreachable_server_is_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9/x: "):
        fetch("http://127.0.0.1:9/x", tmp_path / "x")


def tar(path: Path, *members: tuple[str, bytes]) -> Path:
    """A tar archive; a member of type ``b'2'`` or ``b'1'`` is a link out of the target."""
    with tarfile.open(path, "w:gz") as bundle:
        for name, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, "../outside", 2 if kind == tarfile.REGTYPE else 0
            bundle.addfile(info, io.BytesIO(b"hi"))
    return path


def test_archives_are_unpacked(tmp_path: Path) -> None:
    unpack(tar(tmp_path / "a.tgz", ("jpg", tarfile.DIRTYPE), ("jpg/1.jpg", tarfile.REGTYPE)), tmp_path / "tar")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("jpg/1.jpg", "hi")
    unpack(tmp_path / "a.zip", tmp_path / "zip")
    for folder in ("tar", "zip"):
        assert (tmp_path / folder / "jpg" / "1.jpg").read_text() == "hi"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../outside", tarfile.REGTYPE),
        ("/etc/outside", tarfile.REGTYPE),
        ("a/../../outside", tarfile.REGTYPE),
        ("link", tarfile.SYMTYPE),
        ("link", tarfile.LNKTYPE),
        ("pipe", tarfile.FIFOTYPE),
    ],
)
def test_a_tar_that_reaches_outside_is_refused_whole(name: str, kind: bytes, tmp_path: Path) -> None:
    archive = tar(tmp_path / "evil.tgz", ("good", tarfile.REGTYPE), (name, kind))
    with pytest.raises(UserError, match=rf"evil\.tgz: '{name}' .*not unpacked"):
        unpack(archive, tmp_path / "into")
    assert [path.name for path in tmp_path.iterdir()] == ["evil.tgz"]


@pytest.mark.parametrize(("name", "mode"), [("../outside", 0o100644), ("C:/outside", 0o100644), ("link", 0o120777)])
def test_a_zip_that_reaches_outside_is_refused_whole(name: str, mode: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr("good", "hi")
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        packed.writestr(info, "../outside")
    with pytest.raises(UserError, match=r"evil\.zip: .*not unpacked"):
        unpack(tmp_path / "evil.zip", tmp_path / "into")
    assert [path.name for path in tmp_path.iterdir()] == ["evil.zip"]


def test_a_damaged_archive_is_a_line(tmp_path: Path) -> None:
    whole = tar(tmp_path / "a.tgz", ("good", tarfile.REGTYPE)).read_bytes()
    (tmp_path / "a.tgz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"a\.tgz: cannot be unpacked"):
        unpack(tmp_path / "a.tgz", tmp_path / "into")


PLUGIN = """
NAME = "tiny"
TITLE = "Tiny"
KIND = "cross-modal"
CLASS = "Tiny"
SOURCE = "a test"
CITATION = "nobody"
TERMS = "for tests only"
DOWNLOADS = ({{"url": "{url}/file", "md5": "{md5}", "into": "tiny"}},)
"""


def test_the_command_shows_the_terms_and_needs_consent(
    server: tuple[str, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "plugins" / "datasets").mkdir(parents=True)
    (tmp_path / "plugins" / "datasets" / "tiny.py").write_text(PLUGIN.format(url=server[0], md5=MD5))
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path / "plugins"))
    arguments = ["data", "download", "tiny", "--data-root", str(tmp_path / "root")]
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert "Terms: for tests only" in said.out
    assert "add --yes" in said.err
    assert server[1] == []
    assert main([*arguments, "--yes"]) == 0
    assert (tmp_path / "root" / "tiny" / "file").read_bytes() == CONTENT
    assert main(["data", "download", "synthetic", "--yes"]) == 2
    assert "no public archive" in capsys.readouterr().err
