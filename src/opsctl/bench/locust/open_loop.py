"""How are arrivals started on time while a bounded number is under way: a dispatcher, a queue, and lanes that take from it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gevent
from gevent.queue import SimpleQueue

from opsctl.bench.load.model import Outcome
from opsctl.bench.locust.rows import Rows
from opsctl.bench.locust.session import Session

_BATCH = 32
"""Arrivals that are prepared at a time; more would make the first of them late."""

_DRAIN_POLL_SECONDS = 0.01

_QUIET_SECONDS = 0.002
"""A pause this long has room for housekeeping."""


class _Arrival(NamedTuple):
    planned: float
    noticed: float | None
    """None where a connection was free: then it is taken up when that one's greenlet wakes."""
    what: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is done with an arrival.

    Args:
        prepare: what `serve` is given for some arrivals, by their numbers; called shortly before they are due.
        serve: does all of one arrival's work.
        name_of: what an arrival counts under that was never served.
        on_error: hears of exceptions in `serve`.
    """

    prepare: Callable[[Sequence[int]], Sequence[Any]]
    serve: Callable[[Session, Any], None]
    name_of: Callable[[Any], str]
    on_error: Callable[[Exception], None]


class OpenLoop:
    """The arrivals of one process."""

    def __init__(
        self, sessions: Sequence[Session], *, serving: Serving, rows: Rows, most_waiting: int
    ) -> None:
        self._sessions = sessions
        self._serving = serving
        self._rows = rows
        self._most_waiting = most_waiting
        self._queue: SimpleQueue[_Arrival] = SimpleQueue()
        self._idle = 0
        self._lanes = [gevent.spawn(self._lane, session) for session in sessions]

    @property
    def in_flight(self) -> int:
        """Return how many arrivals are being served."""
        return len(self._sessions) - self._idle

    @property
    def waiting(self) -> int:
        """Return how many arrivals wait for a free connection."""
        waiting: int = self._queue.qsize()
        return waiting

    def dispatch(self, arrivals: Iterator[tuple[Sequence[int], Sequence[float]]], *, began: float) -> None:
        """Start every arrival at its time: (numbers, seconds since the beginning), ascending."""
        for numbers, seconds in arrivals:
            for first in range(0, len(numbers), _BATCH):
                prepared = self._serving.prepare(numbers[first : first + _BATCH])
                has_slept = False
                for second, what in zip(seconds[first : first + _BATCH], prepared, strict=True):
                    planned = began + second
                    ahead = planned - time.perf_counter()
                    if ahead > 0:
                        has_slept = True
                        self._sleep_until(planned, ahead=ahead)
                    self._offer(planned, what)
                if not has_slept:
                    gevent.sleep(0)  # late already: let the answers be read nevertheless

    def drain(self, *, seconds: float) -> None:
        """Wait until everything is answered, but not longer than this."""
        deadline = time.perf_counter() + seconds
        while (self.in_flight or self.waiting) and time.perf_counter() < deadline:
            gevent.sleep(_DRAIN_POLL_SECONDS)

    def close(self) -> None:
        """Record what is still out or waiting as unfinished, and end the lanes."""
        moment = time.perf_counter()
        for session in self._sessions:
            session.censor(moment)
        while self._queue.qsize():
            arrival = self._queue.get()
            self._never_sent(arrival.planned, arrival.what, outcome=Outcome.UNFINISHED, moment=moment)
        gevent.killall(self._lanes, block=False)
        for session in self._sessions:
            session.close()

    def _sleep_until(self, moment: float, *, ahead: float) -> None:
        if ahead > _QUIET_SECONDS:
            self._rows.fold_if_many()
            ahead = moment - time.perf_counter()
        gevent.sleep(max(0.0, ahead))

    def _offer(self, planned: float, what: Any) -> None:
        noticed = time.perf_counter()
        line = self._queue.qsize() - self._idle
        if line >= 0 and line >= self._most_waiting:
            self._never_sent(planned, what, outcome=Outcome.DROPPED, moment=noticed)
            return
        self._queue.put(_Arrival(planned, noticed if line >= 0 else None, what))

    def _never_sent(self, planned: float, what: Any, *, outcome: Outcome, moment: float) -> None:
        name = self._serving.name_of(what)
        self._rows.add(name, (planned, planned, 0.0, moment), outcome=outcome)

    def _lane(self, session: Session) -> None:
        """Serve one arrival after the other."""
        take, serve = self._queue.get, self._serving.serve
        while True:
            self._idle += 1
            planned, noticed, what = take()
            self._idle -= 1
            session.begin(planned=planned, taken=noticed or time.perf_counter())
            try:
                serve(session, what)
            except Exception as error:  # noqa: BLE001 - a scenario's mistake; the run is told to be invalid
                self._serving.on_error(error)
