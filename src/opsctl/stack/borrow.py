"""How does a command that needs the stack get one: the running one, or one for its own duration."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from opsctl.clients.file_locks import SharedLease
from opsctl.core.clock import Clock
from opsctl.core.events import Listener, Noted
from opsctl.stack.down import stop_stack
from opsctl.stack.model import PartName, PartStatus, StackState, stack_dir
from opsctl.stack.record import read_stack_record
from opsctl.stack.spec import REQUIRED, require_installed
from opsctl.stack.status import stack_status
from opsctl.stack.up import start_stack


@contextmanager
def borrowed_stack(
    home: Path,
    *,
    listener: Listener,
    clock: Clock,
    parts: Sequence[PartName] = REQUIRED,
    project: Path | None = None,
) -> Iterator[StackState]:
    """Use the running stack, or start the parts that are needed and stop them afterwards, saying so.

    Commands that borrow at the same time share one stack: the last of them to end stops it. A stack that was
    brought up by `opsctl stack up` is never stopped here.
    """
    home = home.resolve()
    with SharedLease(stack_dir(home) / "borrowers.lock") as lease:
        try:
            yield _ready_stack(home, parts=parts, listener=listener, clock=clock, project=project)
        finally:
            if read_stack_record(home).borrowed and lease.become_last():
                state = stop_stack(home, listener=listener, clock=clock, only_borrowed=True)
                if all(part.status is not PartStatus.RUNNING for part in state.parts):
                    note = "the embedded stack is stopped again; keep it up with `opsctl stack up`"
                    listener(Noted(subject="stack", message=note))


def _ready_stack(
    home: Path, *, parts: Sequence[PartName], listener: Listener, clock: Clock, project: Path | None
) -> StackState:
    state = stack_status(home)
    if state.has_ready(parts):
        return state
    require_installed(*parts)  # before anybody reads that something is started
    if any(part.status is PartStatus.RUNNING for part in state.parts):
        note = "a part of the embedded stack is not up; starting it"
    else:
        note = "the embedded stack is not up; starting it for the duration of this command"
    listener(Noted(subject="stack", message=note))
    return start_stack(home, listener=listener, clock=clock, only=parts, borrowed=True, project=project)
