"""Checkpoints: written whole, fsynced, then named by ``latest``; nothing in them is ever unpickled as code."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from mmbench.store import digests
from mmbench.store.files import ASIDE, set_aside, sync, write_bytes, write_sealed
from mmbench.store.folder import CellFolder
from mmbench.store.saved import LATEST, POSITION, check_file
from mmbench.store.saved import latest as latest
from mmbench.store.saved import position as position

log = logging.getLogger(__name__)

WEIGHTS, OPTIMIZERS = "weights.safetensors", "optimizers.pt"


def save(
    folder: Path, module: nn.Module, optimizers: Mapping[str, torch.optim.Optimizer], position: Mapping[str, Any]
) -> None:
    """Write ``step-N`` (N = ``position["total_step"]``), point ``latest`` at it, drop the older ones.

    ``position.json`` also holds the SHA-256 of the other two files, and of itself.
    """
    name = f"step-{position['total_step']}"
    part = folder / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in _named_once(module).items()}, part / WEIGHTS)
    torch.save({player: optimizer.state_dict() for player, optimizer in optimizers.items()}, part / OPTIMIZERS)
    shutil.copymode(part / OPTIMIZERS, part / WEIGHTS)  # safetensors writes files that their owner alone may read
    for file in (WEIGHTS, OPTIMIZERS):
        sync(part / file)
    files = {file: digests.of_file(part / file) for file in (WEIGHTS, OPTIMIZERS)}
    write_sealed(part / POSITION, {**position, "sha256": files})
    sync(part)
    shutil.rmtree(folder / name, ignore_errors=True)
    part.replace(folder / name)
    write_bytes(folder / LATEST, name.encode())
    for old in folder.iterdir():
        if old.is_dir() and old.name != name and not old.name.startswith(ASIDE):
            shutil.rmtree(old, ignore_errors=True)


def resumable(folder: CellFolder) -> Path | None:
    """The checkpoint that training goes on from; None where it begins.

    Where a file of it, or the log up to it, is damaged, the checkpoint is renamed to ``damaged-...`` with a warning,
    and training starts again.
    """
    checkpoints = folder.checkpoints
    try:
        found = latest(checkpoints)
        if found is not None:
            folder.check_log(check(found))
    except Exception as error:  # damaged bytes raise whatever they lead a reader to
        log.warning("%s; training starts again from the beginning", " ".join(str(error).split()))
        _set_aside(checkpoints)
        return None
    return found


def check(checkpoint: Path) -> dict[str, Any]:
    """Read all files of a checkpoint and return its position. Raises ValueError, which names a damaged file."""
    where = position(checkpoint)
    try:
        weights = load_file(checkpoint / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{checkpoint / WEIGHTS}: damaged ({error})") from error
    if name := next((name for name, tensor in weights.items() if bool(tensor.isnan().any())), ""):
        raise ValueError(f"{checkpoint / WEIGHTS}: damaged ({name} holds NaN)")
    try:
        torch.load(checkpoint / OPTIMIZERS, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"{checkpoint / OPTIMIZERS}: damaged ({type(error).__name__})") from error
    for name in where.get("sha256", ()):
        check_file(checkpoint, name, where)
    return where


def _set_aside(folder: Path) -> None:
    try:
        for path in (*folder.glob("step-*"), folder / LATEST):
            if os.path.lexists(path):
                set_aside(path)
    except OSError:
        set_aside(folder)


@contextlib.contextmanager
def or_anew(folder: Path) -> Iterator[None]:
    """Set a checkpoint aside that is whole and does not fit: its cell fails now, and the next run begins it anew."""
    try:
        yield
    except ValueError as error:
        _set_aside(folder)
        raise ValueError(f"{error}; the next run begins anew") from error


def not_finite(module: nn.Module) -> str:
    """The first parameter that holds NaN or infinity, or buffer that holds NaN; empty where none does.

    Looking waits for the device.
    """
    bad = {name: ~torch.isfinite(tensor).all() for name, tensor in module.named_parameters()}
    bad |= {name: tensor.isnan().any() for name, tensor in module.named_buffers() if tensor.is_floating_point()}
    found = torch.stack(list(bad.values())).tolist() if bad else []
    return next((name for name, one in zip(bad, found, strict=True) if one), "")


def load_weights(checkpoint: Path, module: nn.Module) -> None:
    """Fill a module from a checkpoint. Raises ValueError naming a file that is damaged or does not fit."""
    check_file(checkpoint, WEIGHTS, position(checkpoint))
    fill(module, checkpoint / WEIGHTS)


def fill(module: nn.Module, weights: Path) -> None:
    """Fill a module from a file of safetensors. Raises ValueError naming one that is damaged or does not fit."""
    try:
        found = load_file(weights)
        if differing := sorted(found.keys() ^ _named_once(module).keys()):
            raise ValueError(f"{weights}: of another architecture ({', '.join(differing[:3])})")
        module.load_state_dict(found, strict=False)  # what is missing is another name of a tensor that is there
        if name := not_finite(module):
            raise ValueError(f"{weights}: damaged ({name} is not finite)")
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ValueError(f"{weights}: damaged, or of another architecture ({error})") from error


def weights_of(folder: Path) -> Path:
    """The file of weights in a folder's newest checkpoint. Raises ValueError where there is none."""
    found = latest(folder)
    if found is None:
        raise ValueError(f"{folder}: no checkpoint")
    return found / WEIGHTS


def load_optimizers(checkpoint: Path, optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
    """Fill the optimizers of the stage that the checkpoint was made in. Raises ValueError where they do not fit."""
    states = torch.load(checkpoint / OPTIMIZERS, map_location="cpu", weights_only=True)
    try:
        for player, optimizer in optimizers.items():
            optimizer.load_state_dict(states[player])
    except Exception as error:  # what is of another form raises whatever it leads torch to
        raise ValueError(f"{checkpoint / OPTIMIZERS}: of other players ({type(error).__name__}: {error})") from error


def _named_once(module: nn.Module) -> dict[str, torch.Tensor]:
    """A module's tensors, one that several networks share under its first name only."""
    made: dict[tuple[object, ...], str] = {}
    state = module.state_dict()
    for name, tensor in state.items():
        made.setdefault((tensor.data_ptr(), tensor.shape) if tensor.numel() else (name,), name)
    return {name: state[name] for name in made.values()}
