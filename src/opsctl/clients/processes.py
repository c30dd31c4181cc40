"""How a process is started so that it outlives us, is known again later, and is ended by its own pid only."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from opsctl.clients.files import read_text, write_atomically
from opsctl.clients.process_family import (
    ProcessRecord,
    family_of,
    identity_of,
    is_living,
    send,
    started_here,
    wait_until_dead,
)
from opsctl.clients.procfs import all_pids, boot_id_now, memory_bytes_of, read_command_line, read_stat
from opsctl.core.clock import Clock
from opsctl.core.errors import NotReadyError, ResidueError

# After the leader's end its children have this long to follow before they are killed.
_FOLLOW_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user and group that a process runs as, when that is not our own."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPlan:
    """Everything that is needed to start a process and to find it again."""

    argv: tuple[str, ...]
    cwd: Path
    log_path: Path
    pid_path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFigures:
    """What a living process and its children use; memory that they share is counted once where readable."""

    uptime_seconds: float
    memory_bytes: int
    processes: int


def start(plan: ProcessPlan) -> ProcessRecord:
    """Start a process in a session of its own, its output going to the log file, and write its pid file.

    The pid file is there before the process: a starter that is killed at any point leaves nothing unknown.

    Raises:
        NotReadyError: PRC001 when the program cannot be started.
    """
    boot_id = boot_id_now()
    _write_record(plan.pid_path, ProcessRecord(argv=plan.argv, boot_id=boot_id))
    plan.log_path.parent.mkdir(parents=True, exist_ok=True)
    account = plan.account
    try:
        with plan.log_path.open("ab") as log:
            process = subprocess.Popen(
                plan.argv,
                cwd=plan.cwd,
                env={**os.environ, **plan.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
    except OSError as error:
        plan.pid_path.unlink(missing_ok=True)
        raise NotReadyError(
            f"cannot start `{plan.argv[0]}`", code="PRC001", why=str(error), fix="run `opsctl doctor`"
        ) from error
    started_here[process.pid] = process
    stat = read_stat(process.pid)
    record = ProcessRecord(
        argv=plan.argv,
        boot_id=boot_id,
        pid=process.pid,
        start_ticks=stat.start_ticks if stat else None,
    )
    _write_record(plan.pid_path, record)
    return record


def read_record(pid_path: Path) -> ProcessRecord | None:
    """Return what the pid file says, with the pid looked up when its writer was killed; None without a file.

    Raises:
        NotReadyError: PRC003 when the file is damaged, so that no process is signalled by guess.
    """
    if not pid_path.is_file():
        return None
    try:
        values = json.loads(read_text(pid_path))
        record = ProcessRecord(
            argv=tuple(values["argv"]),
            boot_id=values["boot_id"],
            pid=values["pid"],
            start_ticks=values["start_ticks"],
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotReadyError(
            f"the pid file `{pid_path}` is damaged",
            code="PRC003",
            why=str(error),
            fix=f"end the process by hand if it runs (pgrep -af opsctl), then: rm {pid_path}",
        ) from error
    return record if record.pid is not None else _find_by_argv(record)


def is_alive(record: ProcessRecord) -> bool:
    """Tell whether this very process runs; a zombie and another process with the same pid do not count."""
    return is_living(identity_of(record))


def stop(
    pid_path: Path, *, grace_seconds: float, clock: Clock, stop_signal: signal.Signals = signal.SIGTERM
) -> bool:
    """End the process of a pid file and all its children, asking first; tell whether there was anything to end.

    Raises:
        ResidueError: PRC002 when something of it cannot be ended; the pid file is kept.
    """
    record = read_record(pid_path)
    if record is None:
        return False
    leader = identity_of(record)
    family = family_of(record)
    was_alive = any(is_living(member) for member in family)
    send(leader, stop_signal)
    wait_until_dead([leader], seconds=grace_seconds, clock=clock)
    send(leader, signal.SIGKILL)
    family |= family_of(record)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for member in family:
            send(member, number)
        wait_until_dead(family, seconds=_FOLLOW_SECONDS, clock=clock)
    survivors = sorted(member.pid for member in family if is_living(member))
    if survivors:
        names = ", ".join(str(pid) for pid in survivors)
        raise ResidueError(
            f"processes {names} of `{record.argv[0]}` cannot be ended",
            code="PRC002",
            why="they belong to another user, or the kernel holds them in a system call",
            fix=f"end them as their owner or as root: kill -9 {names.replace(',', '')}",
        )
    pid_path.unlink(missing_ok=True)
    return was_alive


def signal_all(record: ProcessRecord, number: signal.Signals) -> int:
    """Send a signal to a living process and all its children, such as SIGSTOP; return how many there were."""
    family = [member for member in family_of(record) if is_living(member)]
    for member in family:
        send(member, number)
    return len(family)


def measure(record: ProcessRecord) -> ProcessFigures | None:
    """Return age and memory of a living process with its children; None when it does not run."""
    leader = identity_of(record)
    if leader is None or not is_living(leader):
        return None
    family = family_of(record)
    age_seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - leader.start_ticks / os.sysconf("SC_CLK_TCK")
    memory_bytes = sum(memory_bytes_of(member.pid) for member in family)
    return ProcessFigures(
        uptime_seconds=max(0.0, age_seconds), memory_bytes=memory_bytes, processes=len(family)
    )


def members(record: ProcessRecord) -> tuple[int, ...]:
    """Return the pids of a living process and of all its children; none where it does not run."""
    return tuple(sorted(member.pid for member in family_of(record) if is_living(member)))


def _write_record(pid_path: Path, record: ProcessRecord) -> None:
    write_atomically(pid_path, json.dumps(asdict(record), indent=2) + "\n")


def _find_by_argv(record: ProcessRecord) -> ProcessRecord:
    wanted = b"".join(os.fsencode(argument) + b"\0" for argument in record.argv)
    for pid in all_pids():
        stat = read_stat(pid)
        if stat is not None and read_command_line(pid) == wanted:
            return ProcessRecord(
                argv=record.argv, boot_id=record.boot_id, pid=pid, start_ticks=stat.start_ticks
            )
    return record
