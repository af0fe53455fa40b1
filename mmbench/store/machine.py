"""Which machine this is, and what was measured on it: one file in the cache folder. Imports no torch.

``machine.json`` holds the devices that torch found and how fast methods train. It is good for one machine with one
version of torch; on another it is as one that is not there, and :attr:`Machine.why` says so.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmbench.errors import UserError
from mmbench.store.files import read_json, write_json
from mmbench.typed import as_dict, build

FILE = "machine.json"


@dataclass(frozen=True)
class Identity:
    """What measurements depend on.

    Attributes:
        cpu: number of cores, name, and units for bf16.
        gpus: names of NVIDIA devices as their driver has them, one of each device.
        visible: ``CUDA_VISIBLE_DEVICES``.
        torch: version.
    """

    cpu: str
    gpus: tuple[str, ...]
    visible: str
    torch: str

    def __str__(self) -> str:
        """``2 x AMD EPYC (no bf16), torch 2.9.0``."""
        return ", ".join([self.cpu, *self.gpus, f"torch {self.torch or 'not installed'}"])


@dataclass(frozen=True)
class Speed:
    """How fast one method trains and translates, at its profile's size.

    Attributes:
        stages: name -> milliseconds per step.
        translate_ms: of one image through one translation.
        translations: how many the method is evaluated in.
        parameters: of all its networks.
    """

    stages: Mapping[str, float]
    translate_ms: float = 0.0
    translations: int = 0
    parameters: int = 0


@dataclass(frozen=True)
class Machine:
    """What is known of this machine.

    Attributes:
        asked: whether torch was asked for devices.
        devices: names of CUDA devices that it found.
        start_seconds: from the start of a cell's process until its code is imported; 0 where it was not measured.
        speeds: by :func:`mmbench.planning.estimate.speed_key`.
        samples: seconds to prepare one sample, by ``<data set>/<size>``.
        why: why a file that is there does not count; empty where there is none, or where it counts.
    """

    asked: bool = False
    devices: tuple[str, ...] = ()
    start_seconds: float = 0.0
    speeds: Mapping[str, Speed] = field(default_factory=dict)
    samples: Mapping[str, float] = field(default_factory=dict)
    why: str = ""

    @property
    def gpu(self) -> str:
        """``GPU: NVIDIA H100``, ``GPU: none`` or ``GPU: not asked yet``."""
        return f"GPU: {', '.join(self.devices) or 'none'}" if self.asked else "GPU: not asked yet"


def identity() -> Identity:
    """Of this machine."""
    return Identity(cpu_name(), _gpu_names(), os.environ.get("CUDA_VISIBLE_DEVICES", ""), _version("torch"))


def read(folder: Path) -> Machine:
    """What a cache folder's file says of this machine; nothing where it is of another, or damaged."""
    path = folder / FILE
    try:
        found = read_json(path)
        if found is None:
            return Machine()
        theirs = build(Identity, found["identity"], str(path))
        made: Machine = build(Machine, found["known"], str(path))
        _check(made)
    except (KeyError, TypeError, ValueError, UserError) as error:
        return Machine(why=f"{path} is damaged ({type(error).__name__})")
    return made if theirs == identity() else Machine(why=f"{path} is of another machine ({theirs})")


def write(folder: Path, machine: Machine) -> None:
    """Keep what is known of this machine; where the folder cannot be written, nothing is kept."""
    known = as_dict(machine)
    del known["why"]
    with contextlib.suppress(OSError):
        write_json(folder / FILE, {"identity": as_dict(identity()), "known": known})


def _check(machine: Machine) -> None:
    """Raise ValueError where a time is no time."""
    times = [machine.start_seconds, *machine.samples.values()]
    for speed in machine.speeds.values():
        times += [speed.translate_ms, *speed.stages.values()]
    if not all(0 <= time < float("inf") for time in times):
        raise ValueError("a time below 0, or endless")


def cpu_flags() -> set[str]:
    """Instruction sets of the CPU; empty where the system does not tell."""
    return set(_cpu().get("flags", "").split())


def cpu_name() -> str:
    """``2 x AMD EPYC (no bf16)``: cores, name, units for bf16."""
    flags = cpu_flags()
    extra = [name for name in ("amx_bf16", "avx512_bf16") if name in flags]
    name = _cpu().get("model name") or platform.processor() or platform.machine()
    return f"{os.cpu_count()} x {name} ({', '.join(extra) or 'no bf16'})"


@functools.cache  # asked once for every finished cell
def _cpu() -> Mapping[str, str]:
    """What the system tells of the first core; nothing where it does not."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    lines = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def _gpu_names() -> tuple[str, ...]:
    """Of all NVIDIA devices; where the driver does not name them, of how many there are."""
    names = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        with contextlib.suppress(OSError):
            lines = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
            names.append(lines.get("Model", "").strip())
    return tuple(names or (path.name for path in sorted(Path("/dev").glob("nvidia[0-9]*"))))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
