"""Measure this machine before a long run: processes that time a few steps each, side by side as cells will be."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mmbench.errors import UserError
from mmbench.planning.order import Order
from mmbench.store.machine import Machine, Speed
from mmbench.store.processors import visible_gpus
from mmbench.typed import build

PROGRAM = "mmbench.commands.calibrate"
PATIENCE = 120.0  # seconds after which processes that have not ended are stopped
MOST = 8  # processes at a time


@dataclass(frozen=True)
class Question:
    """What one method is timed for.

    Attributes:
        key: under which its speed is kept.
        order: of a cell of it.
        samples: under which the time to prepare a sample is kept; empty where another question asks for it.
    """

    key: str
    order: Order
    samples: str = ""


@dataclass
class Answers:
    """What the processes said."""

    devices: tuple[str, ...] | None = None
    start_seconds: float = 0.0
    problem: str = "no answer"
    speeds: dict[str, Speed] = field(default_factory=dict)
    samples: dict[str, float] = field(default_factory=dict)

    def add(self, line: str) -> None:
        """Take up one line of a process; what is no answer may be an error."""
        self.problem = line.strip() or self.problem
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, UserError):
            found = json.loads(line)
            if "devices" in found:
                self.devices = tuple(map(str, found["devices"]))
                self.start_seconds = max(self.start_seconds, float(found["start_seconds"]))
            if "samples" in found:
                self.samples[str(found["samples"])] = float(found["sample_seconds"])
            if "speed" in found:
                self.speeds[str(found["key"])] = build(Speed, found["speed"], "calibration")


def calibrate(machine: Machine, questions: Sequence[Question], jobs: int, say: Callable[[str], None]) -> Machine:
    """What is known of this machine with the answers to some questions; without any, torch is asked for its devices.

    A question that fails stays open: its cell will say why. Where no process answers at all a line says so, and the
    machine is returned as it was.

    Args:
        jobs: cells at a time; as many methods are timed side by side, since cells slow each other down.
    """
    count = max(1, min(jobs, MOST, len(questions)))
    answers, gpus = Answers(), visible_gpus()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", PROGRAM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace",  # whatever a plug-in prints, its reader reads on
        )
        for _ in range(count)
    ]  # fmt: skip
    asked = [_lines(questions[slot::count], slot, len(gpus)) for slot in range(count)]
    readers = [
        threading.Thread(target=_talk, args=(process, lines, answers), daemon=True)
        for process, lines in zip(processes, asked, strict=True)
    ]
    ends = time.monotonic() + PATIENCE
    try:
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(max(0.0, ends - time.monotonic()))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for reader in readers:
        reader.join(5)
    if answers.devices is None:
        say(f"calibration failed: {answers.problem}; times are guesses")
        return machine
    return replace(
        machine,
        asked=True,
        devices=answers.devices,
        start_seconds=answers.start_seconds,
        speeds={**machine.speeds, **answers.speeds},
        samples={**machine.samples, **answers.samples},
        why="",
    )


def _lines(questions: Sequence[Question], slot: int, gpus: int) -> str:
    """What a process is asked; several share the GPUs as cells do."""
    lines = []
    for question in questions:
        order = question.order
        if gpus > 1 and not order.device.startswith("cpu"):
            order = replace(order, device=f"cuda:{slot % gpus}")
        lines.append({"key": question.key, "order": order.to_json(), "samples": question.samples})
    return "".join(json.dumps(line) + "\n" for line in lines)


def _talk(process: subprocess.Popen[str], lines: str, answers: Answers) -> None:
    assert process.stdin and process.stdout
    with contextlib.suppress(OSError):
        process.stdin.write(lines)
        process.stdin.close()
    for line in process.stdout:
        answers.add(line)
