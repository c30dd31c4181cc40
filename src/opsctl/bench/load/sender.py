"""How are requests sent at their planned moments, and each of them brought to exactly one outcome: the heart of a load."""

import asyncio
import contextlib
import math
import ssl
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.bench.load.book import Limits
from opsctl.bench.load.checks import outcome_of
from opsctl.bench.load.connection import Connection, Pool
from opsctl.bench.load.http11 import Answer
from opsctl.bench.load.ports import Address, Inspects, RequestSource
from opsctl.bench.load.recorder import NO_TIER, OUTCOME_CODES, TIER_CODES, Recorder
from opsctl.bench.load.server_timing import stages_of
from opsctl.bench.load.tally import Outcome, Tally
from opsctl.bench.load.timer import make_timer
from opsctl.bench.load.upcoming import Upcoming

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

_QUANTUM_SECONDS = 0.0002
"""Wakings are at least so far apart: at high rates a few arrivals are sent at each, at most so much too late."""

_SWEEP_SECONDS = 0.05
_STOPPED_DRAIN_SECONDS = 2.0

_BURST = 512
"""Arrivals sent without looking at answers, when the sender is behind."""

_TIMING_EVERY = 97
"""Of so many answers one has its `Server-Timing` read; a prime, so that it does not beat with a mix."""

_OK = OUTCOME_CODES[Outcome.OK]
_DROPPED = OUTCOME_CODES[Outcome.DROPPED]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingPart:
    """What one process sends.

    Args:
        arrivals: numbers and times of its own arrivals, ascending; for a closed loop, numbers without end.
        seconds: how long arrivals go on.
    """

    address: Address
    source: RequestSource
    inspects: Inspects
    arrivals: "Iterator[tuple[np.ndarray, np.ndarray]]"
    seconds: float
    limits: Limits
    is_closed_loop: bool
    tls: ssl.SSLContext | None


