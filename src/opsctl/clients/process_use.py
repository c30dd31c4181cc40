"""How much CPU and memory do a process and all its children use?"""

from dataclasses import dataclass

from opsctl.clients.procfs import memory_bytes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUse:
    """CPU seconds since they began, those of children that have ended included, and memory of now.

    Without those that have ended, a server that lets an idle process go would seem to have worked backwards. What
    processes share of memory is counted once where readable.
    """

    cpu_seconds: float
    memory_bytes: int


def use_of_family(pid: int) -> ProcessUse | None:
    """Return what a process and its descendants use; None where there is no such process."""
    import psutil

    try:
        leader = psutil.Process(pid)
        family = [leader, *leader.children(recursive=True)]
    except psutil.Error:
        return None
    cpu_seconds, memory_bytes = 0.0, 0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it ended in between
        cpu_seconds += times.user + times.system + times.children_user + times.children_system
        memory_bytes += memory_bytes_of(process.pid)
    return ProcessUse(cpu_seconds=cpu_seconds, memory_bytes=memory_bytes)
