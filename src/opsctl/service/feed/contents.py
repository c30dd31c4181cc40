"""What happens when an item is written or removed: one transaction with its outbox row, then no cache says the old."""

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.service.api.ports import UnknownVendorError
from opsctl.service.cache.invalidation import ItemInvalidation
from opsctl.store.content_writes import (
    Content,
    NewContent,
    NoSuchVendorError,
    delete_content,
    read_content,
    upsert_content,
)


class Catalogue:
    """Reads and writes items (`api.ports.Contents`).

    Caches are told after the commit: told before, they could read the old row once more. Where L2 cannot be told, the
    follower of the outbox tells it until it could.
    """

    def __init__(self, database: AsyncDatabase, *, invalidation: ItemInvalidation) -> None:
        self._database = database
        self._invalidation = invalidation

    async def read(self, content_id: int) -> Content | None:
        """Return an item; None when there is none."""
        async with self._database.connection("read_content") as connection:
            return await read_content(connection, content_id)

    async def write(self, content_id: int, new: NewContent) -> tuple[Content, bool]:
        """Insert or replace an item; tell whether it is new.

        Raises:
            UnknownVendorError: there is no such vendor.
        """
        try:
            async with self._database.connection("upsert_content") as connection:
                stored, is_new = await upsert_content(connection, content_id, new)
        except NoSuchVendorError as error:
            raise UnknownVendorError(error.vendor_id) from error
        await self._invalidation.drop([content_id])
        return stored, is_new

    async def delete(self, content_id: int) -> bool:
        """Remove an item; tell whether it was there."""
        async with self._database.connection("delete_content") as connection:
            was_there = await delete_content(connection, content_id)
        if was_there:
            await self._invalidation.drop([content_id])
        return was_there
