"""Whether the locks of a folder's file system are seen by other machines that have it too."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mmbench.errors import UserError

VARIABLE = "MMBENCH_LEASES"
MOUNTS = Path("/proc/self/mountinfo")
# Of one machine, or with locks that all machines see. Others (sshfs, 9p, SMB, ...) may have locks that one sees alone.
LOCAL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "tmpfs", "ramfs", "overlay", "vfat", "exfat"}
SHARED = {"ocfs2", "gfs2", "gpfs", "ceph"}


def needs_lease(path: Path) -> bool:
    """Whether a lock in the folder of ``path`` may keep out this machine's processes alone.

    ``MMBENCH_LEASES=1`` or ``0`` says so itself. Without ``/proc`` locks are trusted.

    Raises:
        UserError: the variable has another value.
    """
    stated = os.environ.get(VARIABLE, "")
    if stated not in ("", "0", "1"):
        raise UserError(f"{VARIABLE}={stated}: expected 0 or 1")
    if stated:
        return stated == "1"
    try:
        kind, options = _mount(path.parent, MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return False
    if kind in ("nfs", "nfs4"):
        return "nolock" in options or bool(options & {"local_lock=all", "local_lock=flock"})
    if kind == "lustre":
        return "flock" not in options
    return kind not in LOCAL | SHARED


def _mount(folder: Path, text: str) -> tuple[str, set[str]]:
    """Kind and options of the file system that holds a folder; the later of two mounts on one place counts."""
    wanted, best, found = os.path.realpath(folder), "", ("", set[str]())
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4])
        if (wanted == place or wanted.startswith(place.rstrip("/") + "/")) and len(place) >= len(best):
            kind, _, super_options = after.split(" ")[:3]
            best, found = place, (kind, set(super_options.split(",")))
    return found
