"""Keys as the database has them: found with all that the edge needs, and their use written back."""

from datetime import UTC, datetime

import pytest
from tests.service.edge.world import Time, run

from opsctl.clients.postgres import DatabaseAddress
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.service.edge.gcra import allowance
from opsctl.service.edge.key_model import KeyRefusedError
from opsctl.service.edge.keys import KeyCheck
from opsctl.service.edge.usage import report_once
from opsctl.service.key_store import DatabaseKeys
from opsctl.store.api_keys import create_key, find_key, revoke_key

pytestmark = pytest.mark.stack


def test_a_key_made_in_the_database_works_until_it_is_revoked_there(database: DatabaseAddress) -> None:
    """Created, accepted with its plan and scopes, used, reported, revoked, refused."""

    async def story() -> None:
        async with AsyncDatabase(database, max_connections=2) as pool:
            source, now = DatabaseKeys(pool), Time()
            plans = {name: allowance(10, window_seconds=60) for name in ("free", "bench")}
            used_at = datetime.now(UTC).timestamp()
            keys = KeyCheck(
                source, plans=plans, remembered_seconds=10, trusted_seconds=60, now=now, wall=lambda: used_at
            )
            async with pool.connection("test") as connection:
                made = await create_key(connection, name="test", plan="bench", scopes=["feed:read"])
            authorization = f"Bearer {made.key}".encode()

            grant = await keys.ask(authorization)
            assert (grant.plan, grant.scopes) == ("bench", frozenset({"feed:read"}))
            await report_once(keys, report=source.touch)
            async with pool.connection("test") as connection:
                found = await find_key(connection, made.record.prefix)
                assert found is not None
                assert found.last_used_at == datetime.fromtimestamp(used_at, tz=UTC)
                await revoke_key(connection, made.record.prefix)
            keys.forget(made.record.prefix)
            with pytest.raises(KeyRefusedError, match="revoked_key"):
                await keys.ask(authorization)
            with pytest.raises(KeyRefusedError, match="wrong_key"):
                await keys.ask(b"Bearer opk_nobodys1_" + b"s" * 32)

    run(story())
