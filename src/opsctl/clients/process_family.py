"""Which processes are those of a record and its descendants, and none that got their numbers later; how are they signalled?"""

import os
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from opsctl.clients.procfs import all_pids, boot_id_now, read_stat
from opsctl.core.clock import Clock
from opsctl.core.waiting import wait_until

_POLL_SECONDS = 0.02
_DEAD_STATES = frozenset("ZX")


# A Popen object that is collected while its process runs warns, and one that is kept lets us reap the process;
# so those that this process started are kept, by pid.
started_here: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """What a pid file holds; the start ticks and the boot tell our process from a later one with its pid.

    `pid` is None between the intention and the start: whoever reads that looks for the process by `argv`.
    """

    argv: tuple[str, ...]
    boot_id: str
    pid: int | None = None
    start_ticks: int | None = None


class _Identity(NamedTuple):
    pid: int
    start_ticks: int


def identity_of(record: ProcessRecord) -> _Identity | None:
    """Return the process of a record; None where it was of another boot, or never started."""
    if record.pid is None or record.start_ticks is None or record.boot_id != boot_id_now():
        return None
    return _Identity(record.pid, record.start_ticks)


def family_of(record: ProcessRecord) -> set[_Identity]:
    """Return the process, its descendants, and all of its session, which outlive a leader that was killed."""
    leader = identity_of(record)
    if leader is None:
        return set()
    stats = {pid: stat for pid in all_pids() if (stat := read_stat(pid)) is not None}
    holder = stats.get(leader.pid)
    if holder is not None and holder.start_ticks != leader.start_ticks:
        # The kernel gives a pid away only when no session bears it any more: nobody of ours is left.
        return set()
    pids = {leader.pid} if holder else set()
    pids |= {pid for pid, stat in stats.items() if stat.session == leader.pid}
    while grown := {pid for pid, stat in stats.items() if stat.parent in pids} - pids:
        pids |= grown
    return {_Identity(pid, stats[pid].start_ticks) for pid in pids}


def is_living(identity: _Identity | None) -> bool:
    """Tell whether exactly this process runs; a zombie of ours is reaped."""
    if identity is None:
        return False
    if (child := started_here.get(identity.pid)) is not None and child.poll() is not None:
        del started_here[identity.pid]
    stat = read_stat(identity.pid)
    return stat is not None and stat.start_ticks == identity.start_ticks and stat.state not in _DEAD_STATES


def send(identity: _Identity | None, number: signal.Signals) -> None:
    """Signal exactly this process: the descriptor pins the pid, and only then its start is compared."""
    if identity is None:
        return
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    try:
        if is_living(identity):
            signal.pidfd_send_signal(descriptor, number)
    except (ProcessLookupError, PermissionError):
        # Gone in between, or not ours to end: the caller looks afterwards who still lives.
        return
    finally:
        os.close(descriptor)


def wait_until_dead(identities: Iterable[_Identity | None], *, seconds: float, clock: Clock) -> None:
    """Wait until none of these lives, or the time is over."""
    waiting = list(identities)
    wait_until(
        lambda: not any(map(is_living, waiting)), clock=clock, seconds=seconds, poll_seconds=_POLL_SECONDS
    )
