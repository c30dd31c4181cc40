"""What do clients send: interactions and content, checked field by field."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from opsctl.service.api.schema import (
    CONTENT_EXAMPLE,
    ChoiceName,
    FeedId,
    Id,
    IdempotencyKey,
    Incoming,
    InteractionKind,
    LongText,
    Moment,
    Status,
    Tag,
    Title,
)
from opsctl.store.content_writes import NewContent
from opsctl.store.readers import NewInteraction

_INTERACTION: JsonDict = {
    "idempotency_key": "3f6c1d0e-user42-save-7",
    "kind": "save",
    "user_id": 42,
    "content_id": 7,
    "occurred_at": "2026-01-31T12:00:00Z",
}


class InteractionBody(Incoming):
    """What a user did with an item."""

    model_config = ConfigDict(json_schema_extra={"examples": [_INTERACTION]})

    idempotency_key: IdempotencyKey = Field(
        description="Chosen by the client, the same in every attempt: the interaction then counts once, for ever."
    )
    kind: InteractionKind = Field(description="What the user did.")
    user_id: Id = Field(description="Who did it.")
    content_id: Id = Field(description="With which item.")
    occurred_at: Moment = Field(
        description="When, with a zone (RFC 3339); at most five minutes ahead and at most 90 days ago, else 422."
    )
    feed_id: FeedId | None = Field(
        default=None,
        description="The feed that led to it, as the feed's answer names it; it credits that feed.",
    )

    def value(self) -> NewInteraction:
        """Return it as the rest of the service knows it."""
        return NewInteraction(
            idempotency_key=self.idempotency_key,
            kind=self.kind,
            user_id=self.user_id,
            content_id=self.content_id,
            occurred_at=self.occurred_at,
            feed_id=self.feed_id,
        )


class InteractionBatch(Incoming):
    """Interactions that are recorded in one transaction; `batch_of` sets how many there may be."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"interactions": [_INTERACTION]}]})

    interactions: Annotated[list[InteractionBody], Field(min_length=1)]


def batch_of(most: int) -> type[InteractionBatch]:
    """Return the model of a batch of at most so many interactions."""

    class LimitedBatch(InteractionBatch):
        """Interactions that are recorded in one transaction."""

        interactions: Annotated[
            list[InteractionBody],
            Field(min_length=1, max_length=most, description="What was done; the order does not matter."),
        ]

    LimitedBatch.__name__ = InteractionBatch.__name__
    return LimitedBatch


class ContentBody(Incoming):
    """An item as a client writes it; what is left out gets its default, whatever was there before."""

    model_config = ConfigDict(json_schema_extra={"examples": [CONTENT_EXAMPLE]})

    vendor_id: Id = Field(description="Who offers it; the vendor exists already, else 422.")
    title: Title = Field(description="Shown as the item's name.")
    description: LongText = Field(default="", description="Free text; lines are allowed.")
    region: ChoiceName = Field(description="Such as a borough or a city.")
    district: ChoiceName | None = Field(default=None, description="A part of the region.")
    category: ChoiceName = Field(description="What is offered.")
    tags: Annotated[list[Tag], Field(max_length=50)] = Field(default=[], description="Words to find it by.")
    price_usd: float | None = Field(
        default=None, ge=0, le=9_999_999_999.99, description="Price in US dollars, kept in whole cents."
    )
    quality: float = Field(ge=0, le=1, description="From 0 (worst) to 1 (best).")
    status: Status = Field(default="published", description="Only `published` items are shown in feeds.")

    def value(self) -> NewContent:
        """Return it as the rest of the service knows it."""
        return NewContent(
            vendor_id=self.vendor_id,
            title=self.title,
            description=self.description,
            region=self.region,
            district=self.district,
            category=self.category,
            tags=tuple(self.tags),
            price_usd=None if self.price_usd is None else round(self.price_usd, 2),
            # Far below what answers show; the column is a `real`, which refuses what is nearly but not quite 0.
            quality=round(self.quality, 7),
            status=self.status,
        )
