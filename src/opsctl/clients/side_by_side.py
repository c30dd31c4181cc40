"""How are slow calls kept going side by side, their results in order, with few of them in memory at a time?"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")

# For calls that still run when nobody wants their results: long enough for any that do not hang.
_PATIENCE_SECONDS = 5.0


def in_order(calls: Iterable[Callable[[], Result]], *, at_once: int) -> Iterator[Result]:
    """Yield what each call returns, in the order of the calls; at most `at_once` are running or waiting to be taken.

    The calls themselves are taken from the iterator by the caller's thread. After an error, Ctrl-C, or when nobody
    wants more, those that run are waited for, but no longer than some seconds: a server may never answer.
    """
    running: deque[_Running[Result]] = deque()
    try:
        for call in calls:
            running.append(_Running(call))
            if len(running) == at_once:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for each in running:
            each.thread.join(timeout=_PATIENCE_SECONDS)
            if each.thread.is_alive():
                break  # where one hangs, the others do


class _Running(Generic[Result]):
    """A call in a thread of its own, which never keeps the process from ending."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self.thread = Thread(target=self._run, name="side-by-side", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error

    def result(self) -> Result:
        """Wait for the call, and return or raise what it did."""
        self.thread.join()
        if self._error is not None:
            raise self._error
        return self._results.pop()
