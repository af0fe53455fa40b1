"""Files of pretrained weights: named by what is in them, and read without running what they hold.

A setting that may name such a file holds one of two texts. ``<path>#sha256=<digest>`` says where the file is and which
one is meant; ``<name>#sha256=<digest>`` is what keys, folders and records have, which hold no paths.
"""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.errors import UserError
from mmbench.given.files import path_of, read_bytes
from mmbench.given.texts import told

if TYPE_CHECKING:
    from torch import Tensor

MARK = "#sha256="
ENDINGS = (".pth", ".pt", ".safetensors")


def looks_like_file(value: object) -> bool:
    """Whether a setting's value names a file, rather than one of the setting's words."""
    return isinstance(value, str) and (MARK in value or "/" in value or value.lower().endswith(ENDINGS))


def pinned(text: str, where: str) -> str:
    """``<path>#sha256=<digest>`` of a file that a text names, ``~`` expanded; ``where`` is what named it.

    Raises:
        UserError: it cannot be read, has another ending or another digest than stated, or holds no named tensors.
    """
    place, _, stated = text.partition(MARK)
    path = path_of(place).absolute()
    if path.suffix.lower() not in ENDINGS:
        raise UserError(f"{where} {place}: expected a file of weights that ends in {', '.join(ENDINGS)}")
    try:
        status = path.stat()
        digest = _checked(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise UserError(f"{where} {path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UserError(f"{where} {path}: {error}") from error
    if stated and stated != digest:
        raise UserError(f"{where} {path}: has SHA-256 {digest}, and {stated} was asked for")
    return f"{path}{MARK}{digest}"


def unplaced(value: Any) -> Any:
    """What keys and records have of a setting's value: of a file its name and digest, all else as it is."""
    if not isinstance(value, str) or MARK not in value:
        return value
    place, _, digest = value.partition(MARK)
    return f"{Path(place).name}{MARK}{digest}"


def brief(value: Any) -> Any:
    """The same for titles: eight digits of the digest."""
    named = unplaced(value)
    return named[: named.index(MARK) + len(MARK) + 8] if isinstance(named, str) and MARK in named else value


def is_placed(value: str) -> bool:
    """Whether a text says where its file is."""
    return MARK in value and Path(value.partition(MARK)[0]).is_absolute()


def tensors_of(text: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a pinned file by name, and what to record of it: ``file`` and ``sha256``.

    Raises:
        UserError: it cannot be read any more, or holds other bytes than when it was pinned.
    """
    place, _, digest = text.partition(MARK)
    try:
        content = read_bytes(Path(place))
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError("was changed after the plan was made; start the run again")
        return _named_tensors(content, place), {"file": Path(place).name, "sha256": digest}
    except OSError as error:
        raise UserError(f"{place}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UserError(f"{place}: {error}") from error


@functools.cache
def _checked(path: Path, size: int, changed: int) -> str:
    """The file's SHA-256; size and time of change tell when it must be read again."""
    content = read_bytes(path)
    _named_tensors(content, path.name)
    return hashlib.sha256(content).hexdigest()


def _named_tensors(content: bytes, name: str) -> dict[str, Tensor]:
    """Raises ValueError, with what was found, where a file is no state dict."""
    import torch  # here: plans that name no file do without

    try:
        if name.lower().endswith(".safetensors"):
            from safetensors.torch import load

            found: Any = load(content)
        else:
            found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling, zip and format errors share no base class
        raise ValueError(f"is no file of tensors ({told(error)[:120]})") from error
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping):
        raise ValueError(f"holds a {type(found).__name__}, expected a state dict (tensors by name)")
    tensors = {key: value for key, value in found.items() if isinstance(key, str) and torch.is_tensor(value)}
    if not tensors:
        raise ValueError("holds no tensors by name, expected a state dict")
    return tensors
