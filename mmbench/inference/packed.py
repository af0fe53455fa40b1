"""A trained cell as one folder for others: weights, what they are, and a card; opened anywhere, without the data.

``model.safetensors`` holds the weights, ``config.json`` what the cell's ``result.json`` says with its task and how
files are read, ``digests.json`` size and SHA-256 of both, ``README.md`` the card, which its owner may edit. Nothing in
it is ever run or unpickled: the code is the installed mmbench's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbench.errors import UserError
from mmbench.given.weights import unplaced
from mmbench.store import digests
from mmbench.store.files import as_json, read_json, write_bytes
from mmbench.typed import as_dict

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
FILES = (CONFIG, WEIGHTS, digests.FILE, CARD)
FORM, NUMBER = "mmbench_pack", 1
LEFT_OUT = ("place", "skipped", "overrides")  # of the machine that it was trained on, not of the network
AGAIN = "copy or download the folder again"


def is_packed(folder: Path) -> bool:
    """Whether a folder is, or once was, a packed one rather than a cell's."""
    return any((folder / name).exists() for name in (CONFIG, WEIGHTS)) and not (folder / "cell.json").exists()


def read(folder: Path) -> dict[str, Any]:
    """What a packed folder says of its network, once its files are those that were packed.

    Raises:
        UserError: a file is missing, damaged, or of a later form; one line that names it.
    """
    try:
        known = digests.recorded(folder)
        if missing := [name for name in (CONFIG, WEIGHTS) if name not in known or not (folder / name).exists()]:
            lost = digests.FILE if missing[0] not in known else missing[0]
            raise UserError(f"{folder / lost}: missing, or not whole, in a packed folder; {AGAIN}")
        for name in (CONFIG, WEIGHTS):
            digests.check(folder, name, known)
        about = read_json(folder / CONFIG) or {}
    except ValueError as error:
        raise UserError(f"{error}; {AGAIN}") from error
    if about.get(FORM) != NUMBER:
        raise UserError(
            f"{folder / CONFIG}: form {about.get(FORM)!r} of a packed cell, and this mmbench reads {NUMBER}"
        )
    return about


def pack(about: Mapping[str, Any], weights: bytes, out: Path, card: str) -> list[Path]:
    """Write a packed folder.

    Args:
        about: as :func:`content` makes it.
        weights: a whole file of safetensors.
        card: Markdown.

    Raises:
        UserError: the folder cannot be written to.
    """
    config = as_json(about)
    try:
        write_bytes(out / WEIGHTS, weights)
        digests.write(out, [WEIGHTS], {CONFIG: config})
        write_bytes(out / CONFIG, config)
        write_bytes(out / CARD, card.encode())
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror})") from error
    return [out / name for name in FILES]


def content(about: Mapping[str, Any], task: Any, readings: Mapping[str, Any]) -> dict[str, Any]:
    """What a cell's result says as it is packed: with its task and readings, without places of this machine."""
    kept = {name: value for name, value in about.items() if name not in LEFT_OUT}
    return {FORM: NUMBER, **_unplaced(kept), "task": as_dict(task), "readings": as_dict(readings)}


def _unplaced(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unplaced(item) for key, item in value.items()}
    return [_unplaced(item) for item in value] if isinstance(value, list | tuple) else unplaced(value)
