"""A copy gives way to those who search: the gate is shut while the live alias is slow or does not answer."""

from dataclasses import dataclass, field

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.vector_store import FakeVectorStore

from opsctl.clients.qdrant_errors import refused, unreachable
from opsctl.clients.qdrant_values import Found, Query
from opsctl.core.errors import OpsError
from opsctl.qdrant_collections.guard import LiveGuard


@dataclass
class Alias(FakeVectorStore):
    """An alias whose searches take as long as is set, or fail."""

    seconds: float = 0.001
    error: OpsError | None = None
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def query(self, name: str, query: Query) -> Found:
        """Answer as set."""
        self.asked.append(name)
        if self.error is not None:
            raise self.error
        return Found(ids=(), scores=(), engine_seconds=self.seconds, client_seconds=self.seconds)


def a_guard(store: Alias, clock: FakeClock) -> LiveGuard:
    """Return a guard that allows 10 ms."""
    queries = [Query(vector=[1.0], limit=10)] * 3
    return LiveGuard(store=store, clock=clock, alias="au", queries=queries, max_p95_seconds=0.01)


def test_the_gate_is_shut_while_searches_are_slow() -> None:
    """It opens again when they are fast, and the pause is counted."""
    store, clock = Alias(), FakeClock()
    guard = a_guard(store, clock)

    seen = []
    for seconds in (0.001, 0.5, 0.5, 0.001):
        store.seconds = seconds
        guard.check()
        seen.append(guard.gate.is_set())
        clock.sleep(2)

    assert seen == [True, False, False, True]
    assert (guard.pauses, round(guard.paused_seconds)) == (1, 4)


def test_it_does_not_probe_more_often_than_once_a_second() -> None:
    """The guard itself must not be the load."""
    store, clock = Alias(), FakeClock()
    guard = a_guard(store, clock)

    for _ in range(10):
        guard.check()

    assert store.asked == ["au"] * 3


def test_a_live_alias_that_does_not_answer_pauses_the_copy() -> None:
    """A shaken server is not a reason to fail; one that refuses is."""
    store, clock = Alias(error=unreachable("http://x", doing="search", why="gone")), FakeClock()
    guard = a_guard(store, clock)

    guard.check()
    assert not guard.gate.is_set()

    clock.sleep(2)
    store.error = refused(404, b"", doing="search", url="http://x")
    with pytest.raises(OpsError) as caught:
        guard.check()
    assert caught.value.code == "COL006"
