"""What drills share: the command line in a session of its own, killed in whole or in part; finished cells compared."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

APART = ("timing", "peak_memory_bytes", "commit")  # of a result: the clock, the machine, and who edits the checkout
LIMIT = 300.0  # seconds after which a command hangs
SMALL = (
    "--profile", "smoke", "--set", "profile.steps=10", "--set", "profile.extra_steps=6", "--set", "profile.log_every=1",
    "--set", "profile.checkpoint_every=2", "--set", "profile.data.test=8", "--set", "profile.data.train=24",
)  # fmt: skip


def environment(cache: Path, plugins: Path | None = None, **more: str) -> dict[str, str]:
    """Of a command: a cache of its own, and nothing of this machine's data."""
    made = {**os.environ, "MMBENCH_CACHE": str(cache), "OMP_NUM_THREADS": "1", **more}
    made.pop("MMBENCH_DATA", None)
    if plugins:
        made["MMBENCH_PLUGINS"] = str(plugins)
    return made


def start(arguments: Sequence[object], where: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """``python -m mmbench`` in a session of its own, whose output is added to a file."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "mmbench", *map(str, arguments)],
            env=where, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def ended(process: subprocess.Popen[bytes], seconds: float = LIMIT) -> int:
    """Its exit code. Where it takes longer than that, it is killed with all of its session, and an assertion fails."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill_session(process)
        raise AssertionError(f"did not end within {seconds:g} seconds") from None


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to it and to all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def cells_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes of cells that a run has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process.pid and b"mmbench.cell" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def lives(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def made(runs: Path) -> dict[str, Any]:
    """Of each finished cell, by name: all that must not depend on what happened on the way."""
    return {"/".join(path.parts[-5:-1]): _fingerprint(path.parent) for path in runs.glob("*/*/*/seed-*/result.json")}


def _fingerprint(cell: Path) -> dict[str, Any]:
    result = json.loads((cell / "result.json").read_text())
    for name in APART:
        result.pop(name, None)
    result.get("cost", {}).pop("latency_ms", None)
    step = cell / "checkpoint" / (cell / "checkpoint" / "latest").read_text().strip()
    files = [step / "weights.safetensors", cell / "log.jsonl", cell / "per_image.npz", *(cell / "samples").iterdir()]
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.exists()}
    return {"result": result, **sums}


def litter(runs: Path) -> list[str]:
    """Temporary files that are left, and folders that were moved aside."""
    hidden = [path for path in runs.rglob(".*") if path.is_file() and path.name != ".lock"]
    return sorted(path.name for path in [*hidden, *runs.rglob("*.old-*"), *runs.rglob("damaged-*")])
