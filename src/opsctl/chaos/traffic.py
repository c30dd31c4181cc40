"""Who asks while faults are made: readers who come back and readers who never came, at a steady pace, and others beside."""

import asyncio
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, cycle
from typing import TYPE_CHECKING, Any, Self

from opsctl.chaos.pressing import PRESSES
from opsctl.chaos.sample import NoFeed, Sample
from opsctl.chaos.sampling import sampled
from opsctl.chaos.steady_clock import SteadyClock
from opsctl.core.clock import SystemClock

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

_TIMEOUT_SECONDS = 10.0
_MOST_AT_ONCE = 400
# Of those who press; they have their own places and connections, or readers would be counted as hanging behind them.
_MOST_PRESSING_AT_ONCE = 200
# httpx looks through all requests of a client whenever one begins or ends, which takes its time with hundreds of them.
_REQUESTS_A_CLIENT = 25
_FIRST_NEW_READER = 1_000_000
_TICK_SECONDS = 0.05
_MOST_SAMPLES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often each kind of request is sent, a second; `retries` is how often a failed one is sent again."""

    returning: float = 0.0
    new: float = 0.0
    interactions: float = 0.0
    retries: int = 0
    press: str = ""
    press_per_second: float = 0.0


class Traffic:
    """Sends requests from a thread of its own: `with Traffic(url, key=key) as traffic: traffic.change(...)`.

    A reader beyond those who may wait at once is not sent, so a service that hangs cannot make this grow; they are samples
    all the same, and bad ones. Who presses is never a sample. The oldest samples that nobody takes are forgotten.

    Args:
        url: address of the service.
        key: an API key whose limit is out of the way.
        known_readers: readers with these many ids come back.
        most_at_once: so many readers may wait at once.
    """

    def __init__(self, url: str, *, key: str, known_readers: int, most_at_once: int = _MOST_AT_ONCE) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}
        self._known_readers = known_readers
        self._most_at_once = most_at_once
        self._clock = SteadyClock(SystemClock())
        self._returning_ids = _in_turns(known_readers)
        self._new_ids = count(_FIRST_NEW_READER)
        self._rates = Rates()
        self._samples: deque[Sample] = deque(maxlen=_MOST_SAMPLES)
        self._lag_seconds = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send()), name="readers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=_TIMEOUT_SECONDS + 5)

    @property
    def url(self) -> str:
        """Return the address of the service that is asked."""
        return self._url

    @property
    def headers(self) -> dict[str, str]:
        """Return what tells the service who asks."""
        return self._headers

    @property
    def rates(self) -> Rates:
        """Return how often is asked now."""
        return self._rates

    def change(self, rates: Rates) -> None:
        """Let readers ask like this, from now on."""
        self._rates = rates

    def follow(self, clock: SteadyClock) -> None:
        """Stamp samples with the time of whoever watches, from now on."""
        self._clock = clock

    def take_lag_seconds(self) -> float:
        """Return how late this sender itself was since the last call: what it measured meanwhile is its own slowness too."""
        lag, self._lag_seconds = self._lag_seconds, 0.0
        return lag

    def take_samples(self) -> list[Sample]:
        """Return the requests that ended since the last call."""
        return [self._samples.popleft() for _ in range(len(self._samples))]

    async def _send(self) -> None:
        import httpx

        certificates = httpx.create_ssl_context()  # read once for all clients
        async with AsyncExitStack() as closing:
            readers = await self._clients(self._most_at_once, certificates, closing)
            pressers = await self._clients(_MOST_PRESSING_AT_ONCE, certificates, closing)
            waiting: set[asyncio.Task[None]] = set()
            pressing: set[asyncio.Task[None]] = set()
            due: dict[str, float] = {}
            last = time.monotonic()
            while not self._stop.is_set():
                await asyncio.sleep(_TICK_SECONDS)
                now = time.monotonic()
                self._lag_seconds = max(self._lag_seconds, now - last - _TICK_SECONDS)
                for kind, per_second, ask in self._kinds(readers):
                    for _ in range(_due(due, kind, per_second * (now - last))):
                        self._let_read(kind, ask, waiting)
                rates = self._rates
                for _ in range(_due(due, "press", rates.press_per_second * (now - last))):
                    if rates.press and len(pressing) < _MOST_PRESSING_AT_ONCE:
                        _begin(PRESSES[rates.press](next(pressers), self._known_readers), pressing)
                last = now
            tasks = waiting | pressing
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _clients(
        self, most_at_once: int, certificates: "SSLContext", closing: AsyncExitStack
    ) -> "Iterator[httpx.AsyncClient]":
        number = -(-most_at_once // _REQUESTS_A_CLIENT)
        return cycle([await closing.enter_async_context(self._client(certificates)) for _ in range(number)])

    def _client(self, certificates: "SSLContext") -> "httpx.AsyncClient":
        import httpx

        return httpx.AsyncClient(
            base_url=self._url,
            timeout=_TIMEOUT_SECONDS,
            limits=httpx.Limits(max_connections=_REQUESTS_A_CLIENT),
            headers=self._headers,
            trust_env=False,
            verify=certificates,
        )

    def _kinds(
        self, clients: "Iterator[httpx.AsyncClient]"
    ) -> list[tuple[str, float, Callable[[], Coroutine[Any, Any, None]]]]:
        rates = self._rates
        return [
            (
                "returning",
                rates.returning,
                lambda: self._feed(next(clients), next(self._returning_ids), "returning"),
            ),
            ("new", rates.new, lambda: self._feed(next(clients), next(self._new_ids), "new")),
            ("interaction", rates.interactions, lambda: self._interaction(next(clients))),
        ]

    def _let_read(
        self,
        kind: str,
        ask: Callable[[], Coroutine[Any, Any, None]],
        waiting: set[asyncio.Task[None]],
    ) -> None:
        if len(waiting) < self._most_at_once:
            _begin(ask(), waiting)
            return
        # Whoever cannot even ask, because all the others hang, gets no feed either.
        self._samples.append(Sample(at=self._clock.at(), seconds=0.0, status=NoFeed.UNSENT, kind=kind))

    async def _feed(self, client: "httpx.AsyncClient", reader: int, kind: str) -> None:
        await self._try(lambda: client.get(f"/v1/feed/{reader}"), kind=kind)

    async def _interaction(self, client: "httpx.AsyncClient") -> None:
        reader = next(self._returning_ids)
        body = {
            "interactions": [
                {
                    "idempotency_key": f"drill-{uuid.uuid4().hex}",
                    "kind": "view",
                    "user_id": reader,
                    "content_id": 1 + reader % 1000,
                    "occurred_at": datetime.now(UTC).isoformat(),
                }
            ]
        }
        await self._try(lambda: client.post("/v1/interactions", json=body), kind="interaction")

    async def _try(self, send: "Callable[[], Coroutine[Any, Any, httpx.Response]]", *, kind: str) -> None:
        """Send a request, again while it fails and the client would."""
        for attempt in range(self._rates.retries + 1):
            sample = await sampled(send, kind=kind, is_retry=attempt > 0, clock=self._clock)
            self._samples.append(sample)
            if sample.is_answered or sample.status in range(400, 500):
                return


def _due(due: dict[str, float], kind: str, more: float) -> int:
    """Return how many requests of a kind are to be sent now, and keep the part of one that is left."""
    owed = min(due.get(kind, 0.0) + more, _MOST_AT_ONCE)
    due[kind] = owed % 1
    return int(owed)


def _begin(asking: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(asking)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _in_turns(readers: int) -> Iterator[int]:
    while True:
        yield from range(1, readers + 1)
