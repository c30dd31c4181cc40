"""How the stack is taken down: by its pid files alone, also what a killed `up` left behind."""

from collections.abc import Sequence
from pathlib import Path

from opsctl.clients.processes import stop
from opsctl.core.clock import Clock
from opsctl.core.events import Listener
from opsctl.core.phases import told_phase
from opsctl.stack.lock import changing_stack
from opsctl.stack.model import STARTING_ORDER, PartName, StackState, StackStep, pid_path
from opsctl.stack.record import read_process, read_stack_record, runs
from opsctl.stack.spec import PARTS
from opsctl.stack.status import stack_status

# PostgreSQL writes a checkpoint and the vector node flushes; both are done in seconds unless the disk is slow.
GRACE_SECONDS = 30.0


def plan_stop(home: Path, *, only: Sequence[PartName] = ()) -> tuple[StackStep, ...]:
    """Return what `stop_stack` would do now: a step for each part that runs."""
    running = (name for name in _chosen(only) if runs(home.resolve(), name))
    return tuple(StackStep(name=name, action="stop") for name in running)


def stop_stack(
    home: Path,
    *,
    listener: Listener,
    clock: Clock,
    only: Sequence[PartName] = (),
    grace_seconds: float = GRACE_SECONDS,
    only_borrowed: bool = False,
) -> StackState:
    """End the chosen parts, all when `only` is empty; the data stays. Nothing running is no error.

    With `only_borrowed` a stack stays that an `opsctl stack up` has made its own meanwhile.

    Raises:
        ResidueError: PRC002 when a process cannot be ended.
        RefusedError: FIL002 when another `up` or `down` does not come to its end.
    """
    home = home.resolve()
    with changing_stack(home, what="stopping the stack", listener=listener, clock=clock):
        # Looked at under the lock: an `up` that came first has said so in the record.
        if read_stack_record(home).borrowed or not only_borrowed:
            stop_parts(home, only=only, grace_seconds=grace_seconds, listener=listener, clock=clock)
    return stack_status(home)


def stop_parts(
    home: Path,
    *,
    listener: Listener,
    clock: Clock,
    only: Sequence[PartName] = (),
    grace_seconds: float = GRACE_SECONDS,
) -> None:
    """End the chosen parts, for whoever holds the stack's lock; nothing is written, so it can be done on a full disk.

    Raises:
        ResidueError: PRC002 when a process cannot be ended.
    """
    for name in _chosen(only):
        _stop_service(home, name, grace_seconds=grace_seconds, listener=listener, clock=clock)


def _chosen(only: Sequence[PartName]) -> tuple[PartName, ...]:
    return tuple(name for name in reversed(STARTING_ORDER) if not only or name in only)


def _stop_service(
    home: Path, name: PartName, *, grace_seconds: float, listener: Listener, clock: Clock
) -> None:
    if read_process(home, name) is None:
        return
    with told_phase(name, "stop", listener=listener, clock=clock):
        stop(
            pid_path(home, name),
            grace_seconds=grace_seconds,
            stop_signal=PARTS[name].stop_signal,
            clock=clock,
        )
