"""How are slow calls kept going side by side, their results in order, with few of them in memory at a time?"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_order(calls: Iterable[Callable[[], Result]], *, at_once: int) -> Iterator[Result]:
    """Yield what each call returns, in the order of the calls; at most `at_once` are running or waiting to be taken.

    The calls themselves are taken from the iterator by the caller's thread. After an error, Ctrl-C, or when nobody
    wants more, those that wait are not begun and those that run are waited for.
    """
    with ThreadPoolExecutor(at_once, thread_name_prefix="side-by-side") as pool:
        running: deque[Future[Result]] = deque()
        try:
            for call in calls:
                running.append(pool.submit(call))
                if len(running) == at_once:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
