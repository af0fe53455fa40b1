"""Checkpoints: written whole, fsynced, then named by ``latest``; nothing in them is ever unpickled as code."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from mmbench.errors import UserError
from mmbench.given.files import read_text
from mmbench.store.files import read_json, sync, write_bytes, write_json

log = logging.getLogger(__name__)

WEIGHTS = "weights.safetensors"
LATEST = "latest"
NAME = re.compile(r"step-[0-9]{1,18}")


def save(
    folder: Path, module: nn.Module, optimizers: Mapping[str, torch.optim.Optimizer], position: Mapping[str, Any]
) -> None:
    """Write ``step-N`` (N = ``position["total_step"]``), point ``latest`` at it, drop the older ones."""
    name = f"step-{position['total_step']}"
    part = folder / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in _named_once(module).items()}, part / WEIGHTS)
    torch.save({player: optimizer.state_dict() for player, optimizer in optimizers.items()}, part / "optimizers.pt")
    write_json(part / "position.json", dict(position))
    for path in (part / WEIGHTS, part / "optimizers.pt"):
        sync(path)
    sync(part)
    shutil.rmtree(folder / name, ignore_errors=True)
    part.replace(folder / name)
    write_bytes(folder / LATEST, name.encode())
    for old in folder.iterdir():
        if old.is_dir() and old.name != name and not old.name.startswith("damaged-"):
            shutil.rmtree(old, ignore_errors=True)


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint, or None. The pointer names a checkpoint in this folder, or it counts as none."""
    try:
        name = read_text(folder / LATEST).strip()
    except UserError:
        return None
    found = folder / name
    return found if NAME.fullmatch(name) and not found.is_symlink() and (found / "position.json").exists() else None


def set_damaged_aside(folder: Path) -> None:
    """Rename the newest checkpoint to ``damaged-...`` where a file of it cannot be read, so that training starts again.

    A warning says so.
    """
    found = latest(folder)
    if found is None:
        return
    try:
        position(found)
        load_file(found / WEIGHTS)
        torch.load(found / "optimizers.pt", map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes raise whatever they lead a reader to
        aside = folder / f"damaged-{found.name}"
        shutil.rmtree(aside, ignore_errors=True)
        found.replace(aside)
        (folder / LATEST).unlink()
        log.warning("%s is damaged (%s); training starts again from the beginning", found, type(error).__name__)


def position(checkpoint: Path) -> dict[str, Any]:
    """Where training stood: stage, step in the stage, total steps. Raises ValueError naming a damaged file."""
    return read_json(checkpoint / "position.json") or {}


def load_weights(checkpoint: Path, module: nn.Module) -> None:
    """Fill a module from a checkpoint. Raises ValueError naming a file that is damaged or does not fit."""
    try:
        found = load_file(checkpoint / WEIGHTS)
        if differing := sorted(found.keys() ^ _named_once(module).keys()):
            raise ValueError(f"{checkpoint / WEIGHTS}: of another architecture ({', '.join(differing[:3])})")
        module.load_state_dict(found, strict=False)  # what is missing is another name of a tensor that is there
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ValueError(f"{checkpoint / WEIGHTS}: damaged, or of another architecture ({error})") from error


def load_optimizers(checkpoint: Path, optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
    """Fill the optimizers of the stage that the checkpoint was made in."""
    states = torch.load(checkpoint / "optimizers.pt", map_location="cpu", weights_only=True)
    for player, optimizer in optimizers.items():
        optimizer.load_state_dict(states[player])


def _named_once(module: nn.Module) -> dict[str, torch.Tensor]:
    """A module's tensors, one that several networks share under its first name only."""
    made: dict[tuple[object, ...], str] = {}
    state = module.state_dict()
    for name, tensor in state.items():
        made.setdefault((tensor.data_ptr(), tensor.shape) if tensor.numel() else (name,), name)
    return {name: state[name] for name in made.values()}
