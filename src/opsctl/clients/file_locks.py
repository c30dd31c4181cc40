"""How does one process at a time have a file, and how is it known that somebody holds one?"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from opsctl.clients.files import file_error
from opsctl.core.errors import RefusedError


class FileLock:
    """Hold an exclusive lock on `path` for the time of a `with` block, or refuse at once and name the holder.

    The kernel owns the lock: it goes with the process, also after kill -9. The file stays, because removing
    it would let two processes lock two different files of one name.

    Args:
        path: the lock file; made when it is not there.
        what: what the holder is doing, told to whoever is refused, such as `rebuilding au_photographers`.
    """

    def __init__(self, path: Path, *, what: str = "working") -> None:
        self.path = path
        self.what = what
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise file_error(error, path=self.path, doing="lock") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {self.what}\n".encode(errors="backslashreplace"), 0)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 4096, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise self._refusal(holder) from error
        except OSError as error:
            os.close(descriptor)
            raise file_error(error, path=self.path, doing="lock") from error
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _refusal(self, holder: str) -> RefusedError:
        pid, _, what = holder.partition(" ")
        return RefusedError(
            f"process {pid or 'unknown'} holds the lock `{self.path}`",
            code="FIL002",
            why=f"it is {what or 'working'}; two at once would spoil each other's work",
            fix=f"wait for it, or look at it: ps -fp {pid}" if pid else "wait for it and try again",
        )


class SharedLease:
    """Hold a lease that many may hold at once; the last holder can find out that it is the last.

    A lease goes with its process, also after kill -9, like a `FileLock`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise file_error(error, path=self.path, doing="lease") from error
        # This waits for a last holder that is clearing up, and for nobody else.
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def become_last(self) -> bool:
        """Tell whether nobody else holds a lease; if so, newcomers wait until this one is over.

        The lease may be lost by a no; so ask only at the end of the work.
        """
        if self._descriptor is None:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
