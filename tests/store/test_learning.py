"""Each version of what was learned is written by exactly one of those who try."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.opened import AnyConnection, on, with_pool

from opsctl.clients.postgres import DatabaseAddress
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.store.decisions import Decision, close_decisions, insert_decisions
from opsctl.store.learning import Learned, prune_states, read_newest, read_state, read_states, write_state

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("what", list(Learned))
def test_the_newest_and_every_kept_version_can_be_read(database: DatabaseAddress, what: Learned) -> None:
    """Nothing at first; then versions one by one, of which the old ones can be removed."""

    async def work(connection: AnyConnection) -> None:
        assert await read_state(connection, what) is None
        for version in range(5):
            assert await write_state(connection, what, expected=version, state={"n": version + 1})
        assert not await write_state(connection, what, expected=3, state={"n": "late"})
        assert not await write_state(connection, what, expected=9, state={"n": "early"})
        newest = await read_state(connection, what)
        second = await read_state(connection, what, version=2)
        assert newest is not None
        assert second is not None
        assert (newest.version, newest.state, second.state) == (5, {"n": 5}, {"n": 2})
        assert [await prune_states(connection, what, keep=2, limit=2) for _ in range(3)] == [2, 1, 0]
        assert await read_state(connection, what, version=2) is None

    on(database, work)


def test_the_newest_of_everything_is_read_at_once(database: DatabaseAddress) -> None:
    """What was never learned is left out; floats come back bit for bit."""

    async def work(connection: AnyConnection) -> None:
        assert await read_newest(connection) == {}
        for version in range(3):
            await write_state(connection, Learned.POLICY, expected=version, state={"n": [version / 3]})
        assert {what: each.state for what, each in (await read_newest(connection)).items()} == {
            Learned.POLICY: {"n": [2 / 3]}
        }
        await write_state(connection, Learned.ARMS, expected=0, state={"n": 1})
        newest = await read_newest(connection)
        assert newest == {what: await read_state(connection, what) for what in Learned}

    on(database, work)


@pytest.mark.slow
@pytest.mark.parametrize("what", list(Learned))
def test_what_an_open_decision_was_made_under_is_kept(database: DatabaseAddress, what: Learned) -> None:
    """With the margin before it, until the decision is closed; several versions are read at once."""

    async def work(connection: AnyConnection) -> None:
        for version in range(9):
            await write_state(connection, what, expected=version, state={"n": version + 1})
        moment = datetime(2026, 1, 2, tzinfo=UTC)
        decision = Decision(
            feed_id="a", user_id=1, decided_at=moment, content_ids=(1,), arms_version=5, policy_version=5
        )
        await insert_decisions(connection, [decision])
        removed = [await prune_states(connection, what, keep=2)]
        kept = await read_states(connection, what, versions=[3, 4, 9, 77])
        await close_decisions(connection, {"a": 0.0}, now=moment)
        removed.append(await prune_states(connection, what, keep=2))
        assert removed == [3, 4]
        assert {version: each.state for version, each in kept.items()} == {4: {"n": 4}, 9: {"n": 9}}

    on(database, work)


def test_of_many_writers_of_the_same_version_one_wins(database: DatabaseAddress) -> None:
    """Ten learners write version after version at once; each version has exactly one winner."""

    async def write(database: AsyncDatabase, expected: int, number: int) -> bool:
        async with database.connection("learn") as connection:
            return await write_state(connection, Learned.ARMS, expected=expected, state={"by": number})

    async def work(database: AsyncDatabase) -> list[int]:
        return [
            sum(await asyncio.gather(*(write(database, expected, number) for number in range(10))))
            for expected in range(5)
        ]

    assert with_pool(database, work) == [1] * 5


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_come_back_bit_for_bit(database: DatabaseAddress, numbers: list[float]) -> None:
    """A replay depends on it."""

    async def work(connection: AnyConnection) -> list[float]:
        await connection.execute("truncate agent_policy")
        await write_state(connection, Learned.POLICY, expected=0, state={"means": numbers})
        found = await read_state(connection, Learned.POLICY)
        assert found is not None
        return [float(number) for number in found.state["means"]]

    assert [number.hex() for number in on(database, work)] == [(number + 0.0).hex() for number in numbers]
