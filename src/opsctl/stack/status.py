"""How is the stack right now: which parts run, where, since when, and how much they use."""

import os
from pathlib import Path

from opsctl.clients.processes import is_alive, measure
from opsctl.stack.model import (
    STARTING_ORDER,
    PartName,
    PartState,
    PartStatus,
    Place,
    StackState,
    log_path,
)
from opsctl.stack.record import read_process, read_stack_record
from opsctl.stack.spec import PARTS, is_installed


def stack_status(home: Path) -> StackState:
    """Return the state of every part, each running one asked whether it is ready."""
    home = home.resolve()
    places = read_stack_record(home).places
    parts = tuple(_service_state(home, name, place=places.get(name)) for name in STARTING_ORDER)
    return StackState(home=home, parts=parts)


def _service_state(home: Path, name: PartName, *, place: Place | None) -> PartState:
    record = read_process(home, name)
    if place is None or record is None:
        status = PartStatus.STOPPED if is_installed(name) else PartStatus.NOT_INSTALLED
        return _resting(home, name, place=place, status=status)
    figures = measure(record) if is_alive(record) else None
    if figures is None:
        return _resting(home, name, place=place, status=PartStatus.CRASHED)
    return PartState(
        name=name,
        status=PartStatus.RUNNING,
        ready=PARTS[name].specify(home, place).not_ready_because() is None,
        required=PARTS[name].required,
        on_demand=PARTS[name].on_demand,
        log_path=log_path(home, name),
        pid=record.pid,
        port=place.port or None,  # the archiver listens nowhere
        url=PARTS[name].url(place.port) or None,
        uptime_seconds=round(figures.uptime_seconds, 1),
        memory_bytes=figures.memory_bytes,
        data_dir=place.data_dir,
        data_bytes=_size_bytes(place.data_dir),
    )


def _resting(home: Path, name: PartName, *, place: Place | None, status: PartStatus) -> PartState:
    return PartState(
        name=name,
        status=status,
        ready=False,
        required=PARTS[name].required,
        on_demand=PARTS[name].on_demand,
        log_path=log_path(home, name),
        port=(place.port or None) if place else None,
        data_dir=place.data_dir if place else None,
        data_bytes=_size_bytes(place.data_dir) if place else None,
    )


def _size_bytes(folder: Path) -> int:
    """Return the bytes that the files of a folder take on the disk; files that vanish meanwhile do not count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).lstat().st_blocks * 512  # POSIX counts blocks of 512 bytes
            except FileNotFoundError:
                continue
    return total
