"""When a collection is at rest: not at the first green look, never where its optimizer failed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.fakes.clock import FakeClock

from opsctl.clients.qdrant_errors import unreachable
from opsctl.clients.qdrant_values import CollectionState
from opsctl.vectors.rest import wait_for_rest

GREEN = CollectionState(
    name="x",
    status="green",
    optimizer_status="ok",
    points_count=9,
    indexed_vectors_count=9,
    segments_count=1,
    config={},
)
YELLOW, GREY, RED = (replace(GREEN, status=status) for status in ("yellow", "grey", "red"))
BROKEN = replace(YELLOW, optimizer_status="no space left on device")


@dataclass
class Scripted:
    """A store whose collection says one thing after the other, and the last one for ever; an error is raised."""

    says: list[CollectionState | Exception]
    changes: list[Mapping[str, Any]] = field(default_factory=list)

    def collection(self, name: str) -> CollectionState:
        """Return what comes next."""
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, Exception):
            raise said
        return said

    def update_collection(self, name: str, change: Mapping[str, Any]) -> None:
        """Note a change."""
        self.changes.append(change)


def statuses(seen: list[CollectionState]) -> Iterator[str]:
    """Yield what was heard of."""
    yield from (state.status for state in seen)


def test_one_green_look_between_two_steps_of_the_optimizer_is_no_rest() -> None:
    """Two in a row are, and every look is heard of."""
    seen: list[CollectionState] = []
    store = Scripted([YELLOW, GREEN, YELLOW, GREEN, GREEN, RED])

    rest = wait_for_rest("x", store=store, clock=FakeClock(), seconds=60, on_look=seen.append)

    assert (rest.is_reached, rest.state) == (True, GREEN)
    assert list(statuses(seen)) == ["yellow", "green", "yellow", "green", "green"]


@pytest.mark.parametrize("failed", [RED, BROKEN], ids=["red", "broken"])
def test_an_optimizer_that_has_failed_is_told_at_once(failed: CollectionState) -> None:
    """Waiting would not help."""
    clock = FakeClock()

    rest = wait_for_rest("x", store=Scripted([YELLOW, failed, GREEN]), clock=clock, seconds=600)

    assert (rest.is_reached, rest.state.has_failed) == (False, True)
    assert clock.seconds < 1


def test_a_collection_that_never_rests_is_waited_for_so_long() -> None:
    """With what it said last."""
    clock = FakeClock()

    rest = wait_for_rest("x", store=Scripted([YELLOW]), clock=clock, seconds=30)

    assert (rest.is_reached, rest.state) == (False, YELLOW)
    assert 30 <= clock.seconds < 31


def test_a_grey_collection_is_woken() -> None:
    """It waits for any update before it optimizes again."""
    store = Scripted([GREY, YELLOW, GREEN])

    rest = wait_for_rest("x", store=store, clock=FakeClock(), seconds=30)

    assert rest.is_reached
    assert store.changes == [{"optimizers_config": {}}]


def test_a_server_that_is_away_for_a_moment_ends_no_wait() -> None:
    """Half an hour of indexing is not lost to one refused connection."""
    away = unreachable("http://localhost", doing="look", why="connection refused")

    rest = wait_for_rest("x", store=Scripted([YELLOW, away, GREEN]), clock=FakeClock(), seconds=60)

    assert rest.is_reached
