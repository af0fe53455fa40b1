"""Where and how precisely to compute, and what the hardware and the packages were."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mmbench.errors import UserError
from mmbench.store.machine import cpu_flags, cpu_name

PACKAGES = ("mmbench", "torch", "torchvision", "timm", "numpy", "torchmetrics", "safetensors")


@dataclass(frozen=True)
class Compute:
    """A device and a precision (``bf16`` or ``fp32``)."""

    device: torch.device
    precision: str

    @contextlib.contextmanager
    def autocast(self) -> Iterator[None]:
        """bf16 where the precision says so."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            yield


def choose(device: str = "auto", precision: str = "auto") -> Compute:
    """Pick CUDA where present; bf16 where the device is fast at it. Raises UserError for a device that is not there."""
    name = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError("--device cuda: no CUDA device is visible; use --device cpu or leave the option out")
    chosen = torch.device(name)
    if precision == "auto":
        precision = "bf16" if _fast_bf16(chosen) else "fp32"
    if chosen.type == "cuda":
        _tune_cuda(precision)
    return Compute(chosen, precision)


def use_threads(count: int) -> None:
    """Give torch's CPU kernels ``count`` threads; the same count gives the same bits."""
    torch.set_num_threads(count)


def describe(compute: Compute, more: Iterable[str] = ()) -> dict[str, Any]:
    """Hardware and packages, as they stand in every result.

    Args:
        more: names of packages that it depends on beside those that all do.
    """
    gpu = torch.cuda.get_device_name(compute.device) if compute.device.type == "cuda" else ""
    return {
        "device": compute.device.type,
        "gpu": gpu,
        "cpu": cpu_name(),
        "threads": torch.get_num_threads(),
        "precision": compute.precision,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in (*PACKAGES, *more)},
    }


def commit() -> str:
    """The checkout's commit, with ``+`` where files differ from it; empty outside a git checkout."""
    here = Path(__file__).parent
    try:
        _git(here, "ls-files", "--error-unmatch", Path(__file__).name)  # a wheel may lie inside somebody's checkout
        head = _git(here, "rev-parse", "--short=12", "HEAD")
        changed = _git(here, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changed else "")


def peak_memory(compute: Compute) -> int:
    """Peak memory in bytes: of the GPU where there is one, else of the process."""
    if compute.device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(compute.device))
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # bytes there, KiB elsewhere


def _tune_cuda(precision: str) -> None:
    """Let cuDNN time its algorithms: a training meets few shapes, each thousands of times.

    What autocast leaves in float32 may be multiplied in TF32, which is finer than the bf16 beside it. Who asks for fp32
    gets it in matrix products; convolutions are TF32 by torch's own default.
    """
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = precision == "bf16"


def _fast_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and bool({"amx_bf16", "avx512_bf16"} & cpu_flags())


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
