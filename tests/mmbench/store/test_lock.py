"""The lock: tried, waited for, handed to a child, and freed by the death of its holder."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mmbench.store.files import write_bytes
from mmbench.store.lock import Lock

HANDED = """
import sys, pathlib
from mmbench.store.lock import Lock
with Lock.handed(pathlib.Path(sys.argv[1]), sys.argv[2]) as lock:
    print(lock.is_held(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / ".lock"


def hand(lock: Lock) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HANDED, str(lock.path), lock.ticket],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=lock.descriptors,
    )  # fmt: skip
    lock.hand_over()
    return child


def test_one_holder_at_a_time(path: Path) -> None:
    assert not Lock(path).is_held(), "no file yet"
    with Lock(path) as lock:
        assert lock.take(), "it has it already"
        assert Lock(path).is_held() and lock.is_held()
        assert not Lock(path).take(wait=False)
    assert not Lock(path).is_held()
    second = Lock(path)
    assert second.take(wait=False)
    second.release()
    second.release()


def test_a_thread_waits_for_another(path: Path) -> None:
    first, second = Lock(path), Lock(path)
    first.take()
    waiting = threading.Thread(target=second.take)
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    first.release()
    waiting.join(10)
    assert not waiting.is_alive() and Lock(path).is_held()
    second.release()


def test_a_look_does_not_make_a_try_fail(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, other = Lock(path), Lock(path)
    other.take()
    monkeypatch.setattr("mmbench.store.lock.time.sleep", lambda seconds: other.release())
    assert lock.take(wait=False)
    lock.release()


@pytest.mark.parametrize("end", ["it is done", "it is killed"])
def test_a_child_holds_what_it_was_handed_until_it_ends(path: Path, end: str) -> None:
    lock = Lock(path)
    lock.take()
    child = hand(lock)
    assert Lock(path).is_held(), "from the first moment on"
    assert child.stdout is not None and child.stdout.readline() == "True\n"
    assert not Lock(path).take(wait=False)
    if end == "it is done":
        child.communicate("", timeout=30)
    else:
        child.kill()
        child.wait()
    assert not Lock(path).is_held()


def test_a_ticket_of_something_else_is_refused(path: Path, tmp_path: Path) -> None:
    with Lock(path) as lock, (tmp_path / "other").open("w") as other:
        for ticket in (str(other.fileno()), "98765", "", "x", "9" * 30):
            with pytest.raises(ValueError, match="ticket"):
                Lock.handed(path, ticket)
        assert lock.is_held()
        os.fstat(other.fileno())


def test_leases_stand_where_files_cannot_be_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert not Lock(path).is_held()
    with Lock(path):
        assert Lock(path).is_held() and not Lock(path).take(wait=False)
    assert not Lock(path).is_held()


def test_a_failed_write_leaves_nothing_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_bytes(tmp_path / "x", b"half")
    assert list(tmp_path.iterdir()) == []
