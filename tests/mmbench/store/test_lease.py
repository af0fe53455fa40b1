"""Leases: one holder among machines whose locks do not meet, taken over when it has died or is silent."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mmbench.errors import UserError
from mmbench.store import lease as leases
from mmbench.store import mounts
from mmbench.store.files import write_bytes
from mmbench.store.lease import Lease
from mmbench.store.lock import Lock

HANDED = """
import sys, pathlib
from mmbench.store.lock import Lock
with Lock.handed(pathlib.Path(sys.argv[1]), sys.argv[2]) as lock:
    print(lock.is_held(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(mounts.VARIABLE, "1")
    monkeypatch.setattr(leases, "_seen", {})
    return tmp_path / ".lock"


def elsewhere(path: Path, number: int, beat: int = 1) -> Path:
    """A lease that another machine holds."""
    file = path.with_name(f"{path.name}.lease-{number}")
    file.write_text(json.dumps({"host": "blade", "machine": "blade 1 2", "process": 1, "started": "5", "beat": beat}))
    return file


def test_one_holder_at_a_time_and_numbers_rise(path: Path) -> None:
    first, second = Lease(path), Lease(path)
    assert first.take() and not second.take() and first.is_held() and second.is_held()
    first.release()
    assert not second.is_held() and second.take()
    assert [file.name for file in path.parent.glob(".lock.lease-*")] == [".lock.lease-2"]
    second.release()


def test_a_lease_of_another_machine_is_taken_over_when_it_does_not_move(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("mmbench.store.lease.time.monotonic", lambda: now)
    elsewhere(path, 7)
    lease = Lease(path)
    assert not lease.take() and lease.is_held()
    now += leases.STALE - 1
    assert not lease.take()
    elsewhere(path, 7, beat=2)
    now += 2
    assert not lease.take(), "it has moved"
    now += leases.STALE
    assert lease.take() and lease.number == 8
    lease.release()


def test_an_empty_lease_of_a_killed_process_does_not_stay(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("mmbench.store.lease.time.monotonic", lambda: now)
    path.with_name(".lock.lease-1").touch()
    assert not Lease(path).take()
    now += leases.STALE
    lease = Lease(path)
    assert lease.take()
    lease.release()


@pytest.mark.parametrize("end", ["it is done", "it is killed"])
def test_a_child_holds_what_it_was_handed(path: Path, end: str) -> None:
    lock = Lock(path)
    assert lock.take() and not Lock(path).take(wait=False)
    child = subprocess.Popen(
        [sys.executable, "-c", HANDED, str(path), lock.ticket],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=lock.descriptors,
    )  # fmt: skip
    lock.hand_over()
    assert Lease(path).is_held(), "from the first moment on"
    assert child.stdout is not None and child.stdout.readline() == "True\n"
    assert not Lease(path).take()
    if end == "it is done":
        child.communicate("", timeout=30)
    else:
        child.kill()
        child.wait()
    lease = Lease(path)
    assert lease.take()
    lease.release()


def test_its_parent_beats_until_a_slow_child_has_adopted_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT", 0.02)
    lock = Lock(path)
    lock.take()
    file, ticket, descriptors = path.with_name(".lock.lease-1"), lock.ticket, lock.descriptors
    copy = os.dup(descriptors[0])
    lock.hand_over()
    before = json.loads(file.read_text())["beat"]
    time.sleep(0.3)
    assert json.loads(file.read_text())["beat"] > before + 2
    child = subprocess.Popen(
        [sys.executable, "-c", HANDED, str(path), ticket.replace(str(descriptors[0]), str(copy), 1)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=(copy,),
    )  # fmt: skip
    assert child.stdout is not None and child.stdout.readline() == "True\n"
    deadline = time.monotonic() + 2 * leases.STALE
    while json.loads(file.read_text())["process"] != child.pid and time.monotonic() < deadline:
        time.sleep(0.05)  # a last beat of the parent may stand over the child's first
    time.sleep(0.3)
    assert json.loads(file.read_text())["process"] == child.pid
    child.kill()
    child.communicate()
    os.close(copy)
    lock.child_ended()
    assert json.loads(file.read_text())["released"], "other machines need not wait until it is stale"


def test_a_child_that_dies_before_it_adopts_leaves_nothing_held(path: Path) -> None:
    lock = Lock(path)
    lock.take()
    lock.hand_over()
    assert Lease(path).is_held()
    lock.child_ended()
    assert not Lease(path).is_held()


def test_a_network_folder_that_does_not_answer_once_ends_no_beat(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT", 0.02)
    lease = Lease(path)
    lease.take()
    numbers, failed = lease._numbers, list[int]()

    def stale() -> list[int]:
        if not failed:
            failed.append(1)
            raise OSError(errno.ESTALE, "Stale file handle")
        return numbers()

    monkeypatch.setattr(lease, "_numbers", stale)
    time.sleep(0.3)
    assert failed and json.loads(path.with_name(".lock.lease-1").read_text())["beat"] > 3
    lease.release()


def test_a_holder_that_was_taken_over_ends(path: Path) -> None:
    code = f"""
import pathlib, sys, time
from mmbench.store import lease
lease.BEAT = 0.05
held = lease.Lease(pathlib.Path({str(path)!r}))
print(held.take(), flush=True)
time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "True\n"
    elsewhere(path, 2)
    said = holder.communicate(timeout=30)[1]
    assert holder.returncode == leases.LOST and "another process took it over" in said


def test_a_beat_that_is_being_written_does_not_undo_the_release(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beating = threading.Event()

    def slowly(file: Path, content: bytes) -> None:
        if json.loads(content)["beat"] > 1 and b"released" not in content:
            beating.set()
            time.sleep(0.2)
        write_bytes(file, content)

    monkeypatch.setattr(leases, "BEAT", 0.01)
    monkeypatch.setattr(leases, "write_bytes", slowly)
    lease = Lease(path)
    lease.take()
    assert beating.wait(10)
    lease.release()
    time.sleep(0.4)
    assert not Lease(path).is_held()


def test_a_token_of_something_else_is_refused(path: Path) -> None:
    lease = Lease(path)
    lease.take()
    for token in ("1-abc", "2-" + lease.secret, "x", ""):
        with pytest.raises(ValueError, match=r"token|invalid"):
            Lease.adopted(path, token)
    lease.release()


MOUNTED = r"""22 1 8:1 / / rw - ext4 /dev/sda1 rw
23 22 0:30 / /net rw - nfs4 server:/ rw,vers=4.2,local_lock=none
24 22 0:31 / /old rw - nfs server:/ rw,vers=3,nolock,local_lock=all
25 22 0:32 / /net/my\040sshfs rw - fuse.sshfs me@host: rw
26 22 0:33 / /fast rw - lustre mgs:/l rw,localflock
27 22 0:34 / /good rw - lustre mgs:/l rw,flock
"""


@pytest.mark.parametrize(
    ("place", "wanted"),
    [("/x", False), ("/net/x", False), ("/old/x", True), ("/net/my sshfs/a/x", True), ("/network/x", False),
     ("/fast/x", True), ("/good/x", False)],
)  # fmt: skip
def test_file_systems_that_need_leases(
    place: str, wanted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(mounts.VARIABLE, raising=False)
    (tmp_path / "mountinfo").write_text(MOUNTED)
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mountinfo")
    assert mounts.needs_lease(Path(place)) is wanted
    monkeypatch.setenv(mounts.VARIABLE, "yes")
    with pytest.raises(UserError, match="MMBENCH_LEASES=yes: expected 0 or 1"):
        mounts.needs_lease(Path(place))


def test_a_look_at_a_lease_of_another_machine_goes_by_the_clock(path: Path) -> None:
    file = elsewhere(path, 3)
    assert Lease(path).is_held()
    long_ago = time.time() - 3 * leases.STALE
    os.utime(file, (long_ago, long_ago))
    assert not Lease(path).is_held()
