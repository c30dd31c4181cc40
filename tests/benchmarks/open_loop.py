"""Sends requests at planned times, whether or not answers come back, and times each from when it was planned."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np


@dataclass(kw_only=True)
class Load:
    """What came back; latencies in seconds, from the planned start of each request."""

    planned: int
    seconds: float
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    caches: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    late_starts: int = 0

    @property
    def achieved_rate(self) -> float:
        """Return answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def errors(self) -> int:
        """Return the answers that were not 200, and those that never came."""
        return self.lost + sum(count for status, count in self.statuses.items() if status != 200)

    def quantile_milliseconds(self, share: float) -> float:
        """Return a quantile of the latency."""
        return float(np.quantile(self.latencies, share)) * 1000 if self.latencies else float("nan")

    def hit_ratio(self, *outcomes: str) -> float:
        """Return the share of answers whose `X-Cache` is one of these."""
        return sum(self.caches[outcome] for outcome in outcomes) / max(1, sum(self.caches.values()))


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, sender: "_Sender") -> None:
        self._sender = sender
        self._buffer = b""
        self._planned = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own class is not a subclass

    def connection_lost(self, exc: Exception | None) -> None:
        self._sender.closed(self, busy=self._planned > 0)

    def send(self, request: bytes, *, planned: float) -> None:
        assert self.transport is not None
        self._planned = planned
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end].lower()
        length = int(_header(head, b"content-length") or 0)
        if len(self._buffer) < head_end + 4 + length:
            return
        self._buffer = b""
        planned, self._planned = self._planned, 0.0
        self._sender.answered(self, planned=planned, status=int(head[9:12]), cache=_header(head, b"x-cache"))


def _header(head: bytes, name: bytes) -> bytes:
    begin = head.find(b"\r\n" + name + b":")
    if begin < 0:
        return b""
    end = head.find(b"\r\n", begin + 2)
    return head[begin + len(name) + 3 : end if end > 0 else None].strip()


class _Sender:
    def __init__(self, load: Load, requests: Sequence[bytes]) -> None:
        self._load = load
        self._requests = requests
        self._idle: list[_Connection] = []
        self._waiting: deque[tuple[float, bytes]] = deque()
        self.outstanding = 0

    def add(self, connection: _Connection) -> None:
        self._idle.append(connection)

    def start(self, number: int, *, planned: float) -> None:
        """Send the next request now, or as soon as a connection is free; its clock runs either way."""
        self.outstanding += 1
        request = self._requests[number % len(self._requests)]
        if self._idle:
            self._idle.pop().send(request, planned=planned)
        else:
            self._load.late_starts += 1
            self._waiting.append((planned, request))

    def answered(self, connection: _Connection, *, planned: float, status: int, cache: bytes) -> None:
        self.outstanding -= 1
        self._load.latencies.append(time.perf_counter() - planned)
        self._load.statuses[status] += 1
        self._load.caches[cache.decode().upper()] += 1
        if self._waiting:
            next_planned, request = self._waiting.popleft()
            connection.send(request, planned=next_planned)
        else:
            self._idle.append(connection)

    def closed(self, connection: _Connection, *, busy: bool) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        if busy:
            self.outstanding -= 1
            self._load.lost += 1


async def _run(
    host: str, *, port: int, requests: Sequence[bytes], rate: float, seconds: float, connections: int
) -> Load:
    load = Load(planned=int(rate * seconds), seconds=seconds)
    sender = _Sender(load, requests)
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: _Connection(sender), host, port) for _ in range(connections)]
    for _, connection in made:
        sender.add(connection)
    began = time.perf_counter()
    started = 0
    while started < load.planned:
        due = min(load.planned, int((time.perf_counter() - began) * rate) + 1)
        while started < due:
            sender.start(started, planned=began + started / rate)
            started += 1
        # uvloop's timers count milliseconds: less than one would spin and take a core from what is measured.
        await asyncio.sleep(max(0.001, began + started / rate - time.perf_counter()))
    patience = time.perf_counter() + 10.0
    while sender.outstanding > 0 and time.perf_counter() < patience:  # noqa: ASYNC110 - a poll costs the load nothing
        await asyncio.sleep(0.01)
    load.lost += sender.outstanding
    load.seconds = max(seconds, time.perf_counter() - began - 0.01)
    for transport, _ in made:
        transport.close()
    return load


def run_load(
    host: str, *, port: int, requests: Sequence[bytes], rate: float, seconds: float, connections: int = 64
) -> Load:
    """Send `rate` requests a second for `seconds`, going round `requests`, and return what came back."""
    import uvloop

    return uvloop.run(
        _run(host, port=port, requests=requests, rate=rate, seconds=seconds, connections=connections)
    )


def get(path: str, *, host: str, key: str = "") -> bytes:
    """Return the bytes of a GET request."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n".encode()
