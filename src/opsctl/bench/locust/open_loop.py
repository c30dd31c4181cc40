"""How are arrivals started on time while a bounded number is under way: a dispatcher, a queue, and lanes that take from it."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gevent
from gevent.queue import SimpleQueue

from opsctl.bench.load.tally import Outcome
from opsctl.bench.locust.alarm import make_alarm
from opsctl.bench.locust.rows import Rows
from opsctl.bench.locust.session import Session

_BATCH = 32
"""Arrivals that are prepared at a time; more would make the first of them late."""

_POLL_SECONDS = 0.005

_QUIET_SECONDS = 0.002
"""A pause this long has room for housekeeping."""


class _Arrival(NamedTuple):
    planned: float | None
    """None in a closed loop: when a connection takes it up."""
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
    """The arrivals of one process, each brought to an end by a lane: a greenlet with a connection."""

    def __init__(
        self, sessions: Sequence[Session], *, serving: Serving, rows: Rows, most_waiting: int
    ) -> None:
        self._sessions = sessions
        self._serving = serving
        self._rows = rows
        self._most_waiting = most_waiting
        self._queue: SimpleQueue[_Arrival] = SimpleQueue()
        self._idle = 0
        self._alarm = make_alarm()
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
                    has_slept = self._wait_until(began + second) or has_slept
                    self._offer(began + second, what)
                if not has_slept:
                    gevent.sleep(0)  # late already: let the answers be read nevertheless

    def dispatch_closed(self, numbers: Iterator[int], *, until: float) -> None:
        """Let every connection send the next request when the last one is answered, until a moment."""
        while time.perf_counter() < until:
            if self.waiting < len(self._sessions):
                for what in self._serving.prepare(list(itertools.islice(numbers, _BATCH))):
                    self._queue.put(_Arrival(None, None, what))
            self._rows.fold_if_many()
            self._alarm.sleep_until(time.perf_counter() + _QUIET_SECONDS / 2)
        while self.waiting:
            self._queue.get()  # was never due

    def drain(self, *, seconds: float) -> None:
        """Wait until everything is answered, but not longer than this."""
        deadline = time.perf_counter() + seconds
        while (self.in_flight or self.waiting) and time.perf_counter() < deadline:
            gevent.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Record what is still out or waiting as unfinished, and end the lanes."""
        moment = time.perf_counter()
        for session in self._sessions:
            session.censor(moment)
        while self.waiting:
            arrival = self._queue.get()
            if arrival.planned is not None:
                self._never_sent(arrival, outcome=Outcome.UNFINISHED, moment=moment)
        gevent.killall(self._lanes, block=False)
        for session in self._sessions:
            session.close()
        self._alarm.close()

    def _wait_until(self, moment: float) -> bool:
        """Wait for a moment, and tell whether there was anything to wait for."""
        ahead = moment - time.perf_counter()
        if ahead <= 0:
            return False
        if ahead > _QUIET_SECONDS:
            self._rows.fold_if_many()
        self._alarm.sleep_until(moment)
        return True

    def _offer(self, planned: float, what: Any) -> None:
        noticed = time.perf_counter()
        line = self.waiting - self._idle
        if line >= 0 and line >= self._most_waiting:
            self._never_sent(_Arrival(planned, noticed, what), outcome=Outcome.DROPPED, moment=noticed)
            return
        self._queue.put(_Arrival(planned, noticed if line >= 0 else None, what))

    def _never_sent(self, arrival: _Arrival, *, outcome: Outcome, moment: float) -> None:
        planned = arrival.planned or moment
        name = self._serving.name_of(arrival.what)
        self._rows.add(name, (planned, arrival.noticed or planned, 0.0, moment), outcome=outcome)

    def _lane(self, session: Session) -> None:
        """Serve one arrival after the other."""
        take, serve = self._queue.get, self._serving.serve
        while True:
            self._idle += 1
            planned, noticed, what = take()
            self._idle -= 1
            taken = noticed or time.perf_counter()
            session.begin(planned=planned or taken, taken=taken)
            try:
                serve(session, what)
            except Exception as error:  # noqa: BLE001 - a scenario's mistake; the run is told to be invalid
                self._serving.on_error(error)
