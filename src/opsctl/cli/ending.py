"""How does a long command end when it is told to from outside: SIGTERM of a CI job, SIGHUP of a terminal that is closed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ends_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and SIGHUP do what Ctrl-C would do then, so that what was started is stopped and the results are kept."""

    def told(_number: int, _frame: object) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # A shell lets what it starts in the background ignore Ctrl-C; whoever sends SIGTERM means it all the same.
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    # `nohup` lets SIGHUP be ignored, and that is meant.
    numbers = [
        each
        for each in (signal.SIGTERM, signal.SIGHUP)
        if each is signal.SIGTERM or signal.getsignal(each) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, told) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
