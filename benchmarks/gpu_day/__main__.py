"""The series: its parts in order of value, as far as the budget goes; a second call goes on where the first one ended.

``<out>/<part>.json`` holds a part's state, command and seconds, ``<out>/<part>.log`` what it said, and ``<out>/runs``
what ``mmbench report --runs`` reads. Nothing is committed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from tabulate import tabulate

from benchmarks.gpu_day import lengths
from benchmarks.gpu_day.parts import ROOT, STEP_TIMES, Part, Where, choose, command, kept, needs_files, read
from mmbench.errors import UserError
from mmbench.given.files import path_of
from mmbench.store.files import write_json
from mmbench.store.living import sigterm_as_ctrl_c
from mmbench.store.processors import usable_cores
from mmbench.training import device

LEAST_SECONDS = 20.0  # with less left, no part begins
PATIENCE = 20.0  # seconds that a part has to end once it is told to


class Series:
    """The parts of one call.

    Args:
        minutes: the budget.
        jobs: training cells at a time; 0: as many as fit.
    """

    def __init__(self, parts: Sequence[Part], where: Where, minutes: float, jobs: int, rehearse: bool) -> None:
        self.parts, self.where, self.minutes, self.jobs, self.rehearse = parts, where, minutes, jobs, rehearse
        self.ends = time.monotonic() + 60 * minutes
        about = device.describe(device.choose(where.device))
        self.about = {**about, "commit": device.commit(), "date": datetime.now(UTC).isoformat(timespec="seconds")}

    @property
    def left(self) -> float:
        """Seconds."""
        return self.ends - time.monotonic()

    def run(self) -> int:
        """Do what is not done yet. Returns 0 where every part is done."""
        failed_before = [part for part in self.parts if self._state(part) == "failed"]
        undone = [part for part in self.parts if self._state(part) not in ("done", "failed")]
        for part in undone + failed_before:
            if needs_files(part) and not self.where.data_root:
                print(f"{part.name}: left out, it needs --data-root")
            elif self.left < LEAST_SECONDS:
                print(f"{part.name}: no time left")
            else:
                self._do(part)
        rows = []
        for part in self.parts:
            record = self._record(part)
            rows.append((part.name, record.get("state", ""), record.get("seconds", ""), record.get("said", "")[:100]))
        print(tabulate(rows, ("part", "state", "s", "its last line")))
        wanted = [part for part in self.parts if self.where.data_root or not needs_files(part)]
        return 0 if all(self._state(part) == "done" for part in wanted) else 1

    def _do(self, part: Part) -> None:
        limit = min(self.left, 60 * self.minutes * part.share)
        record: dict[str, Any] = {"title": part.title, "state": "failed", "about": self.about}
        started = time.monotonic()
        try:
            sets, jobs = self._length(part) if part.kind == "train" else ({}, 1)
            line = command(part, self.where, sets, jobs)
            record["command"] = " ".join(["python", *line[1:]])
            print(f"{part.name}: at most {limit / 60:.1f} minutes: {record['command']}", flush=True)
            record["state"], record["said"] = self._carry_out(line, self.where.out / f"{part.name}.log", limit)
        except Exception as error:  # whatever a part stumbles over, the next one has its turn
            record["said"] = f"{type(error).__name__}: {error}".splitlines()[0]
        record["seconds"] = round(time.monotonic() - started, 1)
        write_json(self._file(part), record)
        print(f"{part.name}: {record['state']} after {record['seconds']:.0f} s: {record['said']}", flush=True)

    def _carry_out(self, line: list[str], log: Path, limit: float) -> tuple[str, str]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if self.where.device == "cuda":
            # A container may hold one device of many under its old number, which CUDA does not know.
            environment.setdefault("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(torch.cuda.device_count()))))
        if self.where.offline:
            environment |= {"MMBENCH_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
        with log.open("ab") as file:
            process = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
            try:
                code = process.wait(limit)
                state = "failed" if code else "done"
            except subprocess.TimeoutExpired:
                state = "cut"
            finally:
                _end(process)
        said = [text for text in log.read_text(encoding="utf-8", errors="replace").splitlines() if text.strip()]
        return state, said[-1].strip() if said else ""

    def _length(self, part: Part) -> tuple[dict[str, int], int]:
        """What is changed of a training part's profile, and cells at a time."""
        if self.rehearse:
            return {}, 1
        methods = kept(self.where.out / STEP_TIMES).get("methods", {})
        memory = torch.cuda.get_device_properties(0).total_memory / 2**20
        jobs = self.jobs or lengths.at_a_time(part, methods, usable_cores(), memory)
        file = self.where.out / "lengths.json"
        chosen = kept(file)
        if not chosen:
            training = [p for p in self.parts if p.kind == "train" and (self.where.data_root or not needs_files(p))]
            times = lengths.step_times(methods)
            chosen = {"fraction": lengths.fraction(training, self.left, jobs, times), "minutes": self.minutes}
            write_json(file, chosen)
        return lengths.changes(part, chosen["fraction"], chosen["minutes"]), jobs

    def _state(self, part: Part) -> str:
        return str(self._record(part).get("state", ""))

    def _record(self, part: Part) -> dict[str, Any]:
        return kept(self._file(part))

    def _file(self, part: Part) -> Path:
        return self.where.out / f"{part.name}.json"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a part: as from the keyboard first, so that it leaves what it has in order."""
    try:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
    finally:  # whoever is asked to end twice is in haste, and leaves nothing running either
        if process.poll() is None:
            process.kill()
            process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 where every part is done, 1 where one failed or had no time, 2 for bad input, 130 if told to end."""
    try:
        with sigterm_as_ctrl_c():
            return _day(arguments)
    except UserError as error:
        print(f"gpu_day: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"gpu_day: {where}{error.strerror or error}; make room, or name another --out", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gpu_day: stopped; the same command goes on from what is done", file=sys.stderr)
        return 130


def _day(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(prog="gpu_day", description="A resumable series of measurements on a GPU.")
    parser.add_argument("--minutes", type=float, required=True, help="the budget")
    parser.add_argument("--out", type=path_of, required=True, help="folder of the results; the same one goes on")
    parser.add_argument("--data-root", type=path_of, help="folder that holds the data sets with files")
    parser.add_argument("--dataset", default="", help="in place of flowers, read below --data-root")
    parser.add_argument("--only", default="", help="names of parts, comma-separated (see benchmarks/gpu_day/parts)")
    parser.add_argument("--jobs", type=int, default=0, help="training cells at a time (default: as many as fit)")
    parser.add_argument("--offline", action="store_true", help="ask nothing of the network: everything from scratch")
    parser.add_argument("--rehearse", action="store_true", help="tiny, on a CPU")
    options = parser.parse_args(arguments)
    if not 0 < options.minutes < 60 * 24 * 365:
        raise UserError(f"--minutes {options.minutes:g}: expected more than 0")
    if options.jobs < 0:
        raise UserError(f"--jobs {options.jobs}: expected 1 or more, or 0 for as many as fit")
    names = [name.strip() for name in options.only.split(",") if name.strip()]
    parts = choose(read(options.rehearse, options.dataset), names)
    if not options.rehearse and not torch.cuda.is_available():
        raise UserError("no CUDA device is visible: call it where there is one, or add --rehearse")
    where = Where(
        options.out.resolve(), "cpu" if options.rehearse else "cuda",
        options.data_root and options.data_root.resolve(), options.offline,
    )  # fmt: skip
    where.out.mkdir(parents=True, exist_ok=True)
    return Series(parts, where, options.minutes, options.jobs, options.rehearse).run()


if __name__ == "__main__":
    sys.exit(main())
