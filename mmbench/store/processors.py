"""How many CPU cores this process may use, and whether there is a GPU. Told in no time, without importing torch.

And what a device and a precision may be called, wherever they are asked for.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from mmbench.errors import UserError, did_you_mean

PRECISIONS = ("auto", "bf16", "fp32")
CGROUPS = Path("/sys/fs/cgroup")
GPUS_VARIABLE = "CUDA_VISIBLE_DEVICES"
# One of these for each kind of driver that torch's CUDA devices come from.
DRIVERS = (
    "/dev/nvidiactl",
    "/usr/lib/wsl/lib/libcuda.so.1",  # WSL2, where /dev/dxg is there with any graphics card
    "/dev/kfd",  # ROCm
    "/dev/nvhost-gpu",  # Jetson
    "/dev/nvgpu",
)


def usable_cores() -> int:
    """CPU cores that this process may use: a batch system may give fewer than the machine has, a container less time.

    A container's quota of processor time counts as that many cores, rounded down.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([cores, *_quotas()])))


def cuda_present() -> bool:
    """Whether a GPU is visible that torch may take. Torch itself is asked where it is loaded already."""
    if os.environ.get(GPUS_VARIABLE, "0") in ("", "-1"):
        return False
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "cuda"):
        return bool(torch.cuda.is_available())
    return any(Path(driver).exists() for driver in DRIVERS)


def check_device(text: str, called: str = "--device") -> None:
    """Raise UserError unless it is auto, cpu, cuda or cuda:<n>; ``called`` is what named it."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise UserError(f"{called} {text!r}: expected auto, cpu or cuda")


def check_precision(text: str, called: str = "--precision") -> None:
    """Raise UserError unless it is one of :data:`PRECISIONS`; ``called`` is what named it."""
    if text not in PRECISIONS:
        raise UserError(f"{called} {text!r} is unknown{did_you_mean(text, PRECISIONS)}")


def visible_gpus() -> list[str]:
    """NVIDIA devices that cells may be given, as CUDA_VISIBLE_DEVICES names them; none where they cannot be counted."""
    if (named := os.environ.get(GPUS_VARIABLE)) is not None:
        return [gpu for gpu in named.split(",") if gpu]
    return [str(i) for i in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]


def _quotas() -> Iterator[float]:
    """The processor time per second that each control group around this process allows, in cores."""
    for group in _groups(""):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            allowed, period = (group / "cpu.max").read_text().split()
            yield int(allowed) / int(period)  # ValueError: "max", no limit
    for group in _groups("cpu", "cpu,cpuacct"):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            quota = int((group / "cpu.cfs_quota_us").read_text())
            if quota > 0:  # -1: no limit
                yield quota / int((group / "cpu.cfs_period_us").read_text())


def _groups(*tops: str) -> list[Path]:
    """Folders of this process's control group and of those around it, in the trees of one version of cgroups.

    In a container a tree's top is its own group already.

    Args:
        tops: names of the trees: of the CPU's controller in version 1, none in version 2.
    """
    found = [CGROUPS / top for top in tops]
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            if set(tops) & {names, *names.split(",")}:
                inner = Path(path.lstrip("/"))
                found += [CGROUPS / top / group for top in tops for group in (*inner.parents, inner)]
    return list(dict.fromkeys(found))
