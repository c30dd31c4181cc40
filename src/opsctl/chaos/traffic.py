"""Who asks for feeds while faults are made: readers who come back and readers who never came, at a steady pace."""

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import httpx

_TIMEOUT_SECONDS = 10.0
_MOST_AT_ONCE = 200
_FIRST_NEW_READER = 1_000_000
_TICK_SECONDS = 0.05


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


class Traffic:
    """Sends requests from a thread of its own: `with Traffic(url, key=key) as traffic: traffic.change(...)`.

    A request that would be the 201st at once is not sent and counted, so a service that hangs cannot make this grow.

    Args:
        url: address of the service.
        key: an API key whose limit is out of the way.
        known_readers: readers with these many ids come back.
    """

    def __init__(self, url: str, *, key: str, known_readers: int) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}
        self._returning_ids = _in_turns(known_readers)
        self._new_ids = count(_FIRST_NEW_READER)
        self._rates = (0.0, 0.0)
        self._tally = Tally()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send()), name="readers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=_TIMEOUT_SECONDS + 5)

    def change(self, *, returning: float, new: float) -> None:
        """Let so many readers of each kind ask a second, from now on."""
        self._rates = (returning, new)

    def begin_tally(self) -> Tally:
        """Return a tally that counts from now on, instead of the one before."""
        self._tally = Tally()
        return self._tally

    async def _send(self) -> None:
        import httpx

        limits = httpx.Limits(max_connections=_MOST_AT_ONCE)
        async with httpx.AsyncClient(
            timeout=_TIMEOUT_SECONDS, limits=limits, headers=self._headers
        ) as client:
            tasks: set[asyncio.Task[None]] = set()
            due = [0.0, 0.0]
            last = time.monotonic()
            while not self._stop.is_set():
                await asyncio.sleep(_TICK_SECONDS)
                now = time.monotonic()
                for kind, readers in enumerate((self._returning_ids, self._new_ids)):
                    due[kind] += self._rates[kind] * (now - last)
                    while due[kind] >= 1:
                        due[kind] -= 1
                        self._ask(client, next(readers), tasks)
                last = now
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, client: "httpx.AsyncClient", reader: int, tasks: set[asyncio.Task[None]]) -> None:
        if len(tasks) >= _MOST_AT_ONCE:
            self._tally.unsent += 1
            return
        task = asyncio.create_task(self._feed(client, reader))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _feed(self, client: "httpx.AsyncClient", reader: int) -> None:
        import httpx

        tally = self._tally
        try:
            answer = await client.get(f"{self._url}/v1/feed/{reader}")
            is_good = answer.status_code == httpx.codes.OK
        except httpx.HTTPError:
            is_good = False
        if is_good:
            tally.answered += 1
            return
        tally.failed += 1
        tally.first_failure = tally.first_failure or time.monotonic()


def _in_turns(readers: int) -> Iterator[int]:
    while True:
        yield from range(1, readers + 1)
