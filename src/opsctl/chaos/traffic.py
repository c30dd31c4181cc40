"""Who asks while faults are made: readers who come back and readers who never came, at a steady pace, and others beside."""

import asyncio
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, cycle
from typing import TYPE_CHECKING, Any, Self

from opsctl.chaos.pressing import PRESSES
from opsctl.chaos.sample import Sample

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

_TIMEOUT_SECONDS = 10.0
_MOST_AT_ONCE = 400
# httpx looks through all requests of a client whenever one begins or ends, which takes its time with hundreds of them.
_CLIENTS = 16
_FIRST_NEW_READER = 1_000_000
_TICK_SECONDS = 0.05
_MOST_SAMPLES = 200_000
# What the service says of an answer that was not made for its request.
_CACHED = frozenset({"HIT-L1", "STALE"})


@dataclass(slots=True)
class Tally:
    """What readers saw since the tally began; times are seconds of the monotonic clock."""

    began: float = field(default_factory=time.monotonic)
    answered: int = 0
    failed: int = 0
    unsent: int = 0
    first_failure: float | None = None

    @property
    def failed_share(self) -> float:
        """Return the part of the requests that did not end in a feed."""
        total = self.answered + self.failed
        return self.failed / total if total else 0.0


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

    A request beyond those that may be under way at once is not sent and counted, so a service that hangs cannot make
    this grow; the oldest samples that nobody takes are forgotten.

    Args:
        url: address of the service.
        key: an API key whose limit is out of the way.
        known_readers: readers with these many ids come back.
    """

    def __init__(self, url: str, *, key: str, known_readers: int) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}
        self._known_readers = known_readers
        self._returning_ids = _in_turns(known_readers)
        self._new_ids = count(_FIRST_NEW_READER)
        self._rates = Rates()
        self._tally = Tally()
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
    def rates(self) -> Rates:
        """Return how often is asked now."""
        return self._rates

    def change(self, rates: Rates) -> None:
        """Let readers ask like this, from now on."""
        self._rates = rates

    def begin_tally(self) -> Tally:
        """Return a tally that counts from now on, instead of the one before."""
        self._tally = Tally()
        return self._tally

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
            clients = cycle(
                [await closing.enter_async_context(self._client(certificates)) for _ in range(_CLIENTS)]
            )
            tasks: set[asyncio.Task[None]] = set()
            due: dict[str, float] = {}
            last = time.monotonic()
            while not self._stop.is_set():
                await asyncio.sleep(_TICK_SECONDS)
                now = time.monotonic()
                self._lag_seconds = max(self._lag_seconds, now - last - _TICK_SECONDS)
                for kind, per_second, ask in self._kinds(clients):
                    due[kind] = min(due.get(kind, 0.0) + per_second * (now - last), _MOST_AT_ONCE)
                    while due[kind] >= 1:
                        due[kind] -= 1
                        self._begin(ask(), tasks)
                last = now
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _client(self, certificates: "SSLContext") -> "httpx.AsyncClient":
        import httpx

        return httpx.AsyncClient(
            base_url=self._url,
            timeout=_TIMEOUT_SECONDS,
            limits=httpx.Limits(max_connections=_MOST_AT_ONCE // _CLIENTS),
            headers=self._headers,
            trust_env=False,
            verify=certificates,
        )

    def _kinds(
        self, clients: "Iterator[httpx.AsyncClient]"
    ) -> list[tuple[str, float, Callable[[], Coroutine[Any, Any, None]]]]:
        rates = self._rates
        kinds: list[tuple[str, float, Callable[[], Coroutine[Any, Any, None]]]] = [
            (
                "returning",
                rates.returning,
                lambda: self._feed(next(clients), next(self._returning_ids), "returning"),
            ),
            ("new", rates.new, lambda: self._feed(next(clients), next(self._new_ids), "new")),
            ("interaction", rates.interactions, lambda: self._interaction(next(clients))),
        ]
        if rates.press:
            kinds.append(
                (
                    "press",
                    rates.press_per_second,
                    lambda: PRESSES[rates.press](next(clients), self._known_readers),
                )
            )
        return kinds

    def _begin(self, asking: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        if len(tasks) >= _MOST_AT_ONCE:
            asking.close()
            self._tally.unsent += 1
            return
        task = asyncio.create_task(asking)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _feed(self, client: "httpx.AsyncClient", reader: int, kind: str) -> None:
        tally = self._tally
        is_good = await self._try(lambda: client.get(f"/v1/feed/{reader}"), kind=kind)
        if is_good:
            tally.answered += 1
            return
        tally.failed += 1
        tally.first_failure = tally.first_failure or time.monotonic()

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

    async def _try(self, send: "Callable[[], Coroutine[Any, Any, httpx.Response]]", *, kind: str) -> bool:
        """Send a request, again while it fails and the client would; tell whether it was answered in the end."""
        for attempt in range(self._rates.retries + 1):
            sample = await _sampled(send, kind=kind, is_retry=attempt > 0)
            self._samples.append(sample)
            if sample.is_answered or sample.status in range(400, 500):
                return sample.is_answered
        return False


async def _sampled(
    send: "Callable[[], Coroutine[Any, Any, httpx.Response]]", *, kind: str, is_retry: bool
) -> Sample:
    import httpx

    at, began = time.time(), time.monotonic()
    try:
        answer = await send()
    except httpx.HTTPError:
        return Sample(at=at, seconds=time.monotonic() - began, status=0, kind=kind, is_retry=is_retry)
    seconds = time.monotonic() - began
    if kind == "interaction" or answer.status_code != httpx.codes.OK:
        return Sample(at=at, seconds=seconds, status=answer.status_code, kind=kind, is_retry=is_retry)
    feed = answer.json()
    cache = answer.headers.get("x-cache", "")
    return Sample(
        at=at,
        seconds=seconds,
        status=answer.status_code,
        tier=str(feed["tier"]),
        is_stale=cache == "STALE",
        items=len(feed["items"]),
        is_retry=is_retry,
        kind=kind,
        is_cached=cache in _CACHED,
    )


def _in_turns(readers: int) -> Iterator[int]:
    while True:
        yield from range(1, readers + 1)