class Sender:
    """Sends one process's part of a load on the running event loop, and records it.

    Open loop: a request starts when it is planned to, and waits for a connection if none is free. Closed loop: each
    connection sends the next request when the last one is answered, so that planned, dispatched and sent are one moment.
    """

    def __init__(self, part: SendingPart) -> None:
        self._part = part
        self._loop = asyncio.get_running_loop()
        self._pool = Pool(part.address, hears=self, size=part.limits.connections, tls=part.tls)
        self._upcoming = Upcoming(part.arrivals, source=part.source)
        self._endpoints = tuple(part.source.endpoints)
        self._inspect = part.inspects.inspect
        self._idle: deque[Connection] = deque()  # first in, first out: a server's workers share what comes
        self._waiting: deque[tuple[float, float, int, bytes]] = deque()
        self._timer = make_timer(self._loop, self._wake)
        self._sweeping: asyncio.TimerHandle | None = None
        self._end = math.inf
        self._is_sending = False
        self._stopped = asyncio.Event()
        self._until_timing = _TIMING_EVERY
        self._planned = self._sent = self._received_bytes = 0
        self._begin_recording(0.0)
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        """Return how many requests wait for a connection."""
        return len(self._waiting)

    async def connect(self) -> tuple[int, tuple[Outcome, str] | None]:
        """Open the connections; return how many there are, and why there are not more."""
        await self._pool.open_all(patience_seconds=min(5.0, self._part.limits.timeout_seconds))
        return len(self._pool.connections), self._pool.last_fault

    async def run(self, *, started: float) -> None:
        """Send everything from `started` (of `time.monotonic()`) on, and return when each request has its outcome."""
        self._begin_recording(started)
        self._end = started + self._part.seconds
        self._upcoming.begin(started)
        self._is_sending = True
        self._timer.wake_at(started if self._part.is_closed_loop else self._upcoming.moment)
        self._sweep()
        await self._wait_for_arrivals()
        self._is_sending = False
        await self._drain()
        self._censor()

    def stop(self) -> None:
        """Start nothing more; what is out may still come back for a moment."""
        self._is_sending = False
        self._stopped.set()

    def take(self) -> Tally:
        """Return what is new since the last call."""
        tally = self._recorder.take()
        tally.planned, tally.sent, tally.received_bytes = self._planned, self._sent, self._received_bytes
        self._planned = self._sent = self._received_bytes = 0
        return tally

    def close(self) -> None:
        """End all connections and alarms."""
        self._timer.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._pool.close()

    def answered(self, connection: Connection, answer: Answer, *, ended: float) -> None:
        """Take the answer to the request that the connection carries, and give it the next one."""
        status, head, lower, body, is_kept = answer
        endpoint = connection.endpoint
        tier = NO_TIER
        at = lower.find(b"\r\nx-cache:")
        if at >= 0:
            tier = TIER_CODES.get(lower[at + 10 : lower.find(b"\r\n", at + 10)].strip(), NO_TIER)
        outcome = _OK
        complaint = self._inspect(endpoint, status=status, head=head, body=body)
        if complaint is not None:
            outcome = OUTCOME_CODES[outcome_of(complaint)]
            self._recorder.add_reason(f"{self._endpoints[endpoint]}: {complaint}")
        self._received_bytes += len(head) + len(body)
        self._settle(connection, ended=ended, tier=tier, outcome=outcome, status=status)
        self._until_timing -= 1
        if not self._until_timing:
            self._read_timing(lower, tier=tier)
        if not connection.is_proven:
            self._pool.proven(connection)
        if not is_kept:
            connection.close()
        elif connection.is_open:
            self._employ(connection)

    def failed(self, connection: Connection, outcome: Outcome, *, reason: str) -> None:
        """Settle a request to which no good answer will come; its connection is of no more use."""
        self._recorder.add_reason(f"{self._endpoints[connection.endpoint]}: {reason}")
        self._settle(
            connection, ended=time.monotonic(), tier=NO_TIER, outcome=OUTCOME_CODES[outcome], status=0
        )
        connection.close()

    def opened(self, connection: Connection) -> None:
        """Give a new connection something to do."""
        self._employ(connection)

    def unreachable(self, outcome: Outcome, *, reason: str) -> None:
        """Settle all that waits for a connection: there is none to be had."""
        now = time.monotonic()
        if self._part.is_closed_loop and self._is_sending and now < self._end:
            _, endpoint, request = self._upcoming.take()
            self._planned += 1
            self._waiting.append((now, now, endpoint, request))
        if self._waiting:
            self._settle_waiting(outcome, reason=reason)

    def noted(self, reason: str) -> None:
        """Count something odd that belongs to no request."""
        self._recorder.add_reason(reason)

    def _begin_recording(self, started: float) -> None:
        self._recorder = Recorder(endpoints=self._endpoints, started=started)
        self._add = self._recorder.add

    def _wake(self) -> None:
        """Start what is due, and set the alarm for what comes next."""
        if not self._is_sending:
            return
        if self._part.is_closed_loop:
            for _ in range(len(self._idle)):
                self._employ(self._idle.popleft())
            return
        upcoming = self._upcoming
        now = time.monotonic()
        for _ in range(_BURST):
            if upcoming.moment > now:
                break
            planned, endpoint, request = upcoming.take()
            now = time.monotonic()
            self._start(planned, now, endpoint, request)
        upcoming.refill()
        if upcoming.moment < math.inf:
            self._timer.wake_at(max(upcoming.moment, now + _QUANTUM_SECONDS))

    def _start(self, planned: float, now: float, endpoint: int, request: bytes) -> None:
        self._planned += 1
        idle = self._idle
        while idle:
            connection = idle.popleft()
            if connection.is_open:
                self._sent += 1
                self.in_flight += 1
                connection.send(planned, now, now, endpoint, request)
                return
        if len(self._waiting) < self._part.limits.most_waiting:
            self._waiting.append((planned, now, endpoint, request))
        else:
            self._add((planned, now, 0.0, now, endpoint, NO_TIER, _DROPPED, 0))

    def _employ(self, connection: Connection) -> None:
        """Send over a free connection what waits, or keep it for later."""
        if self._waiting:
            planned, dispatched, endpoint, request = self._waiting.popleft()
            self._sent += 1
            self.in_flight += 1
            connection.send(planned, dispatched, time.monotonic(), endpoint, request)
        elif self._part.is_closed_loop and self._is_sending and (now := time.monotonic()) < self._end:
            _, endpoint, request = self._upcoming.take()
            self._planned += 1
            self._sent += 1
            self.in_flight += 1
            connection.send(now, now, now, endpoint, request)
        else:
            self._idle.append(connection)

    def _settle(self, connection: Connection, *, ended: float, tier: int, outcome: int, status: int) -> None:
        """Write down what became of the request that a connection carries: the only place where one ends."""
        self._add((
            connection.planned, connection.dispatched, connection.sent, ended, connection.endpoint, tier, outcome, status,
        ))  # fmt: skip
        connection.sent = 0.0
        self.in_flight -= 1

    def _settle_waiting(self, outcome: Outcome, *, reason: str) -> None:
        code, now = OUTCOME_CODES[outcome], time.monotonic()
        while self._waiting:
            planned, dispatched, endpoint, _ = self._waiting.popleft()
            self._recorder.add_reason(f"{self._endpoints[endpoint]}: {reason}")
            self._add((planned, dispatched, 0.0, now, endpoint, NO_TIER, code, 0))

    def _sweep(self) -> None:
        """End requests that have been out for too long, and fold what was recorded."""
        timeout = self._part.limits.timeout_seconds
        oldest = time.monotonic() - timeout
        for connection in [each for each in self._pool.connections if 0.0 < each.sent <= oldest]:
            self.failed(connection, Outcome.TIMED_OUT, reason=f"no answer within {timeout:g} s")
        if self._recorder.wants_fold:
            self._recorder.fold()
        self._sweeping = self._loop.call_later(min(_SWEEP_SECONDS, timeout / 10), self._sweep)

    async def _wait_for_arrivals(self) -> None:
        while self._is_sending:
            left = self._end - time.monotonic()
            if left <= 0 and (self._part.is_closed_loop or self._upcoming.moment == math.inf):
                return
            # A sender that is behind still starts all that was due before the end.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), max(left, 0.005))

    async def _drain(self) -> None:
        patience = self._part.limits.drain_seconds
        if self._stopped.is_set():
            patience = min(patience, _STOPPED_DRAIN_SECONDS)
        deadline = time.monotonic() + patience
        while (self.in_flight or self._waiting) and time.monotonic() < deadline:  # noqa: ASYNC110 - a poll costs the load nothing
            await asyncio.sleep(0.005)

    def _censor(self) -> None:
        """Count what is still out with the time that it has waited: leaving it out would flatter the service."""
        for connection in [each for each in self._pool.connections if each.sent > 0.0]:
            self.failed(connection, Outcome.UNFINISHED, reason="still out when the run ended")
        self._settle_waiting(Outcome.UNFINISHED, reason="still waiting for a connection when the run ended")

    def _read_timing(self, lower: bytes, *, tier: int) -> None:
        self._until_timing = _TIMING_EVERY
        for stage, seconds in stages_of(lower):
            self._recorder.add_stage(tier=tier, stage=stage, seconds=seconds)
