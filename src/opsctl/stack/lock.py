"""Who may change the stack: one `up` or `down` at a time, the next one waits its turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsctl.clients.file_locks import FileLock
from opsctl.clients.lock_turn import in_turn
from opsctl.core.clock import Clock
from opsctl.core.errors import RefusedError
from opsctl.core.events import Listener, Noted
from opsctl.stack.model import stack_dir

WAIT_SECONDS = 120.0


@contextmanager
def changing_stack(
    home: Path, *, what: str, listener: Listener, clock: Clock, wait_seconds: float = WAIT_SECONDS
) -> Iterator[None]:
    """Hold the stack's lock; whoever holds it already is waited for.

    Raises:
        RefusedError: FIL002, naming the holder, when the wait is over.
    """
    lock = FileLock(stack_dir(home) / "lock", what=what)

    def tell(refusal: RefusedError) -> None:
        listener(Noted(subject="stack", message=f"{refusal.message}; waiting for it"))

    with in_turn(lock, clock=clock, seconds=wait_seconds, on_wait=tell):
        yield
