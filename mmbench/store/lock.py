"""The lock on a folder or a file that is being made: held by one living process at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from mmbench.errors import UserError
from mmbench.given.files import opened
from mmbench.store.files import set_aside
from mmbench.store.lease import Lease
from mmbench.store.mounts import needs_lease

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
TRIES, PAUSE = 3, 0.02  # seconds between tries
LOOK = 1.0  # seconds between looks at the lease of another machine


class Lock:
    """A file locked with ``flock``: the kernel frees it when the last process that has it ends, however it ends.

    Whoever holds it can hand it to a child, which then holds it alone, without a moment in which nobody does::

        lock.take()
        child = subprocess.Popen(..., pass_fds=lock.descriptors)   # and tells it lock.ticket
        lock.hand_over()
        child.wait(); lock.child_ended()

        with Lock.handed(path, ticket): ...                        # in the child

    Where other machines do not see the lock, or files cannot be locked at all, a :class:`Lease` stands behind it.
    """

    # Not filelock.FileLock: it opens its descriptor itself and frees it with LOCK_UN, for the child that has inherited
    # it as well, and it cannot say whether another process holds the file.

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[Any] | None = None
        self._lease: Lease | None = None
        self._handed: Lease | None = None

    @classmethod
    def handed(cls, path: Path, ticket: str) -> Lock:
        """The lock that this process's parent held. Raises ValueError where the ticket is not of this file."""
        number, _, token = ticket.partition(" ")
        try:
            descriptor = int(number)
            same = os.path.samestat(os.fstat(descriptor), path.stat())
        except (OSError, ValueError, OverflowError) as error:
            raise ValueError(f"{path}: {ticket!r} is no ticket of its lock") from error
        if not same:
            raise ValueError(f"{path}: {ticket!r} is the ticket of another lock")
        os.set_inheritable(descriptor, False)  # processes that the child starts do not hold it
        lock = cls(path)
        lock._lease = Lease.adopted(path, token) if token else None
        lock._file = os.fdopen(descriptor, "a")
        _HELD.add(lock)
        return lock

    def take(self, wait: bool = True) -> bool:
        """Hold it. Returns False, where it is not to be waited for, if another process or thread has it.

        Raises:
            OSError: the file cannot be made.
            UserError: ``MMBENCH_LEASES`` has no value of its.
        """
        if self._file is not None:
            return True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = self._opened()
            tries = 1 if wait else TRIES
            try:
                taken = _locked(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                while taken is False and (tries := tries - 1):
                    time.sleep(PAUSE)  # whoever asks whether it is held has it for a moment
                    taken = _locked(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                ours = taken is not False and self._is(file)
                lease = Lease(self.path) if ours and (taken is None or needs_lease(self.path)) else None
                while lease and not lease.take():
                    if not wait:
                        taken, ours = False, False
                        break
                    time.sleep(LOOK)
            except (OSError, UserError):
                file.close()
                raise
            if ours:
                self._file, self._lease = file, lease
                _HELD.add(self)
                return True
            file.close()
            if taken is False:
                return False
            # It was replaced while it was waited for.

    def _opened(self) -> IO[Any]:
        """The file, made where it is not there; what cannot be opened in its place is set aside."""
        if os.path.lexists(self.path) and not self.path.is_file():
            set_aside(self.path)  # a folder, a pipe that would be waited for, a link to nowhere
        try:
            return self.path.open("a")
        except PermissionError:
            if not os.path.lexists(self.path):
                raise
            set_aside(self.path)
            return self.path.open("a")

    def _is(self, file: IO[Any]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Hold it no longer."""
        if self._lease is not None:
            self._lease.release()
        self._close()

    def hand_over(self) -> None:
        """Leave it to the child that has inherited :attr:`descriptors`."""
        if self._lease is not None:
            self._lease.hand_over()
            self._handed = self._lease
        self._close()

    def child_ended(self) -> None:
        """Free what the child that it was handed to has left: the kernel frees a lock, but not a lease."""
        if self._handed is not None:
            self._handed.child_ended()
            self._handed = None

    def forget(self) -> None:
        """Have nothing to do with it any more, as a forked process: whoever it came from holds it."""
        if self._lease is not None:
            self._lease.forget()
        self._close()

    def _close(self) -> None:
        self._lease = None
        if self._file is not None:
            self._file.close()  # not LOCK_UN, which would free it for all who share the descriptor
            self._file = None

    def is_held(self) -> bool:
        """Whether a living process has it, this one included; False without a file."""
        try:
            with opened(self.path) as file:
                if _locked(file, fcntl.LOCK_SH | fcntl.LOCK_NB) is False:
                    return True
        except OSError:
            return False
        return Lease(self.path).is_held()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a child has to inherit."""
        return () if self._file is None else (self._file.fileno(),)

    @property
    def ticket(self) -> str:
        """What a child has to be told."""
        token = self._lease.token if self._lease else ""
        return " ".join([*map(str, self.descriptors), *([token] if token else [])])

    def __enter__(self) -> Lock:
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


# A process that is forked, such as a plug-in's worker, would hold the locks of the one that it came from for ever.
_HELD: weakref.WeakSet[Lock] = weakref.WeakSet()


def _free_in_fork() -> None:
    for lock in list(_HELD):
        lock.forget()


os.register_at_fork(after_in_child=_free_in_fork)


def _locked(file: IO[Any], operation: int) -> bool | None:
    """Whether it could be; None where files have no locks."""
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return None
    return True
