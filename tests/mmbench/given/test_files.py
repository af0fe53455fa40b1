"""Small files from outside: none is waited for, and what cannot be read is one line that names it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench.commands.main import main
from mmbench.errors import UserError
from mmbench.given import files
from mmbench.store.files import read_json

ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "folder": lambda path: path.mkdir(),
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path),
    "other encoding": lambda path: path.write_bytes(b"caf\xe9"),
    "UTF-16": lambda path: path.write_bytes("a = 1".encode("utf-16")),
}
NESTED = {
    "lists": "a = " + "[" * 5000 + "]" * 5000, "tables": "a = " + "{a=" * 5000 + "1" + "}" * 5000,
    "keys": ".".join("a" * 5000) + " = 1", "nothing": "a = ", "control": "a = '\x00'", "digits": "a = " + "9" * 9000,
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_what_is_no_text_file_is_a_line(what: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    ODD[what](path)
    with pytest.raises(UserError, match=r"odd\.toml: ") as caught:
        files.read_toml(path)
    assert "\n" not in str(caught.value)
    if what not in ("dangling link", "other encoding"):
        with pytest.raises(ValueError, match=r"odd\.toml: damaged"):
            read_json(path)


@pytest.mark.parametrize("what", NESTED)
def test_deep_or_damaged_toml_is_a_line_or_read(what: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(NESTED[what])
    try:
        assert set(files.read_toml(path)) == {"a"}
    except UserError as error:
        assert str(error).startswith(f"{path}: cannot be read as TOML (")


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"a":' * 200_000, b"9" * 100_000, b"\xff", b"", b"{" * 3])
def test_deep_or_damaged_json_names_its_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"odd\.json: damaged"):
        read_json(tmp_path / "odd.json")


def test_a_text_is_read_with_any_ends_of_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert files.read_text(tmp_path / "a") == "a\nb\nc\n"


def test_a_home_that_nobody_has_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no home folder is known for '~nobody-of-this-name'; write the whole path"):
        files.path_of("~nobody-of-this-name/data")

    def unknown(self: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("MMBENCH_CACHE", raising=False)
    monkeypatch.setattr(Path, "expanduser", unknown)
    assert main(["list", "methods"]) == 0, "what needs no cache does without one"
    assert main(["run", "--dry-run"]) == 2


def test_a_folder_that_is_not_there_is_named_with_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "file").write_text("")
    assert files.expect_folder(tmp_path / "pictures", "--data-root") == tmp_path / "pictures"
    with pytest.raises(UserError, match=r"--data-root .*/picture: no such folder \(did you mean 'pictures'\?\)"):
        files.expect_folder(tmp_path / "picture", "--data-root")
    with pytest.raises(UserError, match=r"picture/a/b: no such folder: .*/picture is not there \(did you mean"):
        files.expect_folder(tmp_path / "picture" / "a" / "b", "--data-root")
    with pytest.raises(UserError, match="a file, expected a folder"):
        files.expect_folder(tmp_path / "file", "--data-root")
