"""Small files that somebody else wrote: read whole, without ever waiting, one line where they cannot be read."""

from __future__ import annotations

import errno
import json
import os
import stat
import tomllib
from io import BufferedReader
from pathlib import Path
from typing import Any

from mmbench.errors import UserError, did_you_mean

NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # a pipe that nobody writes to would be waited for without end
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # of errors: nothing can be written where it was tried
SHOWN = 20  # names in a folder up to which all are shown where none is near


class NotAFileError(OSError):
    """A pipe or a device stands where a file is expected."""


def opened(path: Path) -> BufferedReader:
    """A regular file, open to be read.

    Raises:
        NotAFileError: it is a pipe or a device, which may be waited for without end.
        OSError: it cannot be read, or is a folder. All name the path.
    """
    try:
        descriptor = os.open(str(path), os.O_RDONLY | NO_WAIT)
    except ValueError as error:  # a NUL in the path
        raise OSError(errno.EINVAL, str(error), str(path)) from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise NotAFileError(errno.EINVAL, "not a regular file, but a pipe or a device", str(path))


def read_bytes(path: Path) -> bytes:
    """A regular file's content. Raises OSError as :func:`opened`."""
    with opened(path) as file:
        return file.read()


def read_text(path: Path) -> str:
    """A UTF-8 file's text, with or without a byte order mark, with ``\\n`` at the ends of lines.

    Raises:
        UserError: it cannot be read, or is not UTF-8; names the path and the reason.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's tables. Raises UserError as :func:`read_text`, and where it is no TOML or too deeply nested."""
    try:
        return tomllib.loads(read_text(path))
    except RecursionError as error:
        raise UserError(f"{path}: cannot be read as TOML (too deeply nested)") from error
    except ValueError as error:
        raise UserError(f"{path}: cannot be read as TOML ({error})") from error


def parse_json(content: bytes) -> Any:
    """JSON of any kind. Raises ValueError where it is none, or too deeply nested."""
    try:
        return json.loads(content.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("too deeply nested") from error


def path_of(text: str) -> Path:
    """A path, ``~`` expanded: no shell does that behind ``=``, in a file of variables or in a job script.

    Raises:
        UserError: ``~`` stands for the folder of nobody: HOME is not set, or there is no such user.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"{text}: no home folder is known for {Path(text).parts[0]!r}; write the whole path") from error


def expect_folder(path: Path, option: str) -> Path:
    """The path. Raises UserError, with the near match beside it, where it is no folder.

    Args:
        option: what named it, such as ``--data-root``.
    """
    if path.is_dir():
        return path
    if path.exists():
        raise UserError(f"{option} {path}: a file, expected a folder")
    missing = next((above for above in (*reversed(path.parents), path) if not above.is_dir()), path)
    where = "" if missing == path else f": {missing} is not there"
    raise UserError(f"{option} {path}: no such folder{where}{near(missing)}")


def near(missing: Path) -> str:
    """``" (did you mean 'x'?)"`` by what lies beside a folder that is not there; nothing where that is too much."""
    try:
        beside = [entry.name for entry in os.scandir(missing.parent) if entry.name[0] != "." and entry.is_dir()]
    except OSError:
        return ""
    return did_you_mean(missing.name, beside) if len(beside) <= SHOWN else ""
