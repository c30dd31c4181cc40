"""How does one wait one's turn for a lock that others hold for a moment only?"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from opsctl.clients.file_locks import FileLock
from opsctl.core.clock import Clock
from opsctl.core.errors import RefusedError

_POLL_SECONDS = 0.1


@contextmanager
def in_turn(
    lock: FileLock,
    *,
    clock: Clock,
    seconds: float,
    on_wait: Callable[[RefusedError], None] = lambda _refusal: None,
) -> Iterator[None]:
    """Hold a lock; whoever holds it is waited for, and `on_wait` hears once who that is.

    Raises:
        RefusedError: FIL002, naming the holder, when the wait is over.
    """
    deadline, has_told = clock.monotonic() + seconds, False
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock)
                break
            except RefusedError as refusal:
                if clock.monotonic() >= deadline:
                    raise
                if not has_told:
                    on_wait(refusal)
                    has_told = True
            clock.sleep(_POLL_SECONDS)
        yield
