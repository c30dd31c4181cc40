"""Where does the edge find API keys, and where does it tell their use: the table of the database."""

from collections.abc import Mapping
from datetime import datetime

from opsctl.clients.pool_ports import LendsConnections
from opsctl.service.edge.key_model import KeyRecord
from opsctl.store.api_keys import find_key, touch_keys


class DatabaseKeys:
    """The keys of the database (`edge.key_model.KeySource`)."""

    def __init__(self, database: LendsConnections) -> None:
        self._database = database

    async def find(self, prefix: str) -> KeyRecord | None:
        """Return the key of this prefix, revoked and expired ones too; None when there is none."""
        async with self._database.connection("find_key") as connection:
            key = await find_key(connection, prefix)
        if key is None:
            return None
        return KeyRecord(
            prefix=key.prefix,
            hash=key.hash,
            plan=key.plan,
            scopes=frozenset(key.scopes),
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
        )

    async def touch(self, used_at: Mapping[str, datetime]) -> None:
        """Note when keys were last used."""
        async with self._database.connection("touch_keys") as connection:
            await touch_keys(connection, used_at)
