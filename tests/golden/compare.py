"""Golden values as files, and how far a measurement may be from them.

On the machine that recorded them every number has to be the same bits. Another CPU, or another torch, adds up in
another order. Losses of what has not been trained yet then agree to 1e-4, and its gradients to 5e-4 (AVX2 against
AVX-512: 1.2e-4 for the steepest of all cases, below 1e-4 for the others); Adam's first steps are as long for a gradient
that is nothing but rounding as for any other, so whatever follows them agrees to 1e-2.
"""

from __future__ import annotations

import json
import math
import platform
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).parent / "values"
MACHINE = Path(__file__).parent / "machine.json"
ELSEWHERE = Path(__file__).parent / "elsewhere.json"  # cases recorded on another machine than that of all others
RENEW = "python tests/golden/renew.py"

DECISIVE = ("cpu", "flags", "capability", "torch")  # what has to be the same for the same bits
FLAGS = ("amx", "avx", "f16c", "fma", "sse4")
# Losses and gradients before any optimizer's step.
UNTRAINED = {re.compile(r"steps/0/gradients/"): 5e-4, re.compile(r"steps/0/"): 1e-4}
TOLERANCE, FLOOR = 1e-2, 1e-3
# Percent of four images: two of them may flip from one arg-max to another.
OF_FEW_IMAGES = re.compile(r"metrics/(classification_accuracy|reverse_)")
OF_FEW_IMAGES_POINTS = 50.0
# Percent of the pixels of four images of 16 x 16, whose networks have hardly been trained: classes are close calls.
OF_PIXELS = re.compile(r"metrics/(miou|global_accuracy|iou/|class_accuracy|delta_)")
OF_PIXELS_POINTS = 10.0
# Of images that hardly trained networks make, between colours that have next to nothing in common.
OF_CORRELATIONS = re.compile(r"metrics/correlation_")
CORRELATION_POINTS = 0.02
# A bias before a normalization has a gradient of rounding errors, and Adam moves it by a whole step either way.
PROJECTION_FLOOR = 0.05
CHOSEN = "validation"  # the selection of a row that repeats the best of others: which one that is may change


def machine() -> dict[str, Any]:
    """The CPU, as far as arithmetic depends on it, and the versions of what computes."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        lines = []
    about = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    named = ("model name", "cpu family", "model", "stepping", "cache size")
    return {
        "cpu": {key: about.get(key, "") for key in named} if about else platform.processor(),
        "flags": sorted(flag for flag in about.get("flags", "").split() if flag.startswith(FLAGS)),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: metadata.version(name) for name in ("numpy", "timm", "torchmetrics", "torchvision")},
    }


def same_machine() -> bool:
    """Whether this machine is as the one that recorded the values."""
    here, there = machine(), json.loads(MACHINE.read_text(encoding="utf-8"))
    return all(here[key] == there[key] for key in DECISIVE)


def elsewhere() -> list[str]:
    """Cases that the machine of all others has not recorded yet: they are compared loosely everywhere."""
    return list(json.loads(ELSEWHERE.read_text(encoding="utf-8"))) if ELSEWHERE.exists() else []


def path_of(name: str) -> Path:
    """The file of a case."""
    return FOLDER / f"{name}.json"


def read(name: str) -> Any:
    """The recorded values of a case."""
    return json.loads(path_of(name).read_text(encoding="utf-8"))


def text(values: Mapping[str, Any]) -> str:
    """A case's values as JSON: a line for every entry of its lists and tables, floats with all their digits."""
    blocks = []
    for key, value in plain(values).items():
        if isinstance(value, list):
            inner = ",\n".join(f"  {json.dumps(item, allow_nan=False)}" for item in value)
            blocks.append(f" {json.dumps(key)}: [\n{inner}\n ]" if value else f" {json.dumps(key)}: []")
        else:
            inner = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in value.items())
            blocks.append(f" {json.dumps(key)}: {{\n{inner}\n }}" if value else f" {json.dumps(key)}: {{}}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def plain(value: Any) -> Any:
    """What JSON can hold: NaN is null, so that it equals itself."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def differences(recorded: Any, measured: Any, exact: bool) -> list[str]:
    """A line for every number that differs, or that one of the two lacks."""
    old, new = dict(_leaves(recorded)), dict(_leaves(plain(measured)))
    found = [f"{path}: recorded, but not measured any more" for path in old if path not in new]
    found += [f"{path}: measured, but not recorded" for path in new if path not in old]
    for path in old:
        if path in new and not _close(path, old, new, exact):
            found.append(f"{path}: {old[path]!r} was recorded, {new[path]!r} measured")
    return found


def _close(path: str, old: Mapping[str, Any], new: Mapping[str, Any], exact: bool) -> bool:
    a, b = old[path], new[path]
    if exact:
        return bool(a == b)
    if old.get("/".join([*path.split("/")[:2], "selection"])) == CHOSEN:
        return True
    if not (isinstance(a, int | float) and isinstance(b, int | float)):
        return bool(a == b)
    if OF_FEW_IMAGES.search(path):
        return abs(a - b) <= OF_FEW_IMAGES_POINTS
    if OF_PIXELS.search(path):
        return abs(a - b) <= OF_PIXELS_POINTS
    if OF_CORRELATIONS.search(path):
        return abs(a - b) <= CORRELATION_POINTS
    for pattern, tolerance in UNTRAINED.items():
        if pattern.match(path):
            return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance * FLOOR)
    if path.endswith("/projection"):
        # A projection of a vector onto noise is about as long as the vector, and may happen to be next to nothing.
        return abs(a - b) <= TOLERANCE * old[path.removesuffix("projection") + "norm"] + PROJECTION_FLOOR
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=FLOOR)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}/{key}" if path else key)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}/{number}" if path else str(number))
    else:
        yield path, value
