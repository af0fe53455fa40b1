"""A method from its card: fresh, or with the weights of a finished cell."""

from __future__ import annotations

from pathlib import Path

import torch

from mmbench.errors import UserError
from mmbench.method import Context, Method
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card
from mmbench.store.files import read_json
from mmbench.store.folder import CellFolder
from mmbench.training import checkpoint

REQUIRED = ("forward", "translate")  # what a method cannot inherit


def build_method(card: Card, context: Context, seed: int | None = None) -> Method:
    """A method with initial weights; with a ``seed`` they are a function of it.

    Raises:
        UserError: its class lacks a function that every method defines.
    """
    kind: type[Method] = catalog.load(card, card["CLASS"])
    # A class that cannot translate would say so only after it has trained. Method cannot be an abstract base class:
    # nn.Module has another metaclass.
    missing = [f"{name}()" for name in REQUIRED if getattr(kind, name, None) in (None, getattr(Method, name))]
    if missing:
        raise UserError(f"{card.path}: class {card['CLASS']} must define {' and '.join(missing)} (mmbench/method.py)")
    if seed is not None:
        torch.manual_seed(seed)
    return kind(context)


def load_trained(method: Method, cell: Path) -> None:
    """Give a method the weights of the cell in a folder.

    Raises:
        ValueError: there is no checkpoint, or it is damaged or of another architecture; the message names the file.
    """
    found = checkpoint.latest(CellFolder(cell).checkpoints)
    if found is None:
        raise ValueError(f"{cell}: done, but without a checkpoint; delete its result.json to make it again")
    checkpoint.load_weights(found, method)


def recorded_pretrained(cell: Path | None) -> bool | None:
    """Whether the weights in a cell's folder started from pretrained ones; None without a folder."""
    return None if cell is None else bool((read_json(cell / "cell.json") or {}).get("pretrained"))
