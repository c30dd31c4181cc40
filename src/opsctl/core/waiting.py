"""How does one wait for something that nobody announces: by looking again and again, for so long at most?"""

from collections.abc import Callable

from opsctl.core.clock import Clock


def wait_until(
    is_so: Callable[[], bool],
    *,
    clock: Clock,
    seconds: float,
    poll_seconds: float,
    may_come: Callable[[], bool] = lambda: True,
) -> bool:
    """Look until something is so, and tell whether it is; the last look is when the time is over.

    Args:
        is_so: looks once.
        clock: by which to wait.
        seconds: how long at most.
        poll_seconds: between two looks.
        may_come: ends the wait early where it says that there is nothing to wait for, such as of a process that has ended.
    """
    deadline = clock.monotonic() + seconds
    while not is_so():
        left = deadline - clock.monotonic()
        if left <= 0 or not may_come():
            return False
        clock.sleep(min(poll_seconds, left))
    return True
