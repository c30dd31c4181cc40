"""How is the service of a ground made short of something: limits of processes, which need no privileges."""

import resource as limits
from contextlib import suppress

from opsctl.cli.ground_place import nothing_to_break
from opsctl.cli.ground_processes import GroundProcesses

_FILE_BYTES = 4096


class GroundLimits(GroundProcesses):
    """A ground whose service can be short of files and of disk."""

    def limit(self, resource: str) -> None:
        """Let the service open no more files, or write none longer, than it does now."""
        processes = self.service_processes()
        if not processes:
            raise nothing_to_break("the service does not run")
        for process in processes:
            if resource == "files":
                _set_limit(process.pid, limits.RLIMIT_NOFILE, process.num_fds())
            else:
                _set_limit(process.pid, limits.RLIMIT_FSIZE, _FILE_BYTES)

    def unlimit(self, resource: str) -> None:
        """Give the service back what it had: the hard limits were never touched."""
        kind = limits.RLIMIT_NOFILE if resource == "files" else limits.RLIMIT_FSIZE
        for process in self.service_processes():
            _set_limit(process.pid, kind, None)


def _set_limit(pid: int, kind: int, soft: int | None) -> None:
    """Set a soft limit of a process; None makes it the hard one again."""
    with suppress(ProcessLookupError):
        _, hard = limits.prlimit(pid, kind)
        limits.prlimit(pid, kind, (hard if soft is None else soft, hard))
