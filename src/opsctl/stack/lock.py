"""Who may change the stack: one `up` or `down` at a time, the next one waits its turn."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from opsctl.clients.files import FileLock
from opsctl.core.clock import Clock
from opsctl.core.errors import RefusedError
from opsctl.core.events import Listener, Noted
from opsctl.stack.model import stack_dir

_POLL_SECONDS = 0.1
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
    deadline = clock.monotonic() + wait_seconds
    has_said_so = False
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock)
                break
            except RefusedError as error:
                if clock.monotonic() >= deadline:
                    raise
                if not has_said_so:
                    listener(Noted(subject="stack", message=f"{error.message}; waiting for it"))
                    has_said_so = True
            clock.sleep(_POLL_SECONDS)
        yield
