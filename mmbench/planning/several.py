"""Cells that several GPUs share, each a part of every batch: what can be told before anything is started."""

from __future__ import annotations

from collections.abc import Sequence

from mmbench.errors import UserError
from mmbench.planning.plan import Plan
from mmbench.store.processors import cuda_present, visible_gpus


def check(plans: Sequence[Plan], count: int, device: str, *, here: bool = True) -> None:
    """Raise UserError where cells cannot have ``count`` GPUs each or, on the CPU, as many processes.

    Args:
        device: as asked for: ``auto``, ``cpu``, ``cuda`` or ``cuda:<n>``.
        here: whether the cells are to run on this machine.
    """
    option = f"--gpus-per-cell {count}"
    if count < 1:
        raise UserError(f"{option}: expected 1 or more")
    if count == 1:
        return
    if ":" in device:
        raise UserError(f"{option}: --device {device} is a single GPU; use --device cuda")
    if here and device != "cpu":
        _check_gpus(option, count, device)
    for plan in plans:
        if plan.profile.batch % count:
            fitting = ", ".join(str(n) for n in range(1, plan.profile.batch + 1) if plan.profile.batch % n == 0)
            raise UserError(
                f"{option}: profile {plan.profile_name} has batches of {plan.profile.batch} images on {plan.dataset}, "
                f"which {count} does not divide; give one of {fitting}, or --set profile.batch={2 * count}"
            )
        if whole := next((cell.method for cell in plan.cells if not cell.card.get("SPLITS", True)), ""):
            raise UserError(f"{option}: {whole} cannot be split over several GPUs (SPLITS = False in its file)")


def _check_gpus(option: str, count: int, device: str) -> None:
    if not cuda_present():
        if device == "auto":
            raise UserError(f"{option}: no GPU is to be seen here; --device cpu takes {count} processes on the CPU")
        return  # a plan for another machine
    found = visible_gpus()
    if 0 < len(found) < count:
        seen = "1 GPU is" if len(found) == 1 else f"{len(found)} GPUs are"
        raise UserError(f"{option}: {seen} to be seen here; give {len(found)} or less")
