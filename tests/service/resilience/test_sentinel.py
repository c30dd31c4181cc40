"""The sentinel: it finds wrong answers that look right, and only those."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from opsctl.clients.qdrant_async import Hits
from opsctl.core.errors import NotReadyError
from opsctl.service.resilience.known_items import KnownItems
from opsctl.service.resilience.sentinel import Sentinel
from opsctl.service.resilience.unconfirmed import Unconfirmed
from opsctl.service.telemetry.meters import Meters

ITEMS = 12


class Database:
    """Knows twelve items; `shift` moves what searches answer, `id_shift` also what reads by id do."""

    def __init__(self) -> None:
        self.shift = 0
        self.id_shift = 0
        self.is_gone = False
        self.stored = {item: np.eye(2 * ITEMS, dtype=np.float32)[item] for item in range(ITEMS)}

    async def vectors(self, collection: str, ids: Sequence[int]) -> dict[int, Any]:
        """Return what is stored."""
        if self.is_gone:
            raise NotReadyError("gone", code="COL001")
        return {item + self.id_shift: self.stored[item] for item in ids if item in self.stored}

    async def search(self, collection: str, *, vector: Any, limit: int) -> Hits:
        """Return the nearest item, or another one, or nothing where there is none."""
        if self.is_gone:
            raise NotReadyError("gone", code="COL001")
        nearest = max(self.stored, key=lambda item: float(self.stored[item] @ vector), default=None)
        ids = () if nearest is None else (nearest + self.shift,)
        return Hits(ids=ids, scores=(1.0,) * len(ids), engine_seconds=0.0, client_seconds=0.0)

    def embed_anew(self, *items: int) -> None:
        """Give items another vector."""
        for item in items:
            self.stored[item] = np.eye(2 * ITEMS, dtype=np.float32)[item + ITEMS]


class Isolated:
    """Remembers what was isolated."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def isolate(self, name: str, *, seconds: float, owner: str, reason: str) -> None:
        """Remember it."""
        assert name == "vectors"
        assert seconds > 2.0, "longer than until the next look"
        self.reasons.append(reason)


class Scene:
    """A sentinel that looks each two seconds."""

    def __init__(self, *, popular: Sequence[int] = range(10)) -> None:
        self.database, self.isolated, self.meters = Database(), Isolated(), Meters()
        self.popular = popular
        self.unconfirmed = Unconfirmed()
        self.dropped: list[tuple[int, ...]] = []
        self.can_drop = True
        self.sentinel = Sentinel(
            KnownItems(
                self.database,  # type: ignore[arg-type]
                collection="content",
                popular=lambda: self.popular,
            ),
            protection=self.isolated,
            unconfirmed=self.unconfirmed,
            distrust=self._distrust,
            every_seconds=2.0,
            meters=self.meters,
        )

    async def _distrust(self, ids: Sequence[int]) -> bool:
        self.dropped.append(tuple(ids))
        return self.can_drop

    def look(self) -> bool:
        """Look once."""
        return asyncio.run(self.sentinel.look())


def test_wrong_items_with_good_scores_isolate_the_vectors_until_they_are_right_again() -> None:
    """Each look that finds them prolongs it."""
    scene = Scene()
    looks = [scene.look()]
    scene.database.shift = 3
    looks += [scene.look(), scene.look()]
    value = scene.meters.registry.get_sample_value("ranking_sentinel_ok")
    scene.database.shift = 0
    looks.append(scene.look())

    assert looks == [True, False, False, True]
    assert scene.isolated.reasons == ["0 of 5 items are their own nearest neighbours"] * 2
    assert value == 0


def test_a_sentinel_that_has_not_looked_yet_tells_of_no_lie() -> None:
    """Where the book wants none it never looks, and its gauge must not raise an alert for ever."""
    assert Scene().meters.registry.get_sample_value("ranking_sentinel_ok") == 1


