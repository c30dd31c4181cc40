"""The whole way of a request in one process: the real edge and the real API over a service in memory."""

import os
from hashlib import sha256
from pathlib import Path

from tests.fakes.service_ports import FakeService, filled_service

from opsctl.service.api.app import make_api
from opsctl.service.book import ServiceBook
from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.memory import MemoryTier
from opsctl.service.cache.policy import CacheBook
from opsctl.service.edge.app import Edge
from opsctl.service.edge.assemble import Clocks, make_edge, make_keys
from opsctl.service.edge.key_model import KeyRecord
from opsctl.service.edge.options import edge_options
from opsctl.service.telemetry.meters import Meters
from opsctl.store.content_writes import Content, NewContent

KEY = f"opk_abcdefgh_{'s' * 32}"
SCOPES = frozenset({"feed:read", "interactions:write", "content:read", "content:write"})
FOLDER_VARIABLE = "OPSCTL_TEST_SERVED_FOLDER"


class OneKey:
    """A database with a single key, which may do everything."""

    async def find(self, prefix: str) -> KeyRecord | None:
        """Return the key of this prefix."""
        if prefix != "abcdefgh":
            return None
        return KeyRecord(prefix=prefix, hash=sha256(KEY.encode()).digest(), plan="bench", scopes=SCOPES)


class InvalidatingContents:
    """Contents whose changes reach L1, as those of the real service do."""

    def __init__(self, service: FakeService, journal: InvalidationJournal) -> None:
        self._service = service
        self._journal = journal

    async def read(self, content_id: int) -> Content | None:
        """Return an item."""
        return await self._service.read(content_id)

    async def write(self, content_id: int, new: NewContent) -> tuple[Content, bool]:
        """Insert or replace an item."""
        written = await self._service.write(content_id, new)
        self._journal.post(f"tag:content-{content_id}")
        return written

    async def delete(self, content_id: int) -> bool:
        """Remove an item."""
        was_there = await self._service.delete(content_id)
        self._journal.post(f"tag:content-{content_id}")
        return was_there


def make_served() -> Edge:
    """Return the application that granian runs."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    meters, clocks = Meters(), Clocks()
    book, cache_book = ServiceBook(), CacheBook()
    service = filled_service()
    journal = InvalidationJournal(folder / "invalidations")
    api = make_api(
        feeds=service,
        interactions=service,
        contents=InvalidatingContents(service, journal),
        readiness=service,
        book=book,
        cache_book=cache_book,
        meters=meters,
    )
    options = edge_options(book, cache_book)
    memory = MemoryTier(bytes_limit=cache_book.l1_bytes, now=clocks.now, evicted=lambda _: None)
    return make_edge(
        api,  # type: ignore[arg-type]  # Starlette calls a scope any mutable mapping, the edge a dict
        options=options,
        keys=make_keys(OneKey(), options=options, clocks=clocks),
        memory=InvalidatedMemory(memory, journal, meters=meters),
        limits_file=folder / "limits",
        meters=meters,
        log=lambda _: None,
        clocks=clocks,
    )
