"""What happens when an item is written or removed: one transaction with its outbox row, then no cache says the old."""

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.service.api.ports import UnknownVendorError
from opsctl.service.cache.invalidation import ItemInvalidation
from opsctl.service.model import Content, NewContent
from opsctl.store.content_writes import (
    ContentValues,
    NoSuchVendorError,
    StoredContent,
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
            found = await read_content(connection, content_id)
        return None if found is None else _content(found)

    async def write(self, content_id: int, new: NewContent) -> tuple[Content, bool]:
        """Insert or replace an item; tell whether it is new.

        Raises:
            UnknownVendorError: there is no such vendor.
        """
        try:
            async with self._database.connection("upsert_content") as connection:
                stored, is_new = await upsert_content(connection, content_id, _values(new))
        except NoSuchVendorError as error:
            raise UnknownVendorError(error.vendor_id) from error
        await self._invalidation.drop([content_id])
        return _content(stored), is_new

    async def delete(self, content_id: int) -> bool:
        """Remove an item; tell whether it was there."""
        async with self._database.connection("delete_content") as connection:
            was_there = await delete_content(connection, content_id)
        if was_there:
            await self._invalidation.drop([content_id])
        return was_there


def _values(new: NewContent) -> ContentValues:
    return ContentValues(
        vendor_id=new.vendor_id,
        title=new.title,
        description=new.description,
        region=new.region,
        district=new.district,
        category=new.category,
        tags=new.tags,
        price_usd=new.price_usd,
        quality=new.quality,
        status=new.status,
    )


def _content(stored: StoredContent) -> Content:
    return Content(
        id=stored.id,
        vendor_id=stored.vendor_id,
        title=stored.title,
        description=stored.description,
        region=stored.region,
        district=stored.district,
        category=stored.category,
        tags=stored.tags,
        price_usd=stored.price_usd,
        quality=stored.quality,
        status=stored.status,
        updated_at=stored.updated_at,
    )
