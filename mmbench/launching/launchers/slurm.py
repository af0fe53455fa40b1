"""Cells as jobs of Slurm, handed over by submitit: one job per cell, behind those that it waits for.

A job that nears its time limit saves a checkpoint, queues itself again and goes on bit for bit. submitit pickles what a
job calls; it is one function of this module and the cell's order as text, in a folder that nobody else has written to.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench.errors import UserError
from mmbench.given.packages import installed
from mmbench.launching.job import carry_out
from mmbench.launching.launcher import Work
from mmbench.planning.order import Order
from mmbench.planning.words import duration
from mmbench.store.folder import CellFolder
from mmbench.typed import build

NAME = "slurm"
TITLE = "Jobs of Slurm, by submitit"
CLASS = "Slurm"

MARGIN = 2.0  # times what a cell takes by the plan: nodes differ, and one is not alone on its own
SHORTEST, LONGEST = 10, 24 * 60  # minutes of a job whose time goes by the plan
SHOWN = ("partition", "account", "gres", "cpus", "constraint")  # of the options, where they are given
GPUS = re.compile(r"gpu(?::[A-Za-z][^:,]*)?(?::(\d+))?")  # gpu, gpu:2, gpu:a100, gpu:a100:2
LOOK_EVERY = 5.0  # seconds between two looks at the queue, for all jobs at once
ENOUGH = 3  # times that a cell may be queued again without that more of it was saved
OVER = (
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",
    "TIMEOUT",
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """``[launcher.slurm]``: what each job asks for. What is left out is the cluster's default.

    Attributes:
        partition, account, constraint: as of ``sbatch``.
        gres: such as ``gpu:1``; by default ``gpu:N`` with ``--gpus-per-cell N``.
        time: minutes of a job; 0 for twice what its cell takes by the plan, 10 minutes to a day.
        cpus: CPU cores of a job, and threads of its cell, shared out where several processes have it.
        memory: GB of a job; 0 for the cluster's default.
        warning: seconds before the time limit at which a job saves and queues itself again. Slurm may be up to a minute
            early.
        setup: lines of shell before a job, such as ``module load``.
    """

    partition: str = ""
    account: str = ""
    gres: str = ""
    time: int = 0
    cpus: int = 1
    constraint: str = ""
    memory: float = 0.0
    warning: int = 120
    setup: tuple[str, ...] = field(default=())

    def minutes(self, seconds: float) -> int:
        """Of a job whose cell takes so long by the plan."""
        return self.time or min(LONGEST, max(SHORTEST, math.ceil(MARGIN * seconds / 60)))


class Slurm:
    """See :class:`mmbench.launching.launcher.Launcher`."""

    def __init__(self, options: Mapping[str, Any], where: str, folder: Path) -> None:
        self.options: Options = build(Options, options, where)
        for name, least in (("time", 0), ("cpus", 1), ("memory", 0), ("warning", 1)):
            if not least <= (value := getattr(self.options, name)) < math.inf:
                raise UserError(f"{where}: {name} expects {least} or more, got {value}")
        warning, shortest = self.options.warning, self.options.minutes(0)
        if warning >= 60 * shortest:
            raise UserError(
                f"{where}: warning of {warning} seconds, expected less than a job's time of {shortest} minutes"
            )
        self.threads, self._where = self.options.cpus, where
        self._parent = folder
        self._executor: Any = None
        self._states: dict[str, str] | None = None
        self._looked = -math.inf

    def about(self, works: list[Work]) -> str:
        """What it asks for, in one line for people."""
        minutes = sorted({self.options.minutes(work.seconds) for work in works})
        times = " to ".join(dict.fromkeys(duration(60 * m) for m in (minutes[:1] + minutes[-1:])))
        gres = next((self._gres(work) for work in works), self.options.gres)
        given = {name: getattr(self.options, name) for name in SHOWN} | {"gres": gres}
        asked = [f"{name} {value}" for name, value in given.items() if value]
        asked += [f"memory {self.options.memory:g} GB"] if self.options.memory else []
        first = f"; first: {'; '.join(self.options.setup)}" if self.options.setup else ""
        asked += [f"time {times}", f"saved {self.options.warning} seconds before its end"]
        return f"Slurm: {', '.join(asked)}{first}"

    def check(self) -> None:
        """Raise UserError where submitit or Slurm's commands are not there."""
        if not installed("submitit"):
            raise UserError("--launcher slurm: submitit is not installed: pip install 'mmbench[slurm]'")
        if lacking := [name for name in ("sbatch", "srun", "squeue", "scancel") if shutil.which(name) is None]:
            raise UserError(
                f"--launcher slurm: no {lacking[0]} on PATH; give the command on a login node of the cluster"
            )

    def start(self, work: Work) -> str:
        """Submit a job. Raises UserError where Slurm does not take it, with Slurm's words."""
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        options = self.options
        asked = {
            "partition": options.partition or None,
            "account": options.account or None,
            "gres": self._gres(work) or None,
            "constraint": options.constraint or None,
            "setup": list(options.setup) or None,
            **({"mem": f"{round(1024 * options.memory)}M"} if options.memory else {}),
        }
        executor = self._made()
        executor.update_parameters(
            **asked,
            job_name=f"mmbench {work.name}",
            time=options.minutes(work.seconds),
            cpus_per_task=options.cpus,
            srun_args=[f"--cpus-per-task={options.cpus}"],  # srun does not take over what sbatch was told
            signal_delay_s=options.warning,
            dependency=f"afterok:{':'.join(work.after)}" if work.after else None,
            additional_parameters={"requeue": True, "kill-on-invalid-dep": "yes"},
        )
        try:
            return str(executor.submit(in_job, work.order).job_id)
        except (FailedJobError, FailedSubmissionError) as error:
            last = next((line for line in reversed(str(error).splitlines()) if line.strip()), "it gave no reason")
            raise UserError(f"--launcher slurm: {work.name} was not taken: {last.strip()}") from error

    def poll(self, job: str) -> str:
        """Slurm's word on a job that is over; empty while it waits or runs, or Slurm does not answer."""
        if time.monotonic() - self._looked >= LOOK_EVERY:
            self._looked, self._states = time.monotonic(), _queue()
        if self._states is None:
            return ""
        state = self._states.get(job, "not in the queue any more")
        return "" if state.isupper() and state not in OVER else state.lower().replace("_", " ")

    def stop(self, job: str) -> None:
        """Cancel a job: a cell that runs saves a checkpoint first."""
        subprocess.run(["scancel", job], capture_output=True, check=False)

    def _gres(self, work: Work) -> str:
        """As the options have it; of cells that several GPUs share as many, where nothing is said of GPUs.

        Raises UserError where another number is asked for.
        """
        given, count = self.options.gres, work.gpus
        if count == 1:
            return given
        if not given:
            return f"gpu:{count}"
        if (found := GPUS.fullmatch(given)) and int(found[1] or 1) != count:
            raise UserError(
                f"{self._where}: gres {given!r} is not what --gpus-per-cell {count} needs: "
                f"expected gpu:{count}, or leave it out"
            )
        return given

    def _made(self) -> Any:
        """submitit's executor; its folder is new, so that no pickle in it is of anybody else."""
        if self._executor is None:
            import submitit

            self._parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-", dir=self._parent.absolute()))
            # Whoever may read the results may read the jobs' logs; to write what jobs unpickle is for the owner alone.
            folder.chmod(self._parent.stat().st_mode & 0o755)
            self._executor = submitit.SlurmExecutor(str(folder))
        return self._executor


def in_job(text: str) -> None:
    """Do a cell in a job of Slurm; ends with code 0 where it is done, so that those behind it start."""
    ended = carry_out(text)
    print(f"{ended.state}{': ' + ended.message if ended.message else ''}", flush=True)
    if ended.state == "done":
        return
    if ended.asked == "SIGUSR2" and ended.state in ("interrupted", "running"):
        order = Order.from_json(text)
        if ended.moved or ended.state == "running" or int(os.environ.get("SLURM_RESTART_COUNT") or 0) < ENOUGH:
            subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], check=True)
        else:
            reason = f"no more of it was saved in {ENOUGH + 1} jobs; give them more time ([launcher.slurm] time)"
            CellFolder(Path(order.folder)).set_failed("failed", reason)
    sys.exit(1)


def _queue() -> dict[str, str] | None:
    """Job -> state in capitals of all jobs of this user that Slurm remembers; None where it does not answer."""
    command = ["squeue", "--noheader", f"--user={os.getuid()}", "--states=all", "--format=%i %T"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if len(line.split(maxsplit=1)) == 2)
