"""A real Slurm of this one machine, for tests: daemons run as root, on ports of its own, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PATIENCE = 60.0  # seconds for the daemons to come up

# A requeued job waits for as long as a credential lives, hence cred_expire.
CONFIGURATION = """\
ClusterName=scratch
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
KillWait=20
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=2000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=60 State=UP OverSubscribe=NO
"""


def lacking() -> str:
    """Why Slurm cannot be started here; empty where it can."""
    if os.geteuid() != 0:
        return "needs root"
    return ", ".join(f"no {name}" for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None)


@contextlib.contextmanager
def one_node(folder: Path, gpus: int = 2) -> Iterator[dict[str, str]]:
    """Within, Slurm runs; yields the variables by which its commands find it.

    ``gpus`` are terminals that are handed out as if they were GPUs, by ``--gres=gpu:n``.
    """
    for name in ("state", "spool", "log", "run", "munge"):
        (folder / name).mkdir(parents=True)
    for path in (folder, folder / "run", folder / "log"):
        path.chmod(0o755)
    (folder / "munge").chmod(0o700)
    key = folder / "munge" / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    host = socket.gethostname().partition(".")[0]
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(
            host=host, folder=folder, cores=os.cpu_count(), gpus=gpus, controller_port=_port(), node_port=_port()
        )
    )
    (folder / "gres.conf").write_text(f"NodeName={host} Name=gpu File=/dev/tty[1-{gpus}]\n")
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
    environment = {"SLURM_CONF": str(configuration)}
    everything = {**os.environ, **environment, "PATH": SEARCHED}
    munge, run = folder / "munge", folder / "run"
    try:
        for command in (
            ["munged", "--force", f"--key-file={key}", f"--socket={run}/munge.socket", f"--pid-file={run}/munged.pid",
             f"--log-file={folder}/log/munged.log", f"--seed-file={munge}/munged.seed"],
            ["slurmctld", "-f", str(configuration)],
            ["slurmd", "-f", str(configuration)],
        ):  # fmt: skip
            subprocess.run(command, env=everything, check=True, capture_output=True)
        _wait(everything)
        yield environment
    finally:
        for name in ("slurmd", "slurmctld", "munged"):
            with contextlib.suppress(OSError, ValueError):
                os.kill(int((run / f"{name}.pid").read_text()), signal.SIGTERM)


def _wait(environment: dict[str, str]) -> None:
    until = time.monotonic() + PATIENCE
    while subprocess.run(["srun", "-N1", "true"], env=environment, capture_output=True, check=False).returncode:
        if time.monotonic() > until:
            raise RuntimeError(f"Slurm did not come up: see {Path(environment['SLURM_CONF']).parent / 'log'}")
        time.sleep(1)


def _port() -> int:
    """One that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
