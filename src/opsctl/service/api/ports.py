"""What does the API need of the rest of the service: the seams that tests fill with small real or fake things."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from opsctl.service.model import Feed, FeedRequest
from opsctl.store.content_writes import Content, NewContent
from opsctl.store.popularity import PopularItem
from opsctl.store.readers import NewInteraction, RecordedInteractions


class Feeds(Protocol):
    """Makes feeds."""

    async def build(self, request: FeedRequest) -> Feed:
        """Return a feed, never an empty one while the catalogue holds anything that fits.

        Raises:
            UnknownChoiceError: region or category are in nobody's catalogue.
            OpsError: something that the feed cannot do without is not there.
        """
        ...

    async def trending(
        self, *, region: str | None, category: str | None, limit: int
    ) -> Sequence[PopularItem]:
        """Return what is popular now, best first."""
        ...


class Interactions(Protocol):
    """Takes in what users did."""

    async def record(self, batch: Sequence[NewInteraction]) -> RecordedInteractions:
        """Write a batch in one transaction; what is known already counts once.

        Of a key that stands in the batch twice the first interaction counts, and the others are repeated.
        """
        ...


class Contents(Protocol):
    """Reads and writes the catalogue, and drops what the caches say of what changed."""

    async def read(self, content_id: int) -> Content | None:
        """Return an item; None when there is none."""
        ...

    async def write(self, content_id: int, new: NewContent) -> tuple[Content, bool]:
        """Insert or replace an item; tell whether it is new.

        Raises:
            UnknownVendorError: there is no such vendor.
        """
        ...

    async def delete(self, content_id: int) -> bool:
        """Remove an item; tell whether it was there."""
        ...


class Readiness(Protocol):
    """Tells whether the service can do its work."""

    async def check(self) -> Mapping[str, str]:
        """Return `ok` or the reason for each dependency: database, vectors, l2."""
        ...


class UnknownChoiceError(Exception):
    """A region or category that nobody has; `field` names it, `choices` are those there are."""

    def __init__(self, *, field: str, value: str, choices: Sequence[str]) -> None:
        super().__init__(f"no {field} is called `{value}`")
        self.field = field
        self.value = value
        self.choices = tuple(choices)


class UnknownVendorError(Exception):
    """There is no vendor of this id."""

    def __init__(self, vendor_id: int) -> None:
        super().__init__(f"there is no vendor {vendor_id}")
        self.vendor_id = vendor_id
