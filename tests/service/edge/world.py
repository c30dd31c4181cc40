"""A whole edge around a small real application, with clocks that stand still, called over ASGI directly."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from opsctl.service.book import ServiceBook
from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.memory import MemoryTier
from opsctl.service.cache.policy import CacheBook
from opsctl.service.edge.assemble import Clocks, make_edge, make_keys
from opsctl.service.edge.key_model import KeyRecord
from opsctl.service.edge.options import edge_options
from opsctl.service.telemetry.exemplars import Exemplars
from opsctl.service.telemetry.meters import Meters

if TYPE_CHECKING:
    from opsctl.service.telemetry.facts import RequestFacts

KEY = f"opk_goodkey1_{'s' * 32}"
ALL_SCOPES = frozenset({"feed:read", "interactions:write", "content:read", "content:write"})
T = TypeVar("T")


def key_record(key: str = KEY, **changes: Any) -> KeyRecord:
    """Give what the database would say of a key."""
    known = {"plan": "free", "scopes": ALL_SCOPES} | changes
    return KeyRecord(prefix=key[4:12], hash=sha256(key.encode()).digest(), **known)


@dataclass
class Keys:
    """A table of keys that can be out of reach; it counts how often it is asked."""

    records: dict[str, KeyRecord] = field(default_factory=dict)
    is_gone: bool = False
    asked: list[str] = field(default_factory=list)
    wait: Callable[[], Awaitable[None]] | None = None

    async def find(self, prefix: str) -> KeyRecord | None:
        """Look a key up."""
        self.asked.append(prefix)
        if self.wait is not None:
            await self.wait()
        if self.is_gone:
            raise ConnectionError("the database is gone")
        return self.records.get(prefix)


@dataclass
class Time:
    """A clock that stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@dataclass
class Reply:
    """An answer as the client gets it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    messages: list[dict[str, Any]]

    def __getitem__(self, name: str) -> str:
        """Return a header, which must be there once."""
        [value] = [value for found, value in self.headers if found == name]
        return value

    def has(self, name: str) -> bool:
        """Tell whether a header is there."""
        return any(found == name for found, _ in self.headers)

    @property
    def document(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass
class FakeApi:
    """The application behind the edge; what it answers can be changed, what it was asked is kept."""

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    tags: str | None = "user-{user},content-7,content-8"
    asked: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    finished: int = 0
    before: Callable[[], Awaitable[None]] | None = None
    error: Exception | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        self.asked.append(scope)
        if scope["type"] == "lifespan":
            return
        self.bodies.append((await receive())["body"])
        if self.before is not None:
            await self.before()
        if self.error is not None:
            raise self.error
        user = scope["path"].rpartition("/")[2]
        headers = {"content-type": "application/json", "x-cache": "MISS"} | self.headers
        if self.tags is not None and scope["path"].startswith("/v1/feed/"):
            headers["cache-tag"] = self.tags.format(user=user)
        body = b'{"made":%d,"user":"%s"}' % (len(self.asked), user.encode())
        body = body if self.body is None else self.body
        headers["content-length"] = str(len(body))
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": body})
        self.finished += 1


class World(AbstractContextManager["World"]):
    """An edge, what stands behind it, and what it told metrics and log."""

    def __init__(
        self,
        *,
        service: ServiceBook | None = None,
        cache: CacheBook | None = None,
        exemplars: Exemplars | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self.time, self.wall, self.random = Time(), Time(1_800_000_000.0), Time(0.0)
        self.api = FakeApi()
        self.source = Keys({"goodkey1": key_record()})
        self.meters = Meters()
        self.logged: list[RequestFacts] = []
        self.journal = InvalidationJournal(folder / "invalidations")
        memory = MemoryTier(bytes_limit=1 << 24, now=self.time, evicted=lambda _: None)
        self.memory = InvalidatedMemory(memory, self.journal, meters=self.meters)
        options = edge_options(service or ServiceBook(), cache or CacheBook())
        clocks = Clocks(precise=self.time, now=self.time, wall=self.wall, random=self.random)
        self.keys = make_keys(self.source, options=options, clocks=clocks)
        self.edge = make_edge(
            self.api,
            options=options,
            keys=self.keys,
            memory=self.memory,
            limits_file=folder / "limits",
            meters=self.meters,
            log=self.logged.append if exemplars is None else exemplars.note,
            exemplars=exemplars,
            clocks=clocks,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.journal.close()
        self._folder.cleanup()

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        key: str | None = KEY,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        receive: Any = None,
    ) -> Reply:
        """Send one request and return the answer."""
        path, _, query = path.partition("?")
        raw = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in (headers or {}).items()
        ]
        if key is not None:
            raw.append((b"authorization", f"Bearer {key}".encode()))
        if body:
            raw.append((b"content-length", b"%d" % len(body)))
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": raw,
        }
        messages: list[dict[str, Any]] = []

        async def give() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def take(message: dict[str, Any]) -> None:
            messages.append(message)

        await self.edge(scope, receive or give, take)
        start: dict[str, Any] = messages[0] if messages else {"status": 0, "headers": []}
        return Reply(
            status=start["status"],
            headers=[(name.decode(), value.decode("latin-1")) for name, value in start["headers"]],
            body=b"".join(message.get("body", b"") for message in messages[1:]),
            messages=messages,
        )

    def counted(self, name: str, **labels: str) -> float:
        """Return a sample of the metrics."""
        self.edge.write_figures()
        return self.meters.registry.get_sample_value(f"ranking_{name}", labels) or 0.0


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine in a loop of its own."""
    return asyncio.run(coroutine)


async def let_others_run() -> None:
    """Give background tasks their turn."""
    for _ in range(20):
        await asyncio.sleep(0)
