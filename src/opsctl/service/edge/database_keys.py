"""How does the edge ask the database for a key, and tell it when keys were used?"""

from collections.abc import Mapping
from datetime import datetime

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.service.edge.keys import KeyRecord
from opsctl.store.api_keys import find_key, touch_keys


class DatabaseKeys:
    """The table `api_keys` as a `KeySource`."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database

    async def find(self, prefix: str) -> KeyRecord | None:
        """Return the key of this prefix; None when there is none."""
        async with self._database.connection("find_key") as connection:
            found = await find_key(connection, prefix)
        if found is None:
            return None
        return KeyRecord(
            prefix=found.prefix,
            hash=found.hash,
            plan=found.plan,
            scopes=frozenset(found.scopes),
            expires_at=found.expires_at,
            revoked_at=found.revoked_at,
        )

    async def note_use(self, used: Mapping[str, datetime]) -> None:
        """Write when keys were last used."""
        async with self._database.connection("touch_keys") as connection:
            await touch_keys(connection, used)
