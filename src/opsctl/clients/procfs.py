"""What does the kernel tell of a process: its state, its parent, its memory, its arguments."""

import os
from pathlib import Path
from typing import NamedTuple


class ProcessStat(NamedTuple):
    """The fields of /proc/PID/stat that tell a process from others."""

    state: str
    parent: int
    session: int
    start_ticks: int


def memory_bytes_of(pid: int) -> int:
    """Return the memory of a process, what it shares with others counted in parts where the kernel tells."""
    rollup = _read_bytes(Path(f"/proc/{pid}/smaps_rollup"))
    for line in rollup.splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    pages = _read_bytes(Path(f"/proc/{pid}/statm")).split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def all_pids() -> list[int]:
    """Return the pids of all processes."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def read_stat(pid: int) -> ProcessStat | None:
    """Return the state of a process; None when there is none with this pid."""
    text = _read_bytes(Path(f"/proc/{pid}/stat")).decode(errors="replace")
    if not text:
        return None
    # The program's name stands in brackets and may hold anything; what counts comes after the last one.
    fields = text.rpartition(")")[2].split()
    return ProcessStat(fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


def read_command_line(pid: int) -> bytes:
    """Return the arguments of a process, each ended by a zero byte; empty when it is gone."""
    return _read_bytes(Path(f"/proc/{pid}/cmdline"))


def boot_id_now() -> str:
    """Return what tells this boot of the machine from any other."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _read_bytes(path: Path) -> bytes:
    """Return the content of a file of /proc; empty when its process is gone or not ours to read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