def test_a_database_that_exchanges_ids_everywhere_is_found_at_once_and_never_believed() -> None:
    """Reads by id bring other items too; however often it is asked, it is not taken for a catalogue that changed."""
    scene = Scene()
    assert scene.look()
    scene.database.shift = scene.database.id_shift = 3

    assert not any(scene.look() for _ in range(70))

    scene.database.shift = scene.database.id_shift = 0
    assert scene.look()


def test_a_worker_that_starts_during_a_lie_finds_it() -> None:
    """It has never seen the truth, but an item that is asked for by its id is that item."""
    scene = Scene()
    scene.database.id_shift = 3
    assert not scene.look()


@pytest.mark.parametrize("number", [1, 3, 5])
def test_popular_items_that_are_gone_are_no_lie(number: int) -> None:
    """Three of five that were removed would look like shuffled ids, and others are known in their place."""
    scene = Scene()
    assert scene.look()
    for item in range(number):
        del scene.database.stored[item]

    assert [scene.look(), scene.look()] == [True, True]
    assert scene.isolated.reasons == []
    scene.database.shift = 3
    assert not scene.look()
    assert len(scene.isolated.reasons) == 1


def test_popular_items_with_a_new_vector_are_no_lie() -> None:
    """The others still are as they were."""
    scene = Scene()
    assert scene.look()
    scene.database.embed_anew(0, 1, 2)
    assert scene.look()
    assert scene.isolated.reasons == []


def test_a_collection_in_which_nothing_is_as_it_was_is_left_alone_for_a_minute_and_then_believed() -> None:
    """A stale alias and a catalogue that was embedded anew look alike: not at once, and not for ever."""
    scene = Scene()
    assert scene.look()
    scene.database.embed_anew(*range(ITEMS))
    looks = [scene.look() for _ in range(40)]
    assert looks == [False] * 28 + [True] * 12


def test_a_database_that_lost_everything_is_found_until_nothing_is_popular_any_more() -> None:
    """Empty answers while items are shown are a lie; an empty catalogue is none."""
    scene = Scene()
    assert scene.look()
    scene.database.stored.clear()
    assert not any(scene.look() for _ in range(40))
    scene.popular = ()
    assert scene.look()


def test_an_outage_is_not_the_sentinels_business() -> None:
    """The breaker sees it."""
    scene = Scene()
    scene.look()
    scene.database.is_gone = True
    with pytest.raises(NotReadyError):
        scene.look()
    assert scene.isolated.reasons == []


def test_where_nothing_is_known_nothing_is_concluded() -> None:
    """An empty catalogue is no lie."""
    assert Scene(popular=()).look()


def test_vectors_that_were_read_since_the_last_good_look_are_dropped_when_a_lie_is_found() -> None:
    """Those before it stay; once the truth is told again, what was read meanwhile goes too."""
    scene = Scene()
    scene.unconfirmed.note([1, 2])
    scene.look()
    scene.unconfirmed.note([3, 4])
    scene.database.shift = 3
    scene.look()
    scene.look()
    scene.unconfirmed.note([5])
    scene.database.shift = 0
    scene.look()
    scene.look()

    assert scene.dropped == [(3, 4), (5,)]


def test_what_could_not_be_dropped_is_tried_again() -> None:
    """A cache that does not answer just then would give the lie for a week."""
    scene = Scene()
    scene.look()
    scene.unconfirmed.note([3])
    scene.database.shift, scene.can_drop = 3, False
    scene.look()
    scene.can_drop = True
    scene.look()
    scene.look()

    assert scene.dropped == [(3,), (3,)]


def test_what_is_read_during_a_look_waits_for_the_next_one() -> None:
    """The first lie may be younger than the look's own questions."""
    unconfirmed = Unconfirmed()
    unconfirmed.note([1, 2])
    unconfirmed.begin_look()
    unconfirmed.note([2, 3])
    unconfirmed.confirm()
    assert unconfirmed.ids == (2, 3)
