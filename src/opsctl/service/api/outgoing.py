"""What does the service answer: the documented models of which the bytes of `encode.py` are instances."""

from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from opsctl.service.api.schema import CONTENT_EXAMPLE, Id, Outgoing, Score, Status
from opsctl.service.model import Tier

_MOMENT = "2026-01-31T12:00:00Z"
_ITEM: JsonDict = {
    "id": 7,
    "vendor_id": 3,
    "title": "Letterpress studio",
    "region": "Brooklyn",
    "category": "print",
    "price_usd": 120.5,
    "quality": 0.87,
    "score": 0.7312,
}
_CONTENT: JsonDict = {"id": 7, **CONTENT_EXAMPLE, "updated_at": _MOMENT}

Moment = Annotated[AwareDatetime, Field(json_schema_extra={"format": "date-time"})]
Price = Annotated[float | None, Field(description="US dollars; null where the vendor names no price.")]


class TrendingItemAnswer(Outgoing):
    """An item that is popular now."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM]})

    id: Id = Field(description="The item.")
    vendor_id: Id = Field(description="Who offers it.")
    title: str
    region: str
    category: str
    price_usd: Price
    quality: Score = Field(description="From 0 (worst) to 1 (best), rounded to four digits.")
    score: Score = Field(description="By which it stands where it stands, rounded to four digits.")


class FeedItemAnswer(TrendingItemAnswer):
    """One item of a feed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _ITEM
                | {
                    "agents": {"discovery": 0.61, "quality": 0.87, "archivist": 0.4, "serendipity": 0.22},
                    "explored_by": None,
                }
            ]
        },
    )

    agents: dict[str, float] = Field(
        description="What each agent said of it, rounded to four digits; empty in lower tiers."
    )
    explored_by: str | None = Field(
        description="The exploration arm that brought it; null for an item that earned its place."
    )


class Exploration(Outgoing):
    """How exploration was chosen for this feed."""

    arm: str | None = Field(description="The arm that Thompson sampling chose; null where none was played.")
    propensity: float | None = Field(description="The probability with which it was chosen.")


class Versions(Outgoing):
    """The learned state that the feed was made with."""

    arms: int = Field(description="State of the exploration arms.")
    policy: int = Field(description="State of the agents' weights.")


class FeedAnswer(Outgoing):
    """A feed: the best items first, and how it came about."""

    feed_id: str = Field(
        description="Send it back with interactions, so that they are credited to this feed."
    )
    user_id: Id = Field(description="Whose feed it is.")
    tier: Tier = Field(
        description="How it was made: `multi_agent` is the whole work, the others stand in for it."
    )
    reason: str | None = Field(
        description="Why a lower tier made it: a dependency such as `vectors`, `overload`, `deadline`, `empty`, `defect`; "
        "`exercise` where nothing was wrong; null for the highest tier."
    )
    segment: str = Field(description="How much is known of the user: `cold`, `light`, `regular` or `heavy`.")
    generated_at: Moment = Field(description="When it was made; a cached feed keeps its moment.")
    items: list[FeedItemAnswer]
    weights: dict[str, float] = Field(
        description="How much each agent counted; they sum to 1, rounded to four digits."
    )
    exploration: Exploration
    versions: Versions


class TrendingAnswer(Outgoing):
    """What is popular now, the best first."""

    region: str | None = Field(description="As asked.")
    category: str | None = Field(description="As asked.")
    items: list[TrendingItemAnswer]


class RecordedAnswer(Outgoing):
    """What became of each idempotency key of the batch; every key stands in at least one list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"accepted": ["3f6c1d0e-user42-save-7"], "repeated": [], "unknown_content": []}]
        },
    )

    accepted: list[str] = Field(description="Recorded now.")
    repeated: list[str] = Field(
        description="Known already, or a second time in this batch: it counts once. The first report holds."
    )
    unknown_content: list[str] = Field(description="Not recorded: there is no such item.")


class ContentAnswer(Outgoing):
    """An item as it is stored."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CONTENT]})

    id: Id
    vendor_id: Id
    title: str
    description: str
    region: str
    district: str | None
    category: str
    tags: list[str]
    price_usd: Price
    quality: Score
    status: Status
    updated_at: Moment = Field(description="Of the last write that changed something.")


class HealthAnswer(Outgoing):
    """The process is alive."""

    model_config = ConfigDict(extra="allow")

    status: str = Field(description="Always `ok`.", examples=["ok"])


class ReadyAnswer(Outgoing):
    """The service answers feeds."""

    status: str = Field(
        description="`ready`, or `degraded`: feeds come from a lower tier; otherwise the answer is a problem.",
        examples=["ready"],
    )
    dependencies: dict[str, str] = Field(
        description="`ok`, or what is wrong, for each.",
        examples=[{"database": "ok", "vectors": "ok", "l2": "ok"}],
    )


class FieldErrorAnswer(Outgoing):
    """What is wrong with one part of the request."""

    message: str = Field(max_length=300)
    pointer: str | None = Field(
        default=None, max_length=200, description="A part of the body, as a JSON pointer."
    )
    parameter: str | None = Field(
        default=None, max_length=200, description="A parameter of path, query or header."
    )


class ProblemAnswer(Outgoing):
    """An error (RFC 9457); every error of the service has this shape."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "/docs#svc002",
                    "title": "invalid request",
                    "status": 400,
                    "detail": "1 part of the request does not keep to the contract",
                    "instance": "/v1/feed/42",
                    "code": "SVC002",
                    "request_id": "0b7f4d1c2a9e4f60",
                    "errors": [
                        {"parameter": "limit", "message": "Input should be less than or equal to 100"}
                    ],
                }
            ]
        },
    )

    type: str = Field(
        json_schema_extra={"format": "uri-reference"}, description="Where the code is explained."
    )
    title: str = Field(description="The kind of problem, the same for every occurrence.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(max_length=300, description="This occurrence; it never repeats what was sent.")
    instance: str = Field(
        max_length=200, json_schema_extra={"format": "uri-reference"}, description="The path."
    )
    code: str = Field(pattern=r"^SVC[0-9]{3}$", description="Stable; for programs.")
    request_id: str = Field(description="As in `X-Request-Id`; the service's log has it too.")
    errors: list[FieldErrorAnswer] | None = Field(
        default=None, description="Every place that is wrong, the first 20."
    )
    dependencies: dict[str, str] | None = Field(
        default=None, description="Of `SVC204` only: what is not there."
    )
