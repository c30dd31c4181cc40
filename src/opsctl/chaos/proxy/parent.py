"""Does the process that wanted us still live: told by the kernel the moment it ends."""

import asyncio
import os
from collections.abc import Callable

from opsctl.clients.procfs import read_stat


def parse_parent(text: str) -> tuple[int, int | None]:
    """Read `PID` or `PID:START_TICKS`; the ticks tell it from a later process with its pid.

    Raises:
        ValueError: it is neither.
    """
    pid, _, ticks = text.partition(":")
    if not pid.isdecimal() or not (ticks.isdecimal() or ticks == ""):
        raise ValueError(f"`{text}` is neither PID nor PID:START_TICKS")
    return int(pid), int(ticks) if ticks else None


def watch_parent(pid: int, *, start_ticks: int | None, on_end: Callable[[], None]) -> Callable[[], None]:
    """Call `on_end` once a process has ended, at once where it has already; return what ends the watch."""
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        on_end()
        return lambda: None
    # The descriptor pins the pid; only then is its start compared.
    stat = read_stat(pid)
    if stat is None or (start_ticks is not None and stat.start_ticks != start_ticks):
        os.close(descriptor)
        on_end()
        return lambda: None
    loop.add_reader(descriptor, on_end)

    def end() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)

    return end
