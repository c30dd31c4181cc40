"""The archiver as a process of its own, as it runs in production."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.dr.postgres.own_server import OwnServer

from opsctl.dr.archiver.status import ArchiverStatus, read_status
from opsctl.dr.postgres.wal import parse_lsn


@dataclass(slots=True, kw_only=True)
class RunningArchiver:
    """An archiver of a server, which looks five times a second."""

    server: OwnServer
    repository: Path
    spool: Path
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RunningArchiver":
        """Start it."""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "opsctl.dr.archiver"),
                *("--url", self.server.address().url, "--repository", str(self.repository)),
                *("--spool", str(self.spool), "--programs", str(self.server.programs.folder)),
                *("--every", "0.2", *self.arguments),
            ],
            env=os.environ | {"OPSCTL_DATABASE_PASSWORD": self.server.password},
            stderr=subprocess.PIPE,
        )
        return self

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def status(self) -> ArchiverStatus | None:
        """Return what it notes."""
        return read_status(self.spool / "status.json")

    def wait_for(self, is_so: Callable[[ArchiverStatus], bool], *, seconds: float = 30) -> ArchiverStatus:
        """Wait until its note says something."""
        deadline = time.monotonic() + seconds
        while True:
            assert self.process is not None
            assert self.process.poll() is None, self._words()
            status = self.status()
            if status is not None and is_so(status):
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.05)

    def wait_until_shipped(self) -> ArchiverStatus:
        """Wait until everything that was committed by now is in the repository."""
        now = parse_lsn(self.server.value("select pg_current_wal_lsn()::text"))
        return self.wait_for(
            lambda status: status.shipped_lsn is not None and parse_lsn(status.shipped_lsn) >= now
        )

    def end(self) -> None:
        """Kill it where it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def _reap(self) -> int:
        assert self.process is not None
        code = self.process.wait(timeout=60)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return code

    def _words(self) -> str:
        stream = self.process.stderr if self.process is not None else None
        return stream.read().decode() if stream is not None else ""
