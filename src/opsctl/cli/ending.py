"""How does a long command end when it is told to from outside: SIGTERM of a CI job is what Ctrl-C is at a terminal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ends_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C would do at that moment, so that what was started is stopped and the results are kept."""

    def told(_number: int, _frame: object) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # A shell lets what it starts in the background ignore Ctrl-C; whoever sends SIGTERM means it all the same.
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, told)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
